import { useState } from 'react';
import type { Category } from '#directory';
import type { AgencyName } from './agencies.js';
import { send, useRead } from './api.js';
import { Deed } from './board.js';
import type { Field } from './form.js';
import { useSpeech } from './language.js';
import type { Owed } from './obligation.js';

interface Template {
  id: string;
  title: string;
  legalBasis?: string;
  obligation: Partial<Pick<Owed, 'agency' | 'action' | 'acceptance' | 'term' | 'ladder'>>;
  /** Where it names only a kind of agency: those of the kind. */
  agencies?: readonly { id: string; name: string }[];
}

const BASIS = 'ماده ۶۱ قانون رفع موانع تولید رقابت‌پذیر';

/** `15` as working days, `PT72H` as it is. */
const termOf = (typed: string): object =>
  /^\d+$/.test(typed) ? { workingDays: Number(typed) } : { duration: typed.toUpperCase() };

interface AdoptProps {
  session: string;
  of: { id: string; title: string; category: Category };
}

/**
 * A resolution on a case, each obligation filled in from a template of the category that is chosen, or from what was
 * last decided on such a case, so that whoever agrees has only to confirm.
 */
export function Adopt({ session, of }: AdoptProps) {
  const { t, n: digits } = useSpeech();
  const [count, setCount] = useState(1);
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const agencies = useRead<{ items: AgencyName[] }>('agencies?limit=500');
  const ladders = useRead<{ items: { id: string }[] }>('ladders?limit=500');
  const templates = useRead<{ items: Template[] }>(`templates?category=${of.category}&limit=100`);
  const before = useRead<{ items: Owed[] }>(`obligations?category=${of.category}&limit=500`);
  const last = before.data?.items.toSorted((a, b) => b.session.localeCompare(a.session, 'en', { numeric: true }))[0];
  const likes: Template[] = [
    ...(templates.data?.items ?? []),
    ...(last ? [{ id: 'last', title: t('آنچه پیش‌تر تصویب شد', 'What was decided before'), obligation: last }] : []),
  ];
  const likeOf = (n: number) => likes.find(({ id }) => id === chosen[`template${n}`]) ?? likes[0];
  const names = (agencies.data?.items ?? []).map(({ id, name }) => [id, name] as const);
  const known = new Set(['standard', ...(ladders.data?.items ?? []).map(({ id }) => id)]);
  const many = count > 1;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const namedFor = (n: number) => (fa: string, en: string) =>
    t(many ? `${fa} (تکلیف ${digits(n)})` : fa, many ? `${en} (obligation ${n})` : en);
  const template = (n: number): Field => ({
    name: `template${n}`,
    label: namedFor(n)('الگو', 'Template'),
    kind: 'select',
    options: likes.map(({ id, title }) => [id, title]),
  });
  const obligation = (n: number): Field[] => {
    const like = likeOf(n);
    const { agency, action, acceptance, term, ladder = 'standard' } = like?.obligation ?? {};
    const named = namedFor(n);
    const others = numbers.filter((other) => other !== n);
    const fields: (Field | false)[] = [
      n > 1 && likes.length > 1 && template(n),
      {
        name: `agency${n}`,
        label: named('دستگاه', 'Agency'),
        kind: 'select',
        options: like?.agencies?.length ? like.agencies.map(({ id, name }) => [id, name] as const) : names,
        initial: agency,
      },
      { name: `action${n}`, label: named('تکلیف', 'What it must do'), initial: action },
      {
        name: `term${n}`,
        label: named('مهلت', 'Term'),
        kind: 'term',
        hint: t('روز کاری، مانند ۱۵؛ یا مدت، مانند PT72H', 'Working days, such as 15; or a duration, such as PT72H'),
        initial: term?.workingDays?.toString() ?? term?.duration,
      },
      many && {
        name: `dependsOn${n}`,
        label: named('آغاز مهلت', 'Its clock starts'),
        kind: 'several',
        optional: true,
        hint: t('اگر هیچ‌کدام: با ابلاغ', 'None of them: when it is communicated'),
        options: others.map((other) => [
          `o${other}`,
          t(`پس از انجام تکلیف ${digits(other)}`, `after obligation ${other} is met`),
        ]),
      },
      { name: `acceptance${n}`, label: named('معیار پذیرش', 'Counts as done'), initial: acceptance },
      {
        name: `ladder${n}`,
        label: named('نردبان پیگیری', 'Ladder'),
        kind: 'select',
        options: [...new Set([...known, ladder])].map((id) => [id, id === 'standard' ? t('عادی', 'standard') : id]),
        initial: ladder,
      },
    ];
    return fields.filter((field) => field !== false);
  };
  return (
    <Deed
      title={t('تصویب', 'Adopt')}
      about={of.title}
      action={t('تصویب شود', 'Adopt')}
      note={t('پس از امضای صورتجلسه صادر می‌شود و با ابلاغ، ساعت‌ها آغاز می‌شوند.', 'It is issued when the minutes are signed; clocks start when it is communicated.')} // prettier-ignore
      more={{ label: t('تکلیف دیگر', 'Another obligation'), run: () => setCount(count + 1) }}
      onChange={(name, value) => name.startsWith('template') && setChosen({ ...chosen, [name]: value })}
      fields={[
        ...(likes.length > 1 ? [template(1)] : []),
        { name: 'text', label: t('متن مصوبه', 'Text'), kind: 'long', initial: likeOf(1)?.obligation.action },
        { name: 'legalBasis', label: t('مبنای قانونی', 'Legal basis'), initial: likeOf(1)?.legalBasis ?? BASIS },
        ...numbers.flatMap(obligation),
      ]}
      submit={({ text, legalBasis, ...values }, key) => {
        const after = (n: number) => values[`dependsOn${n}`]?.split(' ') ?? [];
        const obligations = numbers.map((n) => ({
          id: `o${n}`,
          agency: values[`agency${n}`],
          action: values[`action${n}`],
          acceptance: values[`acceptance${n}`],
          term: termOf(values[`term${n}`]!),
          ladder: values[`ladder${n}`],
          ...(after(n).length > 0 && { dependsOn: after(n) }),
        }));
        return send(['session', session], 'AdoptResolution', { case: of.id, text, legalBasis, obligations }, key);
      }}
    />
  );
}
