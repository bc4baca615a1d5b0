import { type ReactNode } from 'react';
import type { Category } from '#directory';
import { useRead, type Me } from './api.js';
import { OpenCase, Schedule, Table } from './board.js';
import { CATEGORIES } from './categories.js';
import { Answers, type Duties } from './duties.js';
import { useSpeech } from './language.js';
import { at, Await, Empty, Figure } from './parts.js';
import { Letter, type SessionItem } from './sessions.js';
import { Planned, VisitList } from './visit-list.js';

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
const SHOWN = 8;
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
