import { useEffect, useState, type ReactNode } from 'react';
import type { Category } from '#directory';
import type { Status } from '#resolutions';
import { read, useRead, type Me, type Refusal } from './api.js';
import { OpenCase, Review } from './board.js';
import { CATEGORIES } from './categories.js';
import { useSpeech } from './language.js';
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

interface Page {
  items: CaseItem[];
  next?: string;
}

const MAY_OPEN: readonly string[] = ['secretary', 'expert', 'deputy'];

/** All cases that the reader may see, the latest first, page after page. */
export function Cases({ me }: { me: Me }) {
  const { t } = useSpeech();
  const [category, setCategory] = useState('');
  const path = `cases?limit=60${category && `&category=${category}`}`;
  const first = useRead<Page>(path);
  const [more, setMore] = useState<{ path?: string; items: CaseItem[]; next?: string; error?: Refusal }>({ items: [] });
  const later = more.path === path ? more : undefined;
  useEffect(() => setMore({ items: [] }), [first.data]);
  const next = later ? later.next : first.data?.next;
  const load = () =>
    read<Page>(`${path}&cursor=${next}`).then(
      (page) => setMore({ path, items: [...(later?.items ?? []), ...page.items], next: page.next }),
      (error: Refusal) => setMore({ path, items: later?.items ?? [], next, error }),
    );
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
      <Await of={first}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('پرونده‌ای نیست.', 'There are no cases.')}</Empty>
          ) : (
            <>
              <CaseTable items={[...items, ...(later?.items ?? [])]} />
              {next && (
                <button type="button" onClick={() => void load()}>
                  {t('پرونده‌های بیشتر', 'More cases')}
                </button>
              )}
            </>
          )
        }
      </Await>
    </>
  );
}

export function CaseTable({ items }: { items: readonly CaseItem[] }) {
  const { t, n, day } = useSpeech();
  return (
    <table className="list">
      <thead>
        <tr>
          <th scope="col">{t('پرونده', 'Case')}</th>
          <th scope="col">{t('واحد', 'Unit')}</th>
          <th scope="col">{t('جلسه', 'Session')}</th>
          <th scope="col">{t('تکلیف‌ها', 'Obligations')}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <a href={at('cases', one.id)}>{one.title}</a>
              <small>
                {n(one.id)} · {day(one.openedAt)}
              </small>
            </th>
            <td>{one.unitName ?? one.unit ?? t('بی واحد', 'no unit')}</td>
            <td>{one.session?.number !== undefined ? n(one.session.number) : '—'}</td>
            <td className="pills">
              {one.resolutions
                .flatMap(({ id, obligations }) => obligations.map((o) => ({ ...o, key: `${id}/${o.obligation}` })))
                .map(({ key, status }) => (
                  <Pill key={key} status={status} />
                ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
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
