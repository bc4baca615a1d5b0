import { useEffect, type ReactNode } from 'react';
import type { ResolutionRow, Status, Why } from '#resolutions';
import { useRead, useReads, type Asked, type Me } from './api.js';
import { Review } from './board.js';
import type { CaseItem } from './cases.js';
import { CATEGORIES } from './categories.js';
import { Clock, Ladder } from './clock.js';
import { Clocks } from './clocks.js';
import { useSpeech, type Speech } from './language.js';
import { Story, Waits, type Owed } from './obligation.js';
import { Outcome } from './outcome.js';
import { at, Await, Empty, Overdue, Pill } from './parts.js';
import type { Referral } from './referrals.js';
import { told } from './told.js';

type ResolutionItem = ResolutionRow & {
  id: string;
  obligations: { obligation: string; agency: string; status: Status }[];
};
interface Visit {
  id: string;
  date: string;
  reason: string;
  findings: { at: string; text: string }[];
}
interface Session {
  number: number;
  openedAt?: string;
  signedAt?: string;
  date?: string;
}
type Told = Why & { story: string[] };

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

interface Parts {
  of: CaseItem;
  visit?: Visit;
  session?: Session;
  resolutions: readonly ResolutionItem[];
  owed: readonly Owed[];
  accounts: readonly Told[];
  referrals: readonly Referral[];
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

interface Moment {
  at: string;
  title: ReactNode;
  body?: ReactNode;
  /** How the dot looks: what the engine did by itself, what went wrong, what was met. */
  tone?: 'engine' | 'bad' | 'good';
}

function Timeline({ of }: { of: Parts }) {
  const { moment, t } = useSpeech();
  const moments = momentsOf(of, useSpeech());
  if (moments.length === 0) return <Empty>{t('هنوز چیزی نیست.', 'Nothing yet.')}</Empty>;
  return (
    <ol className="timeline">
      {moments.map(({ at: when, title, body, tone }, index) => (
        <li key={index} className={tone && `is-${tone}`}>
          <time dateTime={when}>{moment(when)}</time>
          <h3>{title}</h3>
          {body && <p>{body}</p>}
        </li>
      ))}
    </ol>
  );
}

function momentsOf({ of, visit, session, resolutions, owed, accounts, referrals }: Parts, speech: Speech): Moment[] {
  const { t, n, day } = speech;
  const moments: Moment[] = [
    ...(visit?.findings ?? []).map((one) => ({ at: one.at, title: t('بازدید میدانی', 'Field visit'), body: one.text })),
    { at: of.openedAt, title: t('پرونده گشوده شد', 'The case was opened') },
    ...of.tabled.map((one) => ({
      at: one.at,
      title: t('در دستور جلسه نشست', 'Put on the agenda'),
      body: of.review && t(`نظر کارشناسی: ${of.review.technicalNote}`, `Technical note: ${of.review.technicalNote}`),
    })),
  ];
  if (session?.openedAt) {
    moments.push({
      at: session.openedAt,
      title: <a href={at('sessions', of.session!.id)}>{t(`جلسهٔ ${n(session.number)}`, `Session ${session.number}`)}</a>,
      body: session.signedAt && t(`صورتجلسه ${day(session.signedAt)} امضا شد.`, `Minutes signed ${day(session.signedAt)}.`), // prettier-ignore
    });
  }
  for (const one of resolutions) {
    moments.push({
      at: one.issuedAt,
      title: t(`مصوبهٔ ${n(one.number)}`, `Resolution ${one.number}`),
      body: `${one.text} (${one.legalBasis})`,
    });
    if (!one.communicatedAt) continue;
    moments.push({
      at: one.communicatedAt,
      title: t(`ابلاغ با نامهٔ ${n(one.letterNumber ?? '')}`, `Communicated by letter ${one.letterNumber}`),
      body: t('ساعت تکلیف‌ها آغاز شد.', 'The clocks started.'),
    });
  }
  for (const account of accounts) {
    const whose = owed.find((one) => one.resolution === account.resolution && one.obligation === account.obligation);
    for (const step of account.steps) {
      const said = told(step, speech);
      if (!said) continue;
      const [title, body] = said;
      const name = accounts.length > 1 && (whose?.agencyName ?? account.agency);
      // A rung stands where it was due, not where the engine heard of it.
      moments.push({ at: step.at, title: name ? `${title} · ${name}` : title, body, tone: TONES[step.type] });
    }
  }
  for (const one of referrals) {
    const title = one.kind === 'national' ? t('ارجاع ملی', 'National referral') : t('ارجاع به بازرسی', 'Oversight');
    moments.push({ at: one.openedAt, title: `${title}: ${one.addressee}`, body: one.basis });
    for (const { at: when, answer } of one.answers) {
      moments.push({ at: when, title: t(`پاسخ ${one.addressee}`, `Answer of ${one.addressee}`), body: answer });
    }
    if (one.closed) {
      moments.push({
        at: one.closed.at,
        title: t('ارجاع بسته شد', 'The referral was closed'),
        body: one.closed.outcome,
      });
    }
  }
  for (const { at: when, unitOpen, jobs, output, note } of of.checks) {
    moments.push({
      at: when,
      title: unitOpen ? t('سنجش نتیجه: واحد کار می‌کند', 'Checked: the unit works') : t('سنجش نتیجه: واحد کار نمی‌کند', 'Checked: the unit does not work'), // prettier-ignore
      body: [
        jobs !== undefined && t(`${n(jobs)} شاغل`, `${jobs} people`),
        output !== undefined && t(`تولید ${n(output)}٪ ظرفیت`, `output ${output}% of capacity`),
        note,
      ]
        .filter(Boolean)
        .join(' · '),
      tone: unitOpen ? 'good' : 'bad',
    });
  }
  if (of.closedAt) {
    moments.push({
      at: of.closedAt,
      title: t('پرونده بسته شد', 'The case was closed'),
      body: of.outcome,
      tone: 'good',
    });
  }
  return moments.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

const TONES: Record<string, Moment['tone']> = {
  AgencyReminded: 'engine',
  DeadlineMoved: 'engine',
  DeadlineMissed: 'bad',
  ObligationEscalated: 'bad',
  ComplianceRefuted: 'bad',
  DutyMissed: 'bad',
  ComplianceVerified: 'good',
};

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
