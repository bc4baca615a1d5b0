import type { Category } from '#directory';
import { send, useRead, type Me } from './api.js';
import { CATEGORIES } from './categories.js';
import { Adopt } from './adopt.js';
import { Deed, OpenIt, Schedule, Table } from './board.js';
import { useSpeech } from './language.js';
import { at, Await, Empty, Figure } from './parts.js';

export interface SessionItem {
  id: string;
  workingGroup: string;
  number: number;
  date: string;
  status: 'scheduled' | 'open' | 'signed';
  attendance: string[];
  openedAt?: string;
  signedAt?: string;
  adopted: {
    ordinal: number;
    resolution: string;
    number: string;
    case?: string;
    text: string;
    status?: string;
    open?: number;
    overdue?: number;
  }[];
  agenda: { id: string; unit?: string; category: Category; status: string; title: string }[];
  counts: { cases: number; resolutions: number; visits: number; visited: number };
}

const STATUSES: Record<SessionItem['status'], [string, string]> = {
  scheduled: ['برنامه‌ریزی‌شده', 'scheduled'],
  open: ['در جریان', 'open'],
  signed: ['امضاشده', 'signed'],
};

/** The sessions of every working group, the latest first. */
export function Sessions({ me }: { me: Me }) {
  const { t, n, day } = useSpeech();
  const found = useRead<{ items: SessionItem[] }>('sessions?limit=100');
  const heads = {
    cases: t('پرونده', 'Cases'),
    visits: t('بازدید', 'Visits'),
    resolutions: t('مصوبه', 'Resolutions'),
    owed: t('تکلیف باز / گذشته', 'Open / overdue'),
  };
  return (
    <>
      <header className="head">
        <h1>{t('جلسه‌ها', 'Sessions')}</h1>
        {me.role === 'secretary' && found.data?.items[0] && <Schedule group={found.data.items[0].workingGroup} />}
      </header>
      <Await of={found}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('هنوز جلسه‌ای برنامه‌ریزی نشده است.', 'No session is scheduled yet.')}</Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th scope="col">{t('جلسه', 'Session')}</th>
                  <th scope="col">{t('وضعیت', 'State')}</th>
                  {Object.values(heads).map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {items.map(({ id, number, date, status, counts, adopted }) => {
                  const sum = (key: 'open' | 'overdue') =>
                    n(adopted.reduce((total, one) => total + (one[key] ?? 0), 0));
                  return (
                    <tr key={id}>
                      <th scope="row">
                        <a href={at('sessions', id)}>{t(`جلسهٔ ${n(number)}`, `Session ${number}`)}</a>
                        <small>{day(date, true)}</small>
                      </th>
                      <td>{t(...STATUSES[status])}</td>
                      <td data-label={heads.cases}>{n(counts.cases)}</td>
                      <td data-label={heads.visits}>{n(counts.visited)}</td>
                      <td data-label={heads.resolutions}>{n(counts.resolutions)}</td>
                      <td data-label={heads.owed}>
                        {sum('open')} / {sum('overdue')}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )
        }
      </Await>
    </>
  );
}

/** One session: its agenda against the capacity, what was adopted, minutes and letters. */
export function SessionPage({ id, me }: { id: string; me: Me }) {
  const { t, n, day } = useSpeech();
  const found = useRead<SessionItem>(`sessions/${id}`);
  const group = useRead<{ capacity: number }>(found.data && `working-groups/${found.data.workingGroup}/summary`);
  return (
    <Await of={found}>
      {(one) => {
        const { agenda, adopted, counts, number, date, status } = one;
        const capacity = group.data?.capacity;
        return (
          <>
            <header className="head">
              <h1>
                {t(`جلسهٔ ${n(number)}`, `Session ${number}`)} · {day(date, true)}
              </h1>
              <p>{t(...STATUSES[status])}</p>
              <dl className="figures">
                <Figure
                  value={
                    capacity === undefined
                      ? n(counts.cases)
                      : t(`${n(counts.cases)} از ${n(capacity)}`, `${counts.cases} of ${capacity}`)
                  }
                  label={t('پرونده از گنجایش', 'cases of the capacity')}
                  tone={capacity !== undefined && counts.cases > capacity ? 'bad' : ''}
                />
                <Figure value={n(counts.visited)} label={t('بازدید', 'visits')} />
                <Figure value={n(counts.resolutions)} label={t('مصوبه', 'resolutions')} />
              </dl>
              <Sign of={one} me={me} />
              {me.role === 'secretary' && one.status === 'scheduled' && <OpenIt session={one.id} />}
            </header>
            <section aria-labelledby="adopted">
              <h2 id="adopted">{t('مصوبه‌ها', 'Resolutions')}</h2>
              {adopted.length === 0 ? (
                <Empty>{t('هنوز مصوبه‌ای نیست.', 'Nothing is adopted yet.')}</Empty>
              ) : (
                <Adopted of={one} me={me} />
              )}
            </section>
            <section aria-labelledby="agenda">
              <h2 id="agenda">{t('دستور جلسه', 'Agenda')}</h2>
              {agenda.length === 0 ? (
                <Empty>{t('دستور جلسه خالی است.', 'The agenda is empty.')}</Empty>
              ) : (
                <ul className="agenda">
                  {agenda.map((item) => (
                    <li key={item.id}>
                      <a href={at('cases', item.id)}>{item.title}</a> <small>{t(...CATEGORIES[item.category])}</small>{' '}
                      {me.role === 'secretary' && status === 'open' && !adopted.some((a) => a.case === item.id) && (
                        <Adopt session={one.id} of={item} />
                      )}
                    </li>
                  ))}
                </ul>
              )}
            </section>
            {me.role === 'secretary' && status !== 'signed' && (
              <div className="panel">
                <Table session={one.id} />
              </div>
            )}
          </>
        );
      }}
    </Await>
  );
}

/** The letter that makes a resolution binding. */
export function Letter({ resolution, number }: { resolution: string; number: string }) {
  const { t, n } = useSpeech();
  return (
    <Deed
      title={t('ابلاغ', 'Communicate')}
      about={t(`مصوبهٔ ${n(number)}`, `Resolution ${number}`)}
      action={t('ابلاغ شود', 'Communicate')}
      note={t(
        'با ابلاغ، ساعت همهٔ تکلیف‌های آن آغاز می‌شود.',
        'Communication starts the clocks of all its obligations.',
      )}
      fields={[{ name: 'letterNumber', label: t('شمارهٔ نامه', 'Number of the letter') }]}
      submit={(values, key) => send(['resolution', resolution], 'CommunicateResolution', values, key)}
    />
  );
}

function Adopted({ of: { adopted }, me }: { of: SessionItem; me: Me }) {
  const { t, n } = useSpeech();
  const owed = t('باز / گذشته', 'Open / overdue');
  return (
    <table className="list">
      <thead>
        <tr>
          <th scope="col">{t('شماره', 'Number')}</th>
          <th scope="col">{t('متن', 'Text')}</th>
          <th scope="col">{owed}</th>
        </tr>
      </thead>
      <tbody>
        {adopted.map(({ resolution, number, text, status, open, overdue }) => (
          <tr key={resolution}>
            <th scope="row">{n(number)}</th>
            <td>{status ? <a href={at('resolutions', resolution)}>{text}</a> : text}</td>
            <td data-label={status && status !== 'issued' ? owed : undefined}>
              {status === 'issued' && me.role === 'secretary' ? (
                <Letter resolution={resolution} number={number} />
              ) : status === undefined ? (
                t('در انتظار امضا', 'waits for the minutes')
              ) : (
                `${n(open ?? 0)} / ${n(overdue ?? 0)}`
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Nothing is adopted afterwards. */
function Sign({ of: { id, status }, me }: { of: SessionItem; me: Me }) {
  const { t } = useSpeech();
  if (status !== 'open' || (me.role !== 'governor' && me.role !== 'deputy')) return null;
  return (
    <Deed
      title={t('امضای صورتجلسه', 'Sign the minutes')}
      action={t('امضا شود', 'Sign')}
      note={t('پس از امضا چیزی به مصوبه‌ها افزوده نمی‌شود و هر مصوبه صادر می‌شود.', 'Nothing is adopted afterwards; every resolution is issued.')} // prettier-ignore
      fields={[]}
      submit={(values, key) => send(['session', id], 'SignMinutes', values, key)}
    />
  );
}
