import { useEffect, type ReactNode } from 'react';
import type { Status } from '#resolutions';
import { useRead, useReads, type Asked, type Me } from './api.js';
import { Review } from './board.js';
import type { CaseItem } from './cases.js';
import { CATEGORIES } from './categories.js';
import { Clock, Ladder } from './clock.js';
import { Clocks } from './clocks.js';
import { useSpeech } from './language.js';
import { Story, Waits, type Owed } from './obligation.js';
import { Outcome } from './outcome.js';
import { at, Await, Overdue, Pill } from './parts.js';
import type { Referral } from './referrals.js';
import { Timeline, type Parts, type ResolutionItem, type Session, type Told, type Visit } from './timeline.js';

/** The whole chain of one case on one line of time, every clock with its days. Made to be printed too. */
export function CasePage({ id, me }: { id: string; me: Me }) {
  const { t, n } = useSpeech();
  const found = useRead<CaseItem>(`cases/${id}`);
  useEffect(openForPrint, []);
  return (
    <Await of={found}>
      {(one) => (
        <article className="case">
          <header className="head">
            <h1>{one.title}</h1>
            <p>
              {one.unitName ?? t('بی واحد', 'no unit')} · {t(...CATEGORIES[one.category])} ·{' '}
              {t(`کد رهگیری ${n(one.trackingCode)}`, `tracking code ${one.trackingCode}`)}
            </p>
            {one.statement !== one.title && <p className="about">{one.statement}</p>}
            <button type="button" className="no-print" onClick={() => print()}>
              {t('چاپ', 'Print')}
            </button>
          </header>
          {me.role === 'expert' && one.status === 'opened' && <Review of={one.id} />}
          <Outcome of={one} me={me} />
          <Chain of={one} me={me} />
        </article>
      )}
    </Await>
  );
}

/** On paper everything lies open: what was folded is folded again afterwards. */
function openForPrint(): () => void {
  const opened: HTMLDetailsElement[] = [];
  const before = () => {
    for (const one of document.querySelectorAll<HTMLDetailsElement>('.case details:not([open])')) {
      one.open = true;
      opened.push(one);
    }
  };
  const after = () => opened.splice(0).forEach((one) => (one.open = false));
  addEventListener('beforeprint', before);
  addEventListener('afterprint', after);
  return () => {
    removeEventListener('beforeprint', before);
    removeEventListener('afterprint', after);
  };
}

function Chain({ of, me }: { of: CaseItem; me: Me }) {
  const { t } = useSpeech();
  // Visits, sessions and referrals are the province's own; agencies and units see what came of them.
  const province = me.role !== 'agency' && me.role !== 'unit';
  const visits = useRead<{ items: Visit[] }>(
    province && of.visit && of.unit ? `visits?unit=${of.unit}&limit=500` : undefined,
  );
  const session = useRead<Session>(province && of.session ? `sessions/${of.session.id}` : undefined);
  const resolutions = useRead<{ items: ResolutionItem[] }>(`resolutions?case=${of.id}&limit=500`);
  const owed = useRead<{ items: Owed[] }>(`obligations?case=${of.id}&limit=500`);
  const { language } = useSpeech();
  const clocks = (owed.data?.items ?? []).filter(({ status }) => status !== 'issued');
  const accounts = useReads<Told>(
    clocks.map((o) => `obligations/${o.resolution}/${o.obligation}/why?language=${language}`),
  );
  // Those that wait for others have no clock to tell of, but they are owed.
  const waiting = (owed.data?.items ?? []).filter(({ waitsOn }) => waitsOn);
  const referred = clocks.filter(({ referrals }) => referrals > 0);
  const referrals = useReads<{ items: Referral[] }>(
    province ? [...new Set(referred.map(({ resolution }) => resolution))].map((id) => `referrals?resolution=${id}&limit=500`) : [], // prettier-ignore
  );
  const parts: Parts = {
    of,
    visit: visits.data?.items.find((one) => one.id === of.visit),
    session: session.data,
    resolutions: resolutions.data?.items ?? [],
    owed: owed.data?.items ?? [],
    accounts: accounts.data ?? [],
    referrals: referrals.data?.flatMap(({ items }) => items) ?? [],
  };
  return (
    <Await of={worstOf(resolutions, owed, accounts)}>
      {() => (
        <>
          <Links of={parts} />
          <Clocks owed={parts.owed} accounts={parts.accounts} />
          <section aria-labelledby="story">
            <h2 id="story">{t('از بازدید تا نتیجه', 'From the visit to the outcome')}</h2>
            <Timeline of={parts} />
          </section>
          {clocks.length + waiting.length > 0 && (
            <section aria-labelledby="whys" className="whys">
              <h2 id="whys">{t('چرا این تاریخ؟', 'Why this date?')}</h2>
              {[...clocks, ...waiting].map((one) => (
                <Owing
                  key={`${one.resolution}/${one.obligation}`}
                  of={one}
                  why={parts.accounts.find(
                    (each) => each.resolution === one.resolution && each.obligation === one.obligation,
                  )}
                />
              ))}
            </section>
          )}
        </>
      )}
    </Await>
  );
}

