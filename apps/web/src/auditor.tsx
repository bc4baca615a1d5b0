import { useEffect, useState, type FormEvent } from 'react';
import type { RecordedEvent } from '#kernel';
import { fetched, useRead, type Refusal } from './api.js';
import { Checkpoints } from './checkpoints.js';
import { DateField } from './date-field.js';
import { today } from './days.js';
import { useSpeech } from './language.js';
import { at, Await, Empty, office } from './parts.js';
import { endOf } from './past.js';
import { Proof } from './proof.js';
import { Verification } from './verification.js';

const ROOMS = ['events', 'checkpoints', 'verify'] as const;

/** What oversight looks at: the log itself, what it is sealed with, and the proof that both are whole. */
export default function AuditorsRoom({
  room = 'events',
  stream,
  revision,
}: {
  room?: string;
  stream?: string;
  revision?: string;
}) {
  const { t } = useSpeech();
  const names = {
    events: t('رویدادها', 'Events'),
    checkpoints: t('مهرها و شاهدان', 'Checkpoints and witnesses'),
    verify: t('خروجی و راستی‌آزمایی', 'Export and verification'),
  };
  return (
    <>
      <header className="head">
        <h1>{t('اتاق حسابرس', "The auditor's room")}</h1>
        <div className="tabs" role="group" aria-label={t('بخش‌ها', 'Sections')}>
          {ROOMS.map((id) => (
            <a key={id} href={at('audit', id)} aria-current={room === id ? 'page' : undefined}>
              {names[id]}
            </a>
          ))}
        </div>
      </header>
      {room === 'checkpoints' ? (
        <Checkpoints />
      ) : room === 'verify' ? (
        <Verification />
      ) : room === 'proof' && stream && revision ? (
        <Proof stream={stream} revision={revision} />
      ) : (
        <Events />
      )}
    </>
  );
}

interface Filter {
  stream: string;
  type: string;
  actor: string;
  from?: string;
  until?: string;
}
const NOTHING: Filter = { stream: '', type: '', actor: '' };
const PAGE = 50;

/** The log, page by page, in its own order. */
function Events() {
  const { t } = useSpeech();
  const [draft, setDraft] = useState<Filter>(NOTHING);
  const [filter, setFilter] = useState<Filter>(NOTHING);
  const types = useRead<{ events: Record<string, number> }>('numbers');
  const change = (name: keyof Filter) => (event: { target: { value: string } }) =>
    setDraft({ ...draft, [name]: event.target.value });
  const submit = (event: FormEvent) => (event.preventDefault(), setFilter(draft));
  const first = '2020-03-20';
  return (
    <>
      <form className="panel filter" onSubmit={submit} aria-label={t('پالایش', 'Filter')}>
        <label>
          {t('رشته', 'Stream')}{' '}
          <input dir="ltr" value={draft.stream} onChange={change('stream')} placeholder="resolution-facilitation-9-3" />
        </label>
        <label>
          {t('گونه', 'Type')} <input dir="ltr" list="event-types" value={draft.type} onChange={change('type')} />
          <datalist id="event-types">
            {Object.keys(types.data?.events ?? {}).map((type) => (
              <option key={type} value={type} />
            ))}
          </datalist>
        </label>
        <label>
          {t('چه کسی', 'Actor')} <input dir="ltr" value={draft.actor} onChange={change('actor')} />
        </label>
        <DateField
          label={t('از', 'From')}
          value={draft.from ?? first}
          change={(from) => setDraft({ ...draft, from })}
        />
        <DateField
          label={t('تا', 'To')}
          value={draft.until ?? today()}
          change={(until) => setDraft({ ...draft, until })}
        />
        <div className="buttons">
          <button type="submit" className="main">
            {t('نشان بده', 'Show')}
          </button>
          <button type="button" onClick={() => (setDraft(NOTHING), setFilter(NOTHING))}>
            {t('همه', 'All')}
          </button>
        </div>
      </form>
      <Pages key={JSON.stringify(filter)} filter={filter} />
    </>
  );
}

