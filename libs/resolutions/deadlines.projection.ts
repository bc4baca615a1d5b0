import {
  byCodePoint,
  factOf,
  later,
  splitStream,
  type Instant,
  type Projection,
  type RecordedEvent,
  type Sql,
} from '#kernel';
import { CalendarHistory, type CalendarChange } from '#calendar';
import { calendarDecider, DEFAULT_CALENDAR } from '#directory';
import { alarmsOfResolution, type Alarm, type Views } from './alarms.js';
import { calendarsOf } from './settle.js';
import { evolve, isOpen, type Resolution, type State } from './state.js';

/**
 * The deadline projection: every resolution folded, and of every obligation the next instant at which something happens
 * by itself, in the table `due` (obligation '' is the resolution's own duty). Alarms are hints, so instants follow the
 * calendar as this projection knows it; the decider, when it is woken, reads the calendar's own stream.
 *
 * A row of `due` changes or leaves only by an event, in that event's transaction. `next_attempt_at` and `attempt` belong
 * to the waker and live as long as the alarm itself: same instant, same meaning.
 */
const schema = `
create table if not exists clocks (
  stream text primary key, revision integer not null, state json not null,
  calendars text[] not null, open boolean not null, import text);
create table if not exists clock_calendars (
  id text primary key, revision integer not null, changes json not null);
create table if not exists due (
  stream text not null, obligation text not null, at timestamptz not null, what text not null, import text,
  next_attempt_at timestamptz not null, attempt integer not null default 0,
  primary key (stream, obligation));
create index if not exists due_next_attempt_at on due (next_attempt_at);`;

/** Aggregates whose events the clocks are made of. */
export const OF_CLOCKS: readonly string[] = ['resolution', calendarDecider.aggregate];

/** Clocks that a change of a calendar re-arms at a time: it bounds memory, not the transaction. */
const PAGE = 1_000;

/** A resolution as the deadline projection keeps it. */
export interface Clock {
  stream: string;
  state: Resolution;
  import: string | null;
}

/** @param province id of the province's own calendar, on which offices' rungs and duties are counted */
export function deadlines(province = DEFAULT_CALENDAR): Projection {
  const calendars = new Calendars();
  return {
    name: 'deadlines',
    version: 1,
    schema,
    tables: ['clocks', 'clock_calendars', 'due'],
    // Whatever happens in these streams, also what a newer release calls by a name not known here.
    on: '*',
    async apply(all, sql) {
      const events = all.filter(({ stream }) => OF_CLOCKS.includes(splitStream(stream)[0]));
      if (events.length === 0) return;
      const changed = await calendars.change(events, sql);
      const clocks = await folded(events, sql);
      await keep([...clocks.values()], province, sql);
      await arm([...clocks.values()], calendars, province, sql);
      // Those touched just now are armed already, on the same calendars.
      for await (const page of dependingOn(changed, sql)) {
        await arm(page.filter(({ stream }) => !clocks.has(stream)), calendars, province, sql); // prettier-ignore
      }
    },
  };
}

/** Ids of resolutions with an open obligation or duty that is counted on this calendar, by code point. */
export async function resolutionsOnCalendar(sql: Sql, calendar: string): Promise<string[]> {
  const { rows } = await sql.query<{ stream: string }>(
    'select stream from clocks where open and calendars @> array[$1]',
    [calendar],
  );
  return rows.map(({ stream }) => splitStream(stream)[1]).sort(byCodePoint);
}

/**
 * The calendars as this projection knows them. Kept between batches with the views they have computed, and checked
 * against the table's revision first: a transaction that was rolled back leaves nothing behind.
 */
class Calendars {
  private known = new Map<string, CalendarHistory>();

  /** Takes in what is new. @returns ids of the calendars that changed */
  async change(events: readonly RecordedEvent[], sql: Sql): Promise<string[]> {
    await this.refresh(sql);
    const changed = new Map<string, CalendarHistory>();
    for (const event of events) {
      const [aggregate, id] = splitStream(event.stream);
      if (aggregate !== calendarDecider.aggregate) continue;
      const history = calendarDecider.evolve(this.known.get(id), factOf(event), event)!;
      this.known.set(id, history);
      changed.set(id, history);
    }
    for (const [id, { revision, changes }] of changed) {
      await sql.query(
        `insert into clock_calendars (id, revision, changes) values ($1, $2, $3)
         on conflict (id) do update set revision = excluded.revision, changes = excluded.changes`,
        [id, revision, JSON.stringify(changes)],
      );
    }
    return [...changed.keys()];
  }

  view: Views = (id) => (this.known.get(id) ?? new CalendarHistory(id)).view();

