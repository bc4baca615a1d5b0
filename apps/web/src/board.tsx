import { useState } from 'react';
import type { Category } from '#directory';
import { send, useRead } from './api.js';
import { type AgencyName } from './agencies.js';
import { CATEGORIES } from './categories.js';
import { today, useDays } from './days.js';
import { Form, type Field, type FormProps } from './form.js';
import { useSpeech } from './language.js';
import { type Owed } from './obligation.js';
import { at, Await, Empty } from './parts.js';

const DAY_MS = 86_400_000;
const AHEAD_DAYS = 60;

/** A button, and the form that it opens. */
export function Deed({ main = true, ...form }: Omit<FormProps, 'close'> & { main?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={main ? 'main' : ''} onClick={() => setOpen(true)}>
        {form.title}
      </button>
      {open && <Form {...form} close={() => setOpen(false)} />}
    </>
  );
}

interface ScheduleProps {
  group: string;
  /** The number of the session that needs another day, and the day that is proposed. */
  move?: number;
  day?: string;
}

/** The next session of a group, or another day for one, among the working days ahead; Tuesdays are offered first. */
export function Schedule({ group, move, day: proposed }: ScheduleProps) {
  const { t, day } = useSpeech();
  const until = today(new Date(Date.now() + AHEAD_DAYS * DAY_MS));
  const days = useDays('offices', today(), until);
  const open = (days.data?.items ?? []).filter(({ off }) => !off).map(({ date }) => date);
  const tuesday = (date: string) => (new Date(date).getUTCDay() === 2 ? 0 : 1);
  return (
    <Deed
      main={move === undefined}
      title={move ? t('روز دیگر', 'Another day') : t('برنامه‌ریزی جلسهٔ بعد', 'Schedule the next session')}
      action={t('برنامه‌ریزی شود', 'Schedule')}
      note={
        move ? undefined : t('شمارهٔ جلسه را سامانه می‌دهد، بی‌جاافتادگی.', 'The engine gives the number, without gaps.')
      }
      fields={[
        {
          name: 'date',
          label: t('روز', 'Day'),
          kind: 'select',
          options: open.toSorted((a, b) => tuesday(a) - tuesday(b)).map((date) => [date, day(date, true)]),
          initial: proposed,
        },
      ]}
      submit={(values, key) =>
        move
          ? send(['workingGroup', group], 'RescheduleSession', { number: move, ...values }, key)
          : send(['workingGroup', group], 'ScheduleSession', values, key)
      }
    />
  );
}

export function OpenIt({ session }: { session: string }) {
  const { t } = useSpeech();
  return (
    <Deed
      title={t('گشودن جلسه', 'Open the session')}
      action={t('گشوده شود', 'Open')}
      fields={[
        {
          name: 'attendance',
          label: t('حاضران', 'Present'),
          kind: 'long',
          initial: 'governor\nsecretary',
          hint: t('هر سطر یک نام.', 'One a line.'),
        },
      ]}
      submit={({ attendance = '' }, key) => {
        const names = attendance.split('\n').map((name) => name.trim());
        return send(['session', session], 'OpenSession', { attendance: names.filter(Boolean) }, key);
      }}
    />
  );
}

/** Reviewed cases that wait for an agenda. */
export function Table({ session }: { session: string }) {
  const { t } = useSpeech();
  const ready = useRead<{ items: { id: string; title: string; category: Category }[] }>(
    'cases?status=reviewed&limit=100',
  );
  return (
    <section aria-labelledby="ready">
      <h3 id="ready">{t('آمادهٔ دستور جلسه', 'Ready for the agenda')}</h3>
      <Await of={ready}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('پروندهٔ بررسی‌شده‌ای در انتظار نیست.', 'No reviewed case is waiting.')}</Empty>
          ) : (
            <ul>
              {items.map(({ id, title, category }) => (
                <li key={id} className="row">
                  <span>
                    <a href={at('cases', id)}>{title}</a> <small>{t(...CATEGORIES[category])}</small>
                  </span>
                  <Deed
                    main={false}
                    title={t('در دستور بگذار', 'Put on the agenda')}
                    about={title}
                    action={t('در دستور گذاشته شود', 'Put it on')}
                    fields={[]}
                    submit={(_, key) => send(['case', id], 'TableCase', { session }, key)}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Await>
    </section>
  );
}

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

/** With what a clock starts: the letter, or what has to be met before. */
const BY_LETTER = 'letter';
const ALL = 'all';

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
        kind: 'select',
        options: [
          [BY_LETTER, t('با ابلاغ', 'when it is communicated')],
          ...others.map(
            (other) => [`o${other}`, t(`با انجام تکلیف ${digits(other)}`, `when obligation ${other} is met`)] as const,
          ),
          ...(others.length > 1 ? [[ALL, t('با انجام همهٔ دیگران', 'when all others are met')] as const] : []),
        ],
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
        const after = (n: number) => {
          const others = numbers.filter((other) => other !== n).map((other) => `o${other}`);
          const value = values[`dependsOn${n}`];
          return value === ALL ? others : others.filter((id) => id === value);
        };
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

const CHANNELS: readonly (readonly [string, string, string])[] = [
  ['desk', 'میز خدمت', 'Desk'],
  ['phone', 'تلفن', 'Phone'],
  ['portal', 'درگاه', 'Portal'],
  ['chamber', 'اتاق بازرگانی', 'Chamber'],
  ['agency', 'دستگاه', 'Agency'],
];

/** Intake: a matter becomes a case. */
export function OpenCase() {
  const { t } = useSpeech();
  return (
    <Deed
      title={t('پروندهٔ تازه', 'New case')}
      action={t('گشوده شود', 'Open')}
      fields={[
        { name: 'title', label: t('عنوان', 'Title') },
        { name: 'category', label: t('موضوع', 'Subject'), kind: 'select', options: Object.entries(CATEGORIES).map(([id, name]) => [id, t(...name)]) }, // prettier-ignore
        { name: 'channel', label: t('از کدام راه', 'Channel'), kind: 'select', options: CHANNELS.map(([id, fa, en]) => [id, t(fa, en)]) }, // prettier-ignore
        { name: 'unit', label: t('شناسهٔ واحد', 'Unit id'), optional: true },
        { name: 'statement', label: t('شرح', 'Statement'), kind: 'long' },
      ]}
      // The id comes of the key, so that sending again opens no second case.
      submit={async (values, key) => {
        const id = `c-${key.slice(0, 8)}`;
        await send(['case', id], 'OpenCase', values, key);
        location.hash = at('cases', id);
      }}
    />
  );
}

/** The expert's word, without which nothing gets on an agenda. */
export function Review({ of }: { of: string }) {
  const { t } = useSpeech();
  return (
    <div className="deeds">
      <Deed
        title={t('نظر کارشناسی', 'Technical review')}
        action={t('ثبت شود', 'Record')}
        fields={[
          { name: 'technicalNote', label: t('نظر فنی', 'Technical note'), kind: 'long' },
          { name: 'recommendation', label: t('پیشنهاد', 'Recommendation'), kind: 'long' },
        ]}
        submit={(values, key) => send(['case', of], 'ReviewCase', { ...values, checklist: [] }, key)}
      />
    </div>
  );
}
