import { useState } from 'react';
import { useRead, type Me } from './api.js';
import { OwnAnswers } from './duties.js';
import { useSpeech } from './language.js';
import { Agencies } from './agencies.js';
import { Long } from './long.js';
import { Obligation, type Owed } from './obligation.js';
import { Await, Empty, Figure } from './parts.js';
import { Trend, type Summary } from './trend.js';

interface Page<T> {
  items: T[];
}

/** The due instant is the order of the API: what was missed longest ago comes first. What is suspended waits below. */
const PRESSING = 'issued,running,claimed,missed';

/** What has reached the governor, with one look at why and one action each. */
export function Desk({ me }: { me: Me }) {
  const { t, n } = useSpeech();
  const [office, setOffice] = useState<'governor' | 'inspection' | 'deputy'>('governor');
  const [count, setCount] = useState('');
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

      {(me.role === 'governor' || me.role === 'deputy') && <OwnAnswers me={me} />}
      <section aria-labelledby="reached">
        <div className="row">
          <h2 id="reached">{t('بدترین‌ها نخست', 'Worst first')}</h2>
          <div className="tabs" role="group" aria-label={t('تا کجا رسیده', 'How far it went')}>
            {offices.map(([id, name]) => (
              <button key={id} type="button" aria-pressed={office === id} onClick={() => (setOffice(id), setCount(''))}>
                {name}
                {office === id && <b> {n(count)}</b>}
              </button>
            ))}
          </div>
        </div>
        <Long<Owed>
          key={office}
          path={`obligations?escalatedTo=${office}&status=${PRESSING}`}
          keyOf={keyOf}
          onCount={setCount}
          row={(one, index) => <Obligation of={one} me={me} open={index === 0} />}
          empty={
            <Empty>
              {t('چیزی به اینجا نرسیده است. دستگاه‌ها به مهلت‌هایشان رسیده‌اند.', 'Nothing has come this far.')}
            </Empty>
          }
        />
        <Suspended office={office} me={me} />
      </section>

      <div className="two">
        <Agencies />
        {group && <Await of={summary}>{(found) => <Trend summary={found} />}</Await>}
      </div>
    </>
  );
}

const keyOf = ({ resolution, obligation }: Owed): string => `${resolution}/${obligation}`;

/** What came this far and whose clock stands still on a legal ground. */
function Suspended({ office, me }: { office: string; me: Me }) {
  const { t } = useSpeech();
  const found = useRead<Page<Owed>>(`obligations?escalatedTo=${office}&status=suspended&limit=100`);
  if (!found.data || found.data.items.length === 0) return null;
  return (
    <>
      <h3>{t('متوقف', 'Suspended')}</h3>
      <ol className="cards">
        {found.data.items.map((one) => (
          <li key={keyOf(one)}>
            <Obligation of={one} me={me} />
          </li>
        ))}
      </ol>
    </>
  );
}