/** There when all are there; wrong when one is. */
function worstOf(...asked: readonly Asked<unknown>[]): Asked<true> {
  const again = () => asked.forEach((one) => one.again());
  const error = asked.find((one) => one.error)?.error;
  return { again, error, ...(asked.every(({ data }) => data !== undefined) && { data: true as const }) };
}

/** The chain in one line: what led to what. */
function Links({ of: { of, visit, session, resolutions, owed, referrals } }: { of: Parts }) {
  const { t, n, day } = useSpeech();
  const waits = (of: ResolutionItem, status: Status) => status === 'issued' && of.status !== 'issued';
  const links: [string, ReactNode][] = [
    ...(visit ? [[t('بازدید', 'Visit'), day(visit.date)] as [string, ReactNode]] : []),
    [t('پرونده', 'Case'), day(of.openedAt)],
    ...(of.session
      ? [
          [
            t('جلسه', 'Session'),
            session ? (
              <a href={at('sessions', of.session.id)}>
                {n(session.number)} · {day(of.session.date ?? session.openedAt ?? of.openedAt)}
              </a>
            ) : (
              n(of.session.number ?? of.session.id)
            ),
          ] as [string, ReactNode],
        ]
      : []),
    ...resolutions.flatMap((one): [string, ReactNode][] => [
      [
        t('مصوبه', 'Resolution'),
        <a key="r" href={at('resolutions', one.id)}>
          {n(one.number)}
        </a>,
      ],
      // Of others' obligations an agency sees whose they are and where they stand.
      ...one.obligations.map(({ obligation, agency, status }): [string, ReactNode] => {
        const mine = owed.find((each) => each.resolution === one.id && each.obligation === obligation);
        return [
          mine?.agencyName ?? agency,
          mine ? (
            <a key="o" href={at('obligations', one.id, obligation)}>
              <Pill status={status} waits={waits(one, status)} />
            </a>
          ) : (
            <Pill key="o" status={status} waits={waits(one, status)} />
          ),
        ];
      }),
    ]),
    ...referrals.map((one): [string, ReactNode] => [
      one.kind === 'national' ? t('ارجاع ملی', 'National referral') : t('ارجاع به بازرسی', 'To oversight'),
      one.addressee,
    ]),
    ...(of.closedAt ? [[t('بسته شد', 'Closed'), day(of.closedAt)] as [string, ReactNode]] : []),
  ];
  return (
    <ol className="links" aria-label={t('زنجیره', 'The chain')}>
      {links.map(([name, what], index) => (
        <li key={index}>
          <small>{name}</small>
          <span>{what}</span>
        </li>
      ))}
    </ol>
  );
}

/** One clock of the chain: its days, its ladder, and the account of it day by day. */
function Owing({ of, why }: { of: Owed; why?: Told }) {
  return (
    <section className="owing">
      <h3>
        <a href={at('obligations', of.resolution, of.obligation)}>{of.action}</a>{' '}
        <small>{of.agencyName ?? of.agency}</small> <Pill status={of.status} waits={of.waitsOn !== undefined} />{' '}
        {of.missedAt && <Overdue since={of.missedAt} />}
      </h3>
      <Waits of={of} />
      {why && (
        <>
          <div className="account">
            <Clock why={why} />
            <Ladder why={why} />
          </div>
          <Story lines={why.story} />
        </>
      )}
    </section>
  );
}
