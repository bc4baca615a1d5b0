import { type ReactNode } from 'react';
import type { Category } from '#directory';
import { send, useRead, type Me } from './api.js';
import { Deed, OpenCase, Schedule, Table } from './board.js';
import { CATEGORIES } from './categories.js';
import { Answers, type Duties } from './duties.js';
import { today, useDays } from './days.js';
import { useSpeech } from './language.js';
import { at, Await, DAY_MS, Empty, Figure } from './parts.js';
import { Letter, type SessionItem } from './sessions.js';

interface List<T> {
  items: T[];
  next?: string;
}
interface Waiting {
  id: string;
  title: string;
  unitName: string | null;
  category: Category;
  openedAt: string;
}
interface ToVisit {
  rank: number;
  unit: string;
  name: string;
  sector: string;
  reasons: { reason: string; points: number; text: string }[];
}

/** Why a unit is on the list, for whoever reads English; the API says it in Persian. */
const REASONS: Record<string, string> = {
  'problem-of-small-or-medium': 'small or medium, with open cases',
  'problem-of-large': 'large, with open cases',
  'knowledge-based': 'knowledge-based',
  'brand-revival': 'a brand to be revived',
  overdue: 'agencies are overdue towards it',
  'never-visited': 'never visited',
  'not-visited-for-months': 'not visited for months',
};
const SHOWN = 8;
const AHEAD_DAYS = 30;
const more = ({ items, next }: List<unknown>): string => (next ? `${items.length}+` : String(items.length));

/** What the secretary has to do: letters, minutes, answers, the next agenda, new cases, and whom to visit. */
export function Board({ me }: { me: Me }) {
  const { t, n } = useSpeech();
  const sessions = useRead<List<SessionItem>>('sessions?limit=20');
  const issued = useRead<List<{ id: string; number: string; text: string; issuedAt: string }>>(
    'resolutions?status=issued&limit=100',
  );
  const opened = useRead<List<Waiting>>('cases?status=opened&limit=100');
  const reviewed = useRead<List<Waiting>>('cases?status=reviewed&limit=100');
  const duties = useRead<Duties>(`offices/${me.role}/duties?limit=100`);
  const running = sessions.data?.items.filter(({ status }) => status === 'open') ?? [];
  const group = sessions.data?.items[0]?.workingGroup;
  return (
    <>
      <header className="head">
        <h1>{t('میز دبیر', "The secretary's board")}</h1>
        <dl className="figures">
          {issued.data && (
            <Figure
              value={n(more(issued.data))}
              label={t('نامهٔ ابلاغ', 'letters to send')}
              tone={issued.data.items.length > 0 ? 'bad' : ''}
            />
          )}{' '}
          {/* prettier-ignore */}
          {sessions.data && (
            <Figure value={n(running.length)} label={t('صورتجلسه در انتظار امضا', 'minutes to sign')} />
          )}
          {duties.data && <Figure value={n(more(duties.data))} label={t('وظیفهٔ رسیدگی', 'answers owed')} />}
          {opened.data && <Figure value={n(more(opened.data))} label={t('در انتظار کارشناسی', 'to be reviewed')} />}
          {reviewed.data && (
            <Figure value={n(more(reviewed.data))} label={t('آمادهٔ دستور جلسه', 'ready to be tabled')} />
          )}
        </dl>
        {me.role === 'secretary' && (
          <div className="deeds">
            <OpenCase />
            {group && <Schedule group={group} />}
          </div>
        )}
      </header>
      <div className="two">
        <Await of={sessions}>{({ items }) => <Next sessions={items} me={me} />}</Await>
        <Panel id="letters" title={t('نامه‌های ابلاغ', 'Letters to send')}>
          <Await of={issued}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty>{t('همهٔ مصوبه‌ها ابلاغ شده‌اند.', 'Every resolution is communicated.')}</Empty>
              ) : (
                <ul className="rows">
                  {items.map(({ id, number, text }) => (
                    <li key={id} className="row">
                      <span>
                        <a href={at('resolutions', id)}>{n(number)}</a> {text}
                      </span>
                      {me.role === 'secretary' && <Letter resolution={id} number={number} />}
                    </li>
                  ))}
                </ul>
              )
            }
          </Await>
          {running.length > 0 && <h3>{t('صورتجلسه‌های در انتظار امضا', 'Minutes to be signed')}</h3>}
          <ul className="rows">
            {running.map(({ id, number, adopted }) => (
              <li key={id}>
                <a href={at('sessions', id)}>{t(`جلسهٔ ${n(number)}`, `Session ${number}`)}</a>{' '}
                {t(`${n(adopted.length)} مصوبه، امضا با استاندار`, `${adopted.length} resolutions; the governor signs`)}
              </li>
            ))}
          </ul>
        </Panel>
        <Answers duties={duties} me={me} />
        <Panel id="review" title={t('در انتظار بررسی کارشناسی', 'To be reviewed by the expert')}>
          <Await of={opened}>
            {({ items }) =>
              items.length === 0 ? (
                <Empty>{t('همهٔ پرونده‌ها بررسی شده‌اند.', 'Every case is reviewed.')}</Empty>
              ) : (
                <Cases items={items} />
              )
            }
          </Await>
        </Panel>
      </div>
      <VisitList me={me} sessions={sessions.data?.items ?? []} />
      {me.role === 'secretary' && <Planned />}
    </>
  );
}

