import { useState, type ReactNode } from 'react';
import type { Category } from '#directory';
import type { Status } from '#resolutions';
import { useRead, type Me } from './api.js';
import { OpenCase, Review } from './board.js';
import { CATEGORIES } from './categories.js';
import { useSpeech } from './language.js';
import { Long } from './long.js';
import { Account, type Owed } from './obligation.js';
import { at, Await, Empty, Overdue, Pill } from './parts.js';

export interface CaseItem {
  id: string;
  trackingCode: string;
  unit?: string;
  unitName: string | null;
  title: string;
  statement: string;
  category: Category;
  channel: string;
  visit?: string;
  status: 'opened' | 'reviewed' | 'tabled' | 'closed';
  openedAt: string;
  closedAt?: string;
  workingGroup?: string;
  session?: { id: string; number?: number; date?: string };
  tabled: { session: string; at: string; until?: string }[];
  review?: { technicalNote: string; recommendation: string; checklist: string[] };
  resolutions: {
    id: string;
    number: string;
    status: string;
    obligations: { obligation: string; agency: string; status: Status }[];
  }[];
  outcome?: string;
}

const MAY_OPEN: readonly string[] = ['secretary', 'expert', 'deputy'];

/** All cases that the reader may see, the latest first, however many. */
export function Cases({ me }: { me: Me }) {
  const { t } = useSpeech();
  const [category, setCategory] = useState('');
  return (
    <>
      <header className="head">
        <h1>{t('پرونده‌ها', 'Cases')}</h1>
        {MAY_OPEN.includes(me.role) && <OpenCase />}
        <label className="choose">
          {t('موضوع', 'Subject')}{' '}
          <select value={category} onChange={({ target }) => setCategory(target.value)}>
            <option value="">{t('همه', 'All')}</option>
            {Object.entries(CATEGORIES).map(([id, name]) => (
              <option key={id} value={id}>
                {t(...name)}
              </option>
            ))}
          </select>
        </label>
      </header>
      <Long<CaseItem>
        key={category}
        path={`cases${category && `?category=${category}`}`}
        keyOf={({ id }) => id}
        row={(one) => <CaseRow of={one} />}
        empty={<Empty>{t('پرونده‌ای نیست.', 'There are no cases.')}</Empty>}
      />
    </>
  );
}

/** A case in a line: what it is, whose, on which session, and where its obligations stand. */
export function CaseRow({ of }: { of: CaseItem }) {
  const { t, n, day } = useSpeech();
  const { id, title, openedAt, unit, unitName, session, resolutions } = of;
  return (
    <div className="card case-row">
      <span>
        <a href={at('cases', id)}>{title}</a>
        <small>
          {n(id)} · {day(openedAt)}
        </small>
      </span>
      <span>{unitName ?? unit ?? t('بی واحد', 'no unit')}</span>
      <small>{session?.number !== undefined && t(`جلسهٔ ${n(session.number)}`, `session ${session.number}`)}</small>
      <span className="pills">
        {resolutions.flatMap((one) =>
          one.obligations.map(({ obligation, status }) => <Pill key={`${one.id}/${obligation}`} status={status} />),
        )}
      </span>
    </div>
  );
}

interface ResolutionItem {
  id: string;
  number: string;
  text: string;
  legalBasis: string;
  issuedAt: string;
  communicatedAt?: string;
  letterNumber?: string;
  status: string;
  obligations: { obligation: string; agency: string; status: Status }[];
}

interface Moment {
  at: string;
  title: ReactNode;
  body?: ReactNode;
}

/** The whole chain of one case on one line of time, every clock with its days. Made to be printed too. */
export function CasePage({ id, me }: { id: string; me: Me }) {
  const { t, n } = useSpeech();
  const found = useRead<CaseItem>(`cases/${id}`);
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
            <button type="button" className="no-print" onClick={() => print()}>
              {t('چاپ', 'Print')}
            </button>
          </header>
          {me.role === 'expert' && one.status === 'opened' && <Review of={one.id} />}
          <Timeline of={one} me={me} />
        </article>
      )}
    </Await>
  );
}

