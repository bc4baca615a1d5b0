import { useMemo, useState } from 'react';
import type { Category, LadderVersion } from '#directory';
import { read, sentence, useDeed, useRead, type Me, type Refusal } from './api.js';
import { CATEGORIES } from './categories.js';
import { today, useDays } from './days.js';
import { useSpeech } from './language.js';
import { Await, Empty } from './parts.js';
import { drawn } from './rungs.js';
import { durationWords, Track } from './track.js';

interface Template {
  id: string;
  version: number;
  category: Category;
  title: string;
  obligation: { term: { workingDays?: number; duration?: string }; ladder?: string };
}

const MAY_DEFINE: readonly string[] = ['admin', 'secretary'];

/** The usual terms, each with its ladder, as pictures on one scale. */
export function Terms({ me }: { me: Me }) {
  const { t } = useSpeech();
  const found = useRead<{ items: Template[] }>('templates?limit=500');
  const ladders = useRead<{ items: { id: string; versions: LadderVersion[] }[] }>('ladders?limit=500');
  if (me.role === 'agency' || me.role === 'unit') return null;
  return (
    <section aria-labelledby="terms">
      <h2 id="terms">{t('مهلت‌های معمول', 'Usual terms')}</h2>
      <p className="about">
        {t(
          'مهلت هر اقدام در الگوی آن است. مصوبه‌ای که صادر شده مهلت خود را نگه می‌دارد.',
          'The term of a measure is in its template. What was issued keeps its own.',
        )}
      </p>
      <Await of={found}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('هنوز الگویی تعریف نشده است.', 'No template is defined yet.')}</Empty>
          ) : (
            <ul className="terms">
              {items.map((one) => (
                <Term
                  key={`${one.id} ${one.version}`}
                  of={one}
                  ladder={ladders.data?.items
                    .find(({ id }) => id === (one.obligation.ladder ?? 'standard'))
                    ?.versions.at(-1)}
                  most={Math.max(...items.map(({ obligation }) => obligation.term.workingDays ?? 0))}
                  may={MAY_DEFINE.includes(me.role)}
                />
              ))}
            </ul>
          )
        }
      </Await>
    </section>
  );
}

function Term({ of, ladder, most, may }: { of: Template; ladder?: LadderVersion; most: number; may: boolean }) {
  const speech = useSpeech();
  const { t, n, day } = speech;
  const { obligation } = of;
  const force = obligation.term.workingDays;
  const [days, setDays] = useState(force);
  const [state, setState] = useState<'open' | 'sending' | Refusal>('open');
  const rungs = useMemo(() => (ladder ? drawn(ladder) : []), [ladder]);
  const from = today();
  const to = new Date(Date.parse(from) + 399 * 86_400_000).toISOString().slice(0, 10);
  const calendar = useDays(may ? 'offices' : undefined, from, to);
  const working = calendar.data?.items.filter(({ date, off }) => date > from && !off) ?? [];
  const due = (count = 0) => (working[count - 1] ? day(working[count - 1]!.date) : '—');
  const deed = useDeed();
  const adopt = async () => {
    setState('sending');
    try {
      // Its latest version, whatever belongs to it, with another term.
      const { versions } = await read<{ versions: object[] }>(`templates/${of.id}`);
      const { version: _, at: __, by: ___, ...body } = versions.at(-1) as Record<string, unknown>;
      await deed(['template', of.id], 'DefineTemplate', { ...body, term: { workingDays: days } });
      setState('open');
    } catch (error) {
      setState(error as Refusal);
    }
  };
  return (
    <li className="panel">
      <h3>
        {of.title} <small>{t(...CATEGORIES[of.category])}</small>
      </h3>
      {force === undefined ? (
        <p>{durationWords(obligation.term.duration, speech)}</p>
      ) : (
        <Track
          name={t(`${n(days!)} روز کاری`, `${days} working days`)}
          rungs={rungs}
          repeat={ladder?.repeat?.workingDays}
          term={days}
          span={[Math.max(most, days!) + 2, 20]}
        />
      )}
      {may && force !== undefined && (
        <>
          <label>
            {t('مهلت', 'Term')}{' '}
            <input
              type="range"
              min={1}
              max={Math.min(750, Math.max(60, 2 * most))}
              value={days}
              aria-valuetext={t(`${n(days!)} روز کاری`, `${days} working days`)}
              onChange={({ target }) => setDays(Number(target.value))}
            />
          </label>
          {days !== force && (
            <>
              <p className="notice">
                {t(
                  `اگر امروز ابلاغ شود: به جای ${due(force)} (${n(force)} روز)، ${due(days)} (${n(days!)} روز)`,
                  `Communicated today: ${due(days)} (${days} days) instead of ${due(force)} (${force})`,
                )}
              </p>
              {typeof state === 'object' && (
                <p className="notice is-bad" role="alert">
                  {sentence(state, speech)}
                </p>
              )}
              <div className="buttons">
                <button type="button" className="main" disabled={state === 'sending'} onClick={() => void adopt()}>
                  {t('به اجرا درآید', 'Adopt')}
                </button>
                <button type="button" onClick={() => setDays(force)}>
                  {t('همان بماند', 'Leave it')}
                </button>
              </div>
            </>
          )}
        </>
      )}
    </li>
  );
}
