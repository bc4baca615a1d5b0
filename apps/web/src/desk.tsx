import { useState } from 'react';
import type { ObligationRow } from '#resolutions';
import { useRead, type Me } from './api.js';
import { useSpeech } from './language.js';
import { Agencies } from './agencies.js';
import { Obligation, type Owed } from './obligation.js';
import { Await, Empty, Figure } from './parts.js';
import { Trend, type Summary } from './trend.js';

interface Page<T> {
  items: T[];
}

/** Worst first: what was missed longest ago. What is suspended waits at the end. */
const worst = (a: ObligationRow, b: ObligationRow): number =>
  (a.suspension ? 1 : 0) - (b.suspension ? 1 : 0) || (a.missedAt ?? '~').localeCompare(b.missedAt ?? '~');

const OPEN = 'issued,running,suspended,claimed,missed';

/** What has reached the governor, with one look at why and one action each. */
export function Desk({ me }: { me: Me }) {
  const { t, n } = useSpeech();
  const [office, setOffice] = useState<'governor' | 'inspection' | 'deputy'>('governor');
  const here = useRead<Page<Owed>>(`obligations?escalatedTo=${office}&status=${OPEN}&limit=500`);
  const groups = useRead<Page<{ workingGroup: string }>>('sessions?limit=500');
  const group = groups.data?.items[0]?.workingGroup;
  const summary = useRead<Summary>(group && `working-groups/${group}/summary`);
  const offices = [
    ['governor', t('نزد استاندار', 'With the governor')],
    ['inspection', t('به بازرسی رفته', 'Gone on to inspection')],
    ['deputy', t('نزد معاون', 'With the deputy')],
  ] as const;
  return (
    <>
      <header className="head">
        <h1>
          {me.role === 'governor' ? t('میز استاندار', "The governor's desk") : t('آنچه مانده است', 'What is left')}
        </h1>
        {summary.data && (
          <dl className="figures">
            <Figure
              value={n(summary.data.overdue)}
              label={t('تکلیف با مهلت گذشته', 'overdue obligations')}
              tone="bad"
            />
            <Figure value={n(summary.data.open)} label={t('تکلیف باز', 'open obligations')} />
            <Figure value={n(summary.data.held)} label={t('جلسهٔ برگزارشده', 'sessions held')} />
            <Figure
              value={n(Math.round((summary.data.averageCasesPerSession ?? 0) * 10) / 10)}
              label={t('پرونده در هر جلسه', 'cases a session')}
            />
          </dl>
        )}
      </header>

      <section aria-labelledby="reached">
        <div className="row">
          <h2 id="reached">{t('بدترین‌ها نخست', 'Worst first')}</h2>
          <div className="tabs" role="group" aria-label={t('تا کجا رسیده', 'How far it went')}>
            {offices.map(([id, name]) => (
              <button key={id} type="button" aria-pressed={office === id} onClick={() => setOffice(id)}>
                {name}
                {office === id && here.data && <b> {n(here.data.items.length)}</b>}
              </button>
            ))}
          </div>
        </div>
        <Await of={here}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty>
                {t('چیزی به اینجا نرسیده است. دستگاه‌ها به مهلت‌هایشان رسیده‌اند.', 'Nothing has come this far.')}
              </Empty>
            ) : (
              <ol className="cards" key={office}>
                {items.toSorted(worst).map((one, index) => (
                  <li key={`${one.resolution}/${one.obligation}`}>
                    <Obligation of={one} me={me} open={index === 0} />
                  </li>
                ))}
              </ol>
            )
          }
        </Await>
      </section>

      <div className="two">
        <Agencies />
        {group && <Await of={summary}>{(found) => <Trend summary={found} />}</Await>}
      </div>
    </>
  );
}