function Timeline({ of, me }: { of: CaseItem; me: Me }) {
  const { t, n, day, moment } = useSpeech();
  // Visits and sessions are the province's own; agencies and units see what came of them.
  const province = me.role !== 'agency' && me.role !== 'unit';
  const visits = useRead<{
    items: { id: string; date: string; reason: string; findings: { at: string; text: string }[] }[];
  }>(province && of.visit && of.unit ? `visits?unit=${of.unit}` : undefined);
  const session = useRead<{ number: number; openedAt?: string; signedAt?: string }>(
    province && of.session ? `sessions/${of.session.id}` : undefined,
  );
  const resolutions = useRead<{ items: ResolutionItem[] }>(`resolutions?case=${of.id}`);
  const owed = useRead<{ items: Owed[] }>(`obligations?case=${of.id}&limit=500`);
  const visit = visits.data?.items.find((one) => one.id === of.visit);
  const held = session.data;
  const moments: Moment[] = [
    ...(visit?.findings ?? []).map(({ at: when, text }) => ({
      at: when,
      title: t('بازدید میدانی', 'Field visit'),
      body: text,
    })),
    {
      at: of.openedAt,
      title: t('پرونده گشوده شد', 'The case was opened'),
      body: of.statement === of.title ? undefined : of.statement,
    },
    ...of.tabled.map((one) => ({
      at: one.at,
      title: t('در دستور جلسه نشست', 'Put on the agenda'),
      body: of.review && t(`نظر کارشناسی: ${of.review.technicalNote}`, `Technical note: ${of.review.technicalNote}`),
    })),
    ...(held?.openedAt
      ? [
          {
            at: held.openedAt,
            title: <a href={at('sessions', of.session!.id)}>{t(`جلسهٔ ${n(held.number)}`, `Session ${held.number}`)}</a>,
            body:
              held.signedAt && t(`صورتجلسه ${day(held.signedAt)} امضا شد.`, `Minutes signed ${day(held.signedAt)}.`),
          },
        ]
      : []),
    ...(resolutions.data?.items ?? []).flatMap((one): Moment[] => [
      {
        at: one.issuedAt,
        title: t(`مصوبهٔ ${n(one.number)}`, `Resolution ${one.number}`),
        body: `${one.text} (${one.legalBasis})`,
      },
      ...(one.communicatedAt
        ? [
            {
              at: one.communicatedAt,
              title: t(`ابلاغ با نامهٔ ${n(one.letterNumber ?? '')}`, `Communicated by letter ${one.letterNumber}`),
              body: one.obligations.map((o) => (
                <Owing
                  key={o.obligation}
                  resolution={one.id}
                  of={o}
                  content={owed.data?.items.find(
                    (mine) => mine.resolution === one.id && mine.obligation === o.obligation,
                  )}
                />
              )),
            },
          ]
        : []),
    ]),
    ...(of.closedAt ? [{ at: of.closedAt, title: t('پرونده بسته شد', 'The case was closed'), body: of.outcome }] : []),
  ].toSorted((a, b) => a.at.localeCompare(b.at));
  return (
    <Await of={resolutions}>
      {() => (
        <ol className="timeline">
          {moments.map(({ at: when, title, body }, index) => (
            <li key={index}>
              <time dateTime={when}>{moment(when)}</time>
              <h2>{title}</h2>
              {body && <div>{body}</div>}
            </li>
          ))}
        </ol>
      )}
    </Await>
  );
}

interface OwingProps {
  resolution: string;
  of: ResolutionItem['obligations'][number];
  content?: Owed;
}

/** An obligation within the chain; of other agencies an agency sees whose it is and where it stands. */
function Owing({ resolution, of, content }: OwingProps) {
  return (
    <section className="owing">
      <h3>
        {content ? <a href={at('obligations', resolution, of.obligation)}>{content.action}</a> : of.agency}{' '}
        {content && <small>{content.agencyName ?? of.agency}</small>} <Pill status={of.status} />{' '}
        {content?.missedAt && <Overdue since={content.missedAt} />}
      </h3>
      {content && <Account resolution={resolution} obligation={of.obligation} />}
    </section>
  );
}
