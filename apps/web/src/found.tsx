import type { Status } from '#resolutions';
import { useRead, type Me } from './api.js';
import { CaseRow, type CaseItem } from './cases.js';
import { useSpeech } from './language.js';
import { Obligation, type Owed } from './obligation.js';
import { at, Await, Empty, Pill } from './parts.js';

interface Resolution {
  id: string;
  number: string;
  text: string;
  legalBasis: string;
  case?: string;
  session: string;
  issuedAt: string;
  letterNumber?: string;
  obligations: (Partial<Owed> & { obligation: string; agency: string; status: Status })[];
}

/** One resolution with what it obliges whom to; of other agencies an agency sees whose it is and where it stands. */
export function ResolutionPage({ id, me }: { id: string; me: Me }) {
  const { t, n, day } = useSpeech();
  const found = useRead<Resolution>(`resolutions/${id}`);
  const owed = useRead<{ items: Owed[] }>(found.data && `obligations?session=${found.data.session}&limit=500`);
  return (
    <Await of={found}>
      {({ number, text, legalBasis, issuedAt, letterNumber, obligations, case: of }) => (
        <article>
          <header className="head">
            {of && (
              <p className="crumb">
                <a href={at('cases', of)}>{t('پروندهٔ این مصوبه', 'The case of this resolution')}</a>
              </p>
            )}
            <h1>
              {t(`مصوبهٔ ${n(number)}`, `Resolution ${number}`)} · {day(issuedAt, true)}
            </h1>
            <p>{text}</p>
            <p className="about">
              {legalBasis}
              {letterNumber && ` · ${t(`نامهٔ ${n(letterNumber)}`, `letter ${letterNumber}`)}`}
            </p>
          </header>
          <ol className="cards">
            {obligations.map((one) => {
              const mine = owed.data?.items.find((o) => o.resolution === id && o.obligation === one.obligation);
              return (
                <li key={one.obligation}>
                  {mine ? (
                    <Obligation of={mine} me={me} open={obligations.length === 1} />
                  ) : (
                    <p>
                      {one.agency}{' '}
                      <Pill status={one.status} waits={one.status === 'issued' && letterNumber !== undefined} />
                    </p>
                  )}
                </li>
              );
            })}
          </ol>
        </article>
      )}
    </Await>
  );
}

/** What a unit brought, the latest first. */
export function UnitPage({ id }: { id: string }) {
  const { t } = useSpeech();
  const cases = useRead<{ items: CaseItem[] }>(`cases?unit=${id}&limit=100`);
  return (
    <Await of={cases}>
      {({ items }) => (
        <>
          <header className="head">
            <h1>{items[0]?.unitName ?? t(`واحد ${id}`, `Unit ${id}`)}</h1>
          </header>
          {items.length === 0 ? (
            <Empty>{t('این واحد پرونده‌ای ندارد.', 'This unit has no case.')}</Empty>
          ) : (
            <ol className="cards">
              {items.map((one) => (
                <li key={one.id}>
                  <CaseRow of={one} />
                </li>
              ))}
            </ol>
          )}
        </>
      )}
    </Await>
  );
}