  private async refresh(sql: Sql): Promise<void> {
    const { rows } = await sql.query<{ id: string; revision: number }>('select id, revision from clock_calendars');
    const stale = rows.filter(({ id, revision }) => this.known.get(id)?.revision !== revision).map(({ id }) => id);
    const current = rows.filter(({ id }) => !stale.includes(id));
    this.known = new Map(current.map(({ id }) => [id, this.known.get(id)!]));
    if (stale.length === 0) return;
    const { rows: loaded } = await sql.query<{ id: string; changes: CalendarChange[] }>(
      'select id, changes from clock_calendars where id = any($1)',
      [stale],
    );
    for (const { id, changes } of loaded) this.known.set(id, new CalendarHistory(id, changes));
  }
}

/** Every resolution that has events among these, folded on from its stored state. */
async function folded(events: readonly RecordedEvent[], sql: Sql): Promise<Map<string, Clock>> {
  const touched = events.filter(({ stream }) => splitStream(stream)[0] === 'resolution');
  if (touched.length === 0) return new Map();
  const { rows } = await sql.query<Clock>('select stream, state, import from clocks where stream = any($1)', [
    [...new Set(touched.map(({ stream }) => stream))],
  ]);
  const clocks = new Map(rows.map((clock) => [clock.stream, clock]));
  for (const event of touched) {
    const state: State = evolve(clocks.get(event.stream)?.state, factOf(event), event);
    if (state) clocks.set(event.stream, { stream: event.stream, state, import: event.metadata.import ?? null });
  }
  return clocks;
}

async function* dependingOn(calendars: readonly string[], sql: Sql): AsyncGenerator<Clock[]> {
  if (calendars.length === 0) return;
  for (let after = ''; ;) {
    const { rows } = await sql.query<Clock>(
      `select stream, state, import from clocks where open and calendars && $1 and stream > $2
       order by stream limit ${PAGE}`,
      [calendars, after],
    );
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.stream;
  }
}

/** A row of `due`. */
export interface Armed {
  stream: string;
  /** '' for the resolution's own duty. */
  obligation: string;
  at: Instant;
  what: string;
  import: string | null;
}

const whatOf = (alarm: Alarm): string =>
  alarm.kind === 'rung' ? `rung ${alarm.rung}` : alarm.kind === 'due' ? 'due' : `duty ${alarm.duty} ${alarm.count}`;

/** The next alarm of each obligation, and of the resolution itself. */
export function armedOf({ stream, state, import: batch }: Clock, views: Views, province: string): Armed[] {
  const next = new Map<string, Armed>();
  for (const alarm of alarmsOfResolution(state, views, province)) {
    const obligation = alarm.obligation ?? '';
    // What a change moved into the past fires at the change.
    const at = later(alarm.at, state.at);
    const known = next.get(obligation);
    if (!known || at < known.at) next.set(obligation, { stream, obligation, at, what: whatOf(alarm), import: batch });
  }
  return [...next.values()];
}

async function keep(clocks: readonly Clock[], province: string, sql: Sql): Promise<void> {
  if (clocks.length === 0) return;
  await sql.query(
    `insert into clocks select * from json_populate_recordset(null::clocks, $1::json)
     on conflict (stream) do update set revision = excluded.revision, state = excluded.state,
       calendars = excluded.calendars, open = excluded.open, import = excluded.import`,
    [
      JSON.stringify(
        clocks.map(({ state, ...clock }) => {
          const { revision } = state;
          return { ...clock, revision, state, calendars: calendarsOf(state, province), open: isOpen(state) };
        }),
      ),
    ],
  );
}

async function arm(clocks: readonly Clock[], calendars: Calendars, province: string, sql: Sql): Promise<void> {
  if (clocks.length === 0) return;
  const streams = clocks.map(({ stream }) => stream);
  const due = clocks.flatMap((clock) => armedOf(clock, calendars.view, province));
  await sql.query(
    `with wanted as (
       select * from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
         as w (stream, obligation, at, what, import)
     ), gone as (
       delete from due where stream = any($1)
         and not exists (select from wanted w where (w.stream, w.obligation) = (due.stream, due.obligation))
     )
     insert into due (stream, obligation, at, what, import, next_attempt_at)
     select stream, obligation, at, what, import, at from wanted
     on conflict (stream, obligation) do update set at = excluded.at, what = excluded.what, import = excluded.import,
       next_attempt_at = case when (due.at, due.what) = (excluded.at, excluded.what) then due.next_attempt_at else excluded.at end,
       attempt = case when (due.at, due.what) = (excluded.at, excluded.what) then due.attempt else 0 end
     where (due.at, due.what, due.import) is distinct from (excluded.at, excluded.what, excluded.import)`,
    [
      streams,
      due.map(({ stream }) => stream),
      due.map(({ obligation }) => obligation),
      due.map(({ at }) => at),
      due.map(({ what }) => what),
      due.map((row) => row.import),
    ],
  );
}