function Pages({ filter }: { filter: Filter }) {
  const speech = useSpeech();
  const { t, n } = speech;
  // Where each page begins: the position after which it comes.
  const [starts, setStarts] = useState<readonly string[]>(['0']);
  const [state, setState] = useState<{ events?: RecordedEvent[]; error?: Refusal }>({});
  const after = starts.at(-1)!;
  const [turn, again] = useState(0);
  useEffect(() => {
    let current = true;
    const { stream, type, actor, from, until } = filter;
    const asked = new URLSearchParams({ after, limit: String(PAGE + 1) });
    for (const [name, value] of Object.entries({ stream, type, actor }))
      if (value.trim()) asked.set(name, value.trim());
    if (from) asked.set('from', new Date(`${from}T00:00:00+03:30`).toISOString());
    if (until) asked.set('until', endOf(until));
    fetched(`events?${asked}`)
      .then((answer) => answer.text())
      .then(
        (text) => current && setState({ events: text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as RecordedEvent) }), // prettier-ignore
        (error: Refusal) => current && setState({ error }),
      );
    return () => void (current = false);
  }, [after, filter, turn]);
  const shown = state.events?.slice(0, PAGE) ?? [];
  return (
    <Await of={{ data: state.events, error: state.error, again: () => again(turn + 1) }}>
      {(events) =>
        events.length === 0 ? (
          <Empty>{t('هیچ رویدادی چنین نیست.', 'No event is like that.')}</Empty>
        ) : (
          <>
            <table className="list events">
              <thead>
                <tr>
                  <th scope="col">{t('جایگاه', 'Position')}</th>
                  <th scope="col">{t('رویداد', 'Event')}</th>
                  <th scope="col">{t('کی رخ داد', 'Happened')}</th>
                  <th scope="col">{t('چه کسی', 'Actor')}</th>
                  <th scope="col">{t('اثبات', 'Proof')}</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((event) => (
                  <Event key={event.id} of={event} />
                ))}
              </tbody>
            </table>
            <div className="buttons">
              <button type="button" disabled={starts.length === 1} onClick={() => setStarts(starts.slice(0, -1))}>
                {t('صفحهٔ پیش', 'Previous page')}
              </button>
              <span role="status">{t(`صفحهٔ ${n(starts.length)}`, `Page ${starts.length}`)}</span>
              <button
                type="button"
                disabled={events.length <= PAGE}
                onClick={() => setStarts([...starts, shown.at(-1)!.position])}
              >
                {t('صفحهٔ بعد', 'Next page')}
              </button>
            </div>
          </>
        )
      }
    </Await>
  );
}

function Event({ of: { position, stream, revision, type, data, metadata, recordedAt } }: { of: RecordedEvent }) {
  const speech = useSpeech();
  const { t, n, moment } = speech;
  const { actor, occurredAt } = metadata;
  const late = Date.parse(recordedAt) - Date.parse(occurredAt) > 60_000;
  return (
    <tr>
      <td>{n(position)}</td>
      <th scope="row" dir="ltr">
        <details>
          <summary>
            {type} <small>{`${stream} · ${revision}`}</small>
          </summary>
          <pre tabIndex={0} aria-label={t('داده', 'Data')}>
            {JSON.stringify(data, null, 1)}
          </pre>
        </details>
      </th>
      <td>
        {moment(occurredAt)}
        {late && <small> {t(`ثبت: ${moment(recordedAt)}`, `recorded ${moment(recordedAt)}`)}</small>}
      </td>
      <td>
        {office(actor.role, speech)}{' '}
        <small>{actor.onBehalfOf ? `${actor.onBehalfOf.id} ← ${actor.id}` : actor.id}</small>
      </td>
      <td>
        <a href={at('audit', 'proof', stream, String(revision))}>{t('اثبات', 'Proof')}</a>
      </td>
    </tr>
  );
}
