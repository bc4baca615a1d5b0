import { send, useRead, type Me } from './api.js';
import { Deed } from './board.js';
import { CATEGORIES } from './categories.js';
import { today, useDays } from './days.js';
import { useSpeech } from './language.js';
import { at, Await, DAY_MS, Empty } from './parts.js';
import type { SessionItem } from './sessions.js';

interface List<T> {
  items: T[];
}
interface ToVisit {
  rank: number;
  unit: string;
  name: string;
  sector: string;
  reasons: { reason: string; points: number; text: string }[];
}

/** Why a unit is on the list, for whoever reads English; the API says it in Persian. */
const REASONS: Record<string, string> = {
  'problem-of-small-or-medium': 'small or medium, with open cases',
  'problem-of-large': 'large, with open cases',
  'knowledge-based': 'knowledge-based',
  'brand-revival': 'a brand to be revived',
  overdue: 'agencies are overdue towards it',
  'never-visited': 'never visited',
  'not-visited-for-months': 'not visited for months',
};
const AHEAD_DAYS = 30;

/** Which units to visit next, and why; it makes itself. */
export function VisitList({ me, sessions }: { me: Me; sessions: readonly SessionItem[] }) {
  const { t, n, day, language } = useSpeech();
  const until = today(new Date(Date.now() + AHEAD_DAYS * DAY_MS));
  const ahead = useDays(me.role === 'secretary' ? 'offices' : undefined, today(), until);
  const days = (ahead.data?.items ?? []).flatMap(({ date, off }) => (off ? [] : [[date, day(date, true)] as const]));
  const list = useRead<List<ToVisit>>('visit-list?limit=10');
  const next = sessions.filter(({ status }) => status === 'scheduled').at(-1);
  return (
    <section aria-labelledby="visits">
      <h2 id="visits">{t('فهرست بازدید', 'Whom to visit')}</h2>
      <p className="about">
        {t(
          'خودش ساخته می‌شود: واحدهای کوچک و متوسطِ دارای مشکل نخست می‌آیند.',
          'It makes itself: small and medium units with a problem come first.',
        )}
      </p>
      <Await of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('واحدی در فهرست نیست.', 'No unit is on the list.')}</Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th scope="col">{t('رتبه', 'Rank')}</th>
                  <th scope="col">{t('واحد', 'Unit')}</th>
                  <th scope="col">{t('چرا', 'Why')}</th>
                  {me.role === 'secretary' && <th scope="col">{t('کار', 'Do')}</th>}
                </tr>
              </thead>
              <tbody>
                {items.map(({ rank, unit, name, sector, reasons }) => (
                  <tr key={unit}>
                    <td>{n(rank)}</td>
                    <th scope="row">
                      <a href={at('units', unit)}>{name}</a>
                      <small>{sector}</small>
                    </th>
                    <td className="pills">
                      {reasons.map(({ reason, text }) => (
                        <span key={reason} className="pill">
                          {language === 'fa' ? text : (REASONS[reason] ?? reason)}
                        </span>
                      ))}
                    </td>
                    {me.role === 'secretary' && (
                      <td>
                        <PlanVisit
                          unit={unit}
                          name={name}
                          session={next?.id}
                          why={reasons.map(({ text }) => text)}
                          days={days}
                        />
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Await>
    </section>
  );
}

interface PlanProps {
  unit: string;
  name: string;
  /** The session that the visit prepares. */
  session: string | undefined;
  why: readonly string[];
  days: readonly (readonly [string, string])[];
}

function PlanVisit({ unit, name, session, why, days }: PlanProps) {
  const { t } = useSpeech();
  return (
    <Deed
      main={false}
      title={t('برنامه‌ریزی بازدید', 'Plan a visit')}
      about={name}
      action={t('در برنامه گذاشته شود', 'Plan it')}
      fields={[
        { name: 'date', label: t('روز', 'Day'), kind: 'select', options: days },
        { name: 'reason', label: t('دلیل', 'Reason'), kind: 'long', initial: why.join('؛ ') },
      ]}
      submit={(values, key) =>
        send(['visit', `v-${key.slice(0, 8)}`], 'PlanVisit', { unit, ...values, ...(session && { session }) }, key)
      }
    />
  );
}

interface Visit {
  id: string;
  date: string;
  unitName: string | null;
  unit: string;
  reason: string;
  visited: boolean;
}

/** Visits that are planned; what is found becomes a case for each need. */
export function Planned() {
  const { t, day } = useSpeech();
  const visits = useRead<List<Visit>>('visits?limit=50');
  const planned = visits.data?.items.filter(({ visited }) => !visited).toReversed() ?? [];
  if (planned.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="planned">
      <h2 id="planned">{t('بازدیدهای در پیش', 'Visits ahead')}</h2>
      <ul className="rows">
        {planned.map(({ id, date, unit, unitName, reason }) => (
          <li key={id} className="row">
            <span>
              {day(date)} · <a href={at('units', unit)}>{unitName ?? unit}</a> <small>{reason}</small>
            </span>
            <Deed
              main={false}
              title={t('ثبت یافته‌ها', 'Record findings')}
              about={unitName ?? unit}
              action={t('ثبت شود', 'Record')}
              note={t('برای این نیاز پرونده‌ای گشوده می‌شود.', 'A case is opened for this need.')}
              fields={[
                { name: 'findings', label: t('یافته‌ها', 'Findings'), kind: 'long' },
                {
                  name: 'category',
                  label: t('موضوع نیاز', 'Subject of the need'),
                  kind: 'select',
                  options: Object.entries(CATEGORIES).map(([of, name]) => [of, t(...name)]),
                },
                { name: 'statement', label: t('نیاز', 'The need'), kind: 'long' },
              ]}
              submit={({ findings, category, statement }, key) =>
                send(['visit', id], 'RecordFindings', { findings, needs: [{ category, statement }] }, key)
              }
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
