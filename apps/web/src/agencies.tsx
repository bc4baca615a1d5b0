import { useRead } from './api.js';
import { useSpeech, type Speech } from './language.js';
import { at, Await, Empty } from './parts.js';
import { Parts } from './trend.js';

export interface Scorecard {
  agency: string;
  name: string;
  obligations: number;
  kept: number;
  late: number;
  open: number;
  overdue: number;
  claimed: number;
  suspended: number;
  missed: number;
  refuted: number;
  extensions: number;
}

export interface AgencyName {
  id: string;
  name: string;
  kind: string;
  calendar: string;
}

/** Of what has come due, what was kept in time; undefined while nothing has. */
const share = ({ kept, late, overdue }: Scorecard): number | undefined =>
  kept + late + overdue === 0 ? undefined : kept / (kept + late + overdue);

const percent = (of: number, { t, n }: Speech): string => t(`٪${n(Math.round(100 * of))}`, `${Math.round(100 * of)}%`);

/** Agencies by what they kept and what they missed, the worst first. */
export function Agencies() {
  const speech = useSpeech();
  const { t, n } = speech;
  const cards = useRead<{ items: Scorecard[] }>('scorecards/agencies');
  return (
    <section className="panel" aria-labelledby="agencies">
      <h2 id="agencies">{t('دستگاه‌ها', 'Agencies')}</h2>
      <p className="about">
        {t(
          'سهم تکلیف‌هایی که سر وقت، با تأخیر، یا هنوز انجام نشده‌اند.',
          'Kept in time, kept late, and still overdue.',
        )}
      </p>
      <Await of={cards}>
        {({ items: found }) =>
          found.length === 0 ? (
            <Empty>{t('هنوز دستگاهی ثبت نشده است.', 'No agency is registered yet.')}</Empty>
          ) : (
            <table className="trend">
              <thead>
                <tr>
                  <th scope="col">{t('دستگاه', 'Agency')}</th>
                  <th scope="col">{t('سر وقت', 'Kept')}</th>
                  <th scope="col">{t('سر وقت / با تأخیر / مانده', 'In time / late / overdue')}</th>
                </tr>
              </thead>
              <tbody>
                {found
                  .toSorted((a, b) => (share(a) ?? 2) - (share(b) ?? 2) || b.overdue - a.overdue)
                  .map((card) => {
                    const parts = [card.kept, card.late, card.overdue];
                    const kept = share(card);
                    return (
                      <tr key={card.agency}>
                        <th scope="row">
                          <a href={at('inbox', card.agency)}>{card.name}</a>
                        </th>
                        <td>{kept === undefined ? '—' : percent(kept, speech)}</td>
                        <td>
                          <span className="stack" aria-hidden="true">
                            <Parts of={parts} />
                          </span>
                          <small>{parts.map(n).join(' / ')}</small>
                        </td>
                      </tr>
                    );
                  })}
              </tbody>
            </table>
          )
        }
      </Await>
    </section>
  );
}
