import { useSpeech } from './language.js';
import { at } from './parts.js';

export interface Summary {
  id: string;
  name: string;
  capacity: number;
  held: number;
  averageCasesPerSession: number | null;
  open: number;
  overdue: number;
  bySession: {
    id: string;
    number: number;
    date: string;
    cases: number;
    obligations: number;
    open: number;
    overdue: number;
  }[];
}

/** Session by session: what was decided, and how much of it is done, still running, or overdue. */
export function Trend({ summary: { bySession, capacity } }: { summary: Summary }) {
  const { t, n, day } = useSpeech();
  const most = Math.max(1, ...bySession.map(({ obligations }) => obligations));
  return (
    <section className="panel" aria-labelledby="trend">
      <h2 id="trend">{t('روند جلسه‌ها', 'Session by session')}</h2>
      <p className="about">
        {t(
          `تکلیف‌های هر جلسه: بسته، باز و مهلت‌گذشته. گنجایش دستور جلسه ${n(capacity)} پرونده است.`,
          `Obligations of each session: closed, open, overdue. An agenda takes ${n(capacity)} cases.`,
        )}
      </p>
      <table className="trend">
        <thead>
          <tr>
            <th scope="col">{t('جلسه', 'Session')}</th>
            <th scope="col">{t('پرونده', 'Cases')}</th>
            <th scope="col">{t('بسته / باز / گذشته', 'Closed / open / overdue')}</th>
          </tr>
        </thead>
        <tbody>
          {bySession.map(({ id, number, date, cases, obligations, open, overdue }) => {
            const parts = [obligations - open, open - overdue, overdue];
            return (
              <tr key={id}>
                <th scope="row">
                  <a href={at('sessions', id)}>{t(`جلسهٔ ${n(number)}`, `Session ${n(number)}`)}</a>
                  <small>{day(date)}</small>
                </th>
                <td>{n(cases)}</td>
                <td>
                  <span className="stack" style={{ width: `${(100 * obligations) / most}%` }} aria-hidden="true">
                    <Parts of={parts} />
                  </span>
                  <small>{parts.map(n).join(' / ')}</small>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** Good, neutral, bad as parts of one line. */
export function Parts({ of }: { of: readonly number[] }) {
  return ['good', 'calm', 'bad'].map(
    (tone, index) => of[index]! > 0 && <i key={tone} className={tone} style={{ flexGrow: of[index] }} />,
  );
}