function Panel({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

function Cases({ items }: { items: readonly Waiting[] }) {
  const { t, n, day } = useSpeech();
  return (
    <>
      <ul className="rows">
        {items.slice(0, SHOWN).map(({ id, title, unitName, category, openedAt }) => (
          <li key={id}>
            <a href={at('cases', id)}>{title}</a>{' '}
            <small>{[t(...CATEGORIES[category]), unitName, day(openedAt)].filter(Boolean).join(' · ')}</small>
          </li>
        ))}
      </ul>
      {items.length > SHOWN && (
        <a href={at('cases')}>{t(`و ${n(items.length - SHOWN)} پروندهٔ دیگر`, `and ${items.length - SHOWN} more`)}</a>
      )}
    </>
  );
}

/** The next session: its agenda against the capacity, and what could still be put on it. */
function Next({ sessions, me }: { sessions: readonly SessionItem[]; me: Me }) {
  const { t, n, day } = useSpeech();
  const next = sessions.filter(({ status }) => status !== 'signed').at(-1);
  const group = useRead<{ capacity: number }>(next && `working-groups/${next.workingGroup}/summary`);
  const capacity = group.data?.capacity;
  return (
    <Panel id="next" title={t('جلسهٔ پیش رو', 'The next session')}>
      {!next ? (
        <Empty>
          {t(
            'جلسه‌ای در پیش نیست؛ با «برنامه‌ریزی جلسهٔ بعد» یکی بگذارید.',
            'No session is ahead; schedule the next one.',
          )}
        </Empty>
      ) : (
        <>
          <p>
            <a href={at('sessions', next.id)}>
              {t(`جلسهٔ ${n(next.number)}`, `Session ${next.number}`)} · {day(next.date, true)}
            </a>
          </p>
          {capacity !== undefined && (
            <label className="capacity">
              {t(
                `${n(next.agenda.length)} پرونده از گنجایش ${n(capacity)}`,
                `${next.agenda.length} cases of a capacity of ${capacity}`,
              )}
              <meter min={0} max={Math.max(capacity, next.agenda.length)} high={capacity} value={next.agenda.length} />
            </label>
          )}
          {capacity !== undefined && next.agenda.length > capacity && (
            <p className="notice is-bad">
              {t('دستور جلسه از گنجایش بیشتر است.', 'The agenda is larger than the capacity.')}
            </p>
          )}
          {me.role === 'secretary' && <Table session={next.id} />}
        </>
      )}
    </Panel>
  );
}

/** Which units to visit next, and why; it makes itself. */
function VisitList({ me, sessions }: { me: Me; sessions: readonly SessionItem[] }) {
  const { t, n, day, language } = useSpeech();
  const until = today(new Date(Date.now() + AHEAD_DAYS * DAY_MS));
  const ahead = useDays(me.role === 'secretary' ? 'offices' : undefined, today(), until);
  const days = (ahead.data?.items ?? []).flatMap(({ date, off }) => (off ? [] : [[date, day(date, true)] as const]));
  const list = useRead<List<ToVisit>>('visit-list?limit=10');
  const next = sessions.filter(({ status }) => status === 'scheduled').at(-1);
  return (
    <section aria-labelledby="visits">
      <h2 id="visits">{t('فهرست بازدید', 'Whom to visit')}</h2>
      <p className="about">
        {t(
          'خودش ساخته می‌شود: واحدهای کوچک و متوسطِ دارای مشکل نخست می‌آیند.',
          'It makes itself: small and medium units with a problem come first.',
        )}
      </p>
      <Await of={list}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('واحدی در فهرست نیست.', 'No unit is on the list.')}</Empty>
          ) : (
            <table className="list">
              <thead>
                <tr>
                  <th scope="col">{t('رتبه', 'Rank')}</th>
                  <th scope="col">{t('واحد', 'Unit')}</th>
                  <th scope="col">{t('چرا', 'Why')}</th>
                  {me.role === 'secretary' && <th scope="col">{t('کار', 'Do')}</th>}
                </tr>
              </thead>
              <tbody>
                {items.map(({ rank, unit, name, sector, reasons }) => (
                  <tr key={unit}>
                    <td>{n(rank)}</td>
                    <th scope="row">
                      <a href={at('units', unit)}>{name}</a>
                      <small>{sector}</small>
                    </th>
                    <td className="pills">
                      {reasons.map(({ reason, text }) => (
                        <span key={reason} className="pill">
                          {language === 'fa' ? text : (REASONS[reason] ?? reason)}
                        </span>
                      ))}
                    </td>
                    {me.role === 'secretary' && (
                      <td>
                        <PlanVisit
                          unit={unit}
                          name={name}
                          session={next?.id}
                          why={reasons.map(({ text }) => text)}
                          days={days}
                        />
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Await>
    </section>
  );
}

interface PlanProps {
  unit: string;
  name: string;
  /** The session that the visit prepares. */
  session: string | undefined;
  why: readonly string[];
  days: readonly (readonly [string, string])[];
}

function PlanVisit({ unit, name, session, why, days }: PlanProps) {
  const { t } = useSpeech();
  return (
    <Deed
      main={false}
      title={t('برنامه‌ریزی بازدید', 'Plan a visit')}
      about={name}
      action={t('در برنامه گذاشته شود', 'Plan it')}
      fields={[
        { name: 'date', label: t('روز', 'Day'), kind: 'select', options: days },
        { name: 'reason', label: t('دلیل', 'Reason'), kind: 'long', initial: why.join('؛ ') },
      ]}
      submit={(values, key) =>
        send(['visit', `v-${key.slice(0, 8)}`], 'PlanVisit', { unit, ...values, ...(session && { session }) }, key)
      }
    />
  );
}

interface Visit {
  id: string;
  date: string;
  unitName: string | null;
  unit: string;
  reason: string;
  visited: boolean;
}

/** Visits that are planned; what is found becomes a case for each need. */
function Planned() {
  const { t, day } = useSpeech();
  const visits = useRead<List<Visit>>('visits?limit=50');
  const planned = visits.data?.items.filter(({ visited }) => !visited).toReversed() ?? [];
  if (planned.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="planned">
      <h2 id="planned">{t('بازدیدهای در پیش', 'Visits ahead')}</h2>
      <ul className="rows">
        {planned.map(({ id, date, unit, unitName, reason }) => (
          <li key={id} className="row">
            <span>
              {day(date)} · <a href={at('units', unit)}>{unitName ?? unit}</a> <small>{reason}</small>
            </span>
            <Deed
              main={false}
              title={t('ثبت یافته‌ها', 'Record findings')}
              about={unitName ?? unit}
              action={t('ثبت شود', 'Record')}
              note={t('برای این نیاز پرونده‌ای گشوده می‌شود.', 'A case is opened for this need.')}
              fields={[
                { name: 'findings', label: t('یافته‌ها', 'Findings'), kind: 'long' },
                {
                  name: 'category',
                  label: t('موضوع نیاز', 'Subject of the need'),
                  kind: 'select',
                  options: Object.entries(CATEGORIES).map(([of, name]) => [of, t(...name)]),
                },
                { name: 'statement', label: t('نیاز', 'The need'), kind: 'long' },
              ]}
              submit={({ findings, category, statement }, key) =>
                send(['visit', id], 'RecordFindings', { findings, needs: [{ category, statement }] }, key)
              }
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
