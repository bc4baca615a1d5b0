import {
  BEGINNING,
  comparePositions,
  Loader,
  Refused,
  StoreUnavailable,
  type Actor,
  type Clock,
  type Database,
  type EventStore,
  type Instant,
  type Position,
  type Projection,
  type Query,
  type RecordedEvent,
  type Sql,
} from '#kernel';
import { replayed } from '#audit';
import type { Session } from '#stores';
import { forbidden } from './auth.js';
import { instantOf } from './commands.controller.js';
import { changedOf, Keyframes, NOTHING, type Keyframe } from './keyframes.js';
import { dayIn, LogDays, timeOf, type Axis, type DayOfLog } from './log-days.js';

/** A day of the past, on one of the two axes of time. */
export interface Moment {
  axis: Axis;
  at: Instant;
}

/** @throws Refused `invalid` unless exactly one of the two is given, as an instant */
export function momentOf({ asOf, validAt }: { asOf?: unknown; validAt?: unknown }): Moment {
  const axis = asOf === undefined ? 'validAt' : 'asOf';
  const text = asOf ?? validAt;
  if (typeof text === 'string' && (asOf === undefined || validAt === undefined))
    return { axis, at: instantOf(text, axis) };
  const reason = 'must be one instant, on one of the two axes: asOf or validAt';
  throw Refused.invalid(`${axis} ${reason}.`, [{ path: axis, reason }]);
}

/** Moments that are kept ready; each holds a connection of its own. */
export const FRAMES = 3;
const IDLE_MS = 10 * 60_000;
/** Folded at once: a document that changes often is written once for all of it. */
const PAGE = 2_500;
/** Beyond this the planner has to know how much there is: nobody else counts temporary tables. */
const MANY = 200;
/** Of the log between two keyframes: about as much as is folded in a second or two. */
const EVENTS_A_KEYFRAME = 10_000;
const AHEAD_AFTER_MS = 60_000;
const AHEAD_EVERY_MS = 60 * 60_000;

const PROVINCE: readonly string[] = ['governor', 'deputy', 'secretary', 'expert', 'oversight'];

/** The record as it stood at a moment: a keyframe, and on top of it, in temporary tables, what came after it. */
interface Frame extends Moment {
  session?: Session;
  /** Columns of each table. */
  columns: Map<string, string[]>;
  generation?: string;
  keyframe: Keyframe;
  /** Up to where its tables go: the moment, and how far the log had been read for it. */
  until: Instant;
  known: Position;
  /** Whatever is asked of it goes one after another. */
  turn: Promise<unknown>;
  idle?: NodeJS.Timeout;
}

/**
 * The province as it was. The projections of the record are run again over the part of the log that belongs to the
 * moment, into temporary tables that stand in the place of the real ones; then the very queries of the present, with
 * their rules of access, are asked of those. So every page of the record can be turned back.
 *
 * Nothing is folded from the beginning but once: see {@link Keyframes}. What was folded is carried on when a later
 * moment is asked for, so that a slider that moves forward costs the days between.
 */
export class Past {
  private readonly frames: Frame[] = [];
  private readonly keyframes: Keyframes;
  private readonly logDays: LogDays;
  private prepared?: Promise<void>;
  /** Up to where the log was searched for what came too late for the keyframes up to `until`. */
  private searched = { until: '', position: BEGINNING };
  private stopping = false;
  private readonly timers: NodeJS.Timeout[] = [];
  private ahead?: Promise<void>;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly projections: readonly Projection[],
    database: Database,
    private readonly connect: () => Promise<Session>,
    private readonly every = EVENTS_A_KEYFRAME,
  ) {
    this.keyframes = new Keyframes(database, projections);
    this.logDays = new LogDays(store, database);
  }

  /** Whether this question can be asked of the past; others have dates of their own, or are about the present. */
  answers({ projections }: Query): boolean {
    return projections.every((name) => this.projections.some((each) => each.name === name));
  }

  /** Undefined as {@link Query.run}. @throws Refused `forbidden` for whoever does not read the whole province */
  async ask(query: Query, params: object, reader: Actor, moment: Moment): Promise<object | undefined> {
    this.admit(reader);
    const { store } = this;
    const axes = { [moment.axis]: moment.at };
    const then = { readStream: async (stream: string, from = 0) => replayed(await store.readStream(stream), axes).filter(({ revision }) => revision >= from) }; // prettier-ignore
    const log = { store: then, loader: new Loader(then), clock: { now: () => moment.at } };
    return this.read(moment, (sql) => (query.past?.(log) ?? query).run(params, reader, sql));
  }

  /** An agency or a unit sees its own, and what was its own may be another's by now. */
  admit({ role }: Actor): void {
    if (!PROVINCE.includes(role)) throw forbidden(`The past is for those who read the province; not for ${role}.`);
  }

  /** Days that the log tells of, in order. */
  async days(): Promise<DayOfLog[]> {
    await this.logDays.catchUp();
    return this.logDays.days();
  }

  /** Runs `work` on the tables as they were. What has not come yet is not known: the future is the present. */
  async read<T>({ axis, at: asked }: Moment, work: (sql: Sql) => Promise<T>): Promise<T> {
    const now = this.clock.now();
    const at = asked < now ? asked : now;
    const frame = this.frameFor({ axis, at });
    const result = frame.turn.then(async () => {
      await this.ready();
      for (;;) {
        if (this.stopping) throw new StoreUnavailable('the server stops');
        // What is answered stands in the transaction that has found the tables to be of one generation.
        const there = await this.within(frame, async () => (await this.advance(frame, at)) && { found: await work(frame.session!) }); // prettier-ignore
        if (there) return there.found;
      }
    });
    frame.turn = result.catch((error: unknown) => {
      // A refusal says nothing against the tables; whatever else it was, nobody else shall find them half made.
      if (!(error instanceof Refused)) this.drop(frame);
    });
    return result;
  }

  /** Makes the keyframes that are due, now and again, before somebody has to wait for them. */
  keepAhead(): void {
    const keep = () =>
      (this.ahead ??= this.keepAll()
        .catch(() => {})
        .finally(() => (this.ahead = undefined))); // an outage is told by whoever needs the database
    this.timers.push(setTimeout(keep, AHEAD_AFTER_MS).unref(), setInterval(keep, AHEAD_EVERY_MS).unref());
  }

  /** For good: a fold that takes long breaks off. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.timers.forEach(clearTimeout);
    this.close();
    await this.ahead;
  }

  async keepAll(): Promise<void> {
    await this.ready();
    const at = this.clock.now();
    for (const axis of ['asOf', 'validAt'] as const) {
      const { until } = await this.keyframes.nearest(axis, at);
      if (this.nextKeyframe(axis, until)) await this.read({ axis, at }, async () => {});
    }
  }

  close(): void {
    for (const frame of this.frames.slice()) this.drop(frame);
  }

  /** The nearest that is not later, to be carried on; or a new one, in the place of the one that was longest unused. */
  private frameFor({ axis, at }: Moment): Frame {
    let frame = this.frames
      .filter((one) => one.axis === axis && one.at <= at)
      .reduce<Frame | undefined>((best, one) => (best && best.at >= one.at ? best : one), undefined);
    if (frame) this.frames.splice(this.frames.indexOf(frame), 1);
    else {
      if (this.frames.length >= FRAMES) this.drop(this.frames[0]!);
      const empty = { columns: new Map(), keyframe: NOTHING, until: '', known: BEGINNING };
      frame = { axis, at, ...empty, turn: Promise.resolve() };
    }
    // From now on whoever asks for less has to look for another one: those before are served before it moves.
    frame.at = at;
    this.frames.push(frame);
    clearTimeout(frame.idle);
    const idle = frame;
    frame.idle = setTimeout(() => this.drop(idle), IDLE_MS).unref();
    return frame;
  }

  private drop(frame: Frame): void {
    clearTimeout(frame.idle);
    const index = this.frames.indexOf(frame);
    if (index >= 0) this.frames.splice(index, 1);
    void frame.turn.then(() => (frame.session?.end(), (frame.session = undefined)));
  }

  /** Tables are there, and no keyframe lacks what was registered late. */
  private async ready(): Promise<void> {
    this.prepared ??= this.keyframes.prepare();
    await this.prepared.catch((error: unknown) => ((this.prepared = undefined), Promise.reject(error as Error)));
    const latest = await this.keyframes.nearest('validAt', this.clock.now());
    await this.logDays.catchUp();
    const { head } = this.logDays;
    // Whoever made the latest one had searched as far as it knew, for all before it.
    const { until, position } = this.searched;
    const late = await this.earliest('validAt', latest.until, until === latest.until ? position : latest.known);
    if (late !== undefined) await this.keyframes.giveUp('validAt', late);
    this.searched = { until: latest.until, position: head };
  }

  /** When the first of those happened that were registered beyond a position of the log, of a time up to `until`. */
  private async earliest(axis: Axis, until: Instant, beyond: Position): Promise<Instant | undefined> {
    let first: Instant | undefined;
    if (axis === 'asOf' || until === '') return first;
    for await (const events of this.logDays.between(axis, '', until, beyond)) {
      for (const time of events.map((event) => timeOf(event, axis))) if (!first || time < first) first = time;
    }
    return first;
  }

  /** One transaction on the tables of one generation. */
  private async within<T>(frame: Frame, work: () => Promise<T>): Promise<T> {
    const session = (frame.session ??= await this.open(frame));
    await session.query('begin');
    const generation = await this.keyframes.generation(session);
    if (generation !== frame.generation) {
      frame.generation = generation;
      await this.standOn(frame, NOTHING);
    }
    try {
      return await work();
    } finally {
      // A statement that failed has undone it already, and the frame is dropped.
      await session.query('commit');
    }
  }

  private async open(frame: Frame): Promise<Session> {
    const session = await this.connect();
    const { tables } = this.keyframes;
    // Nothing but what is temporary: no query can see the present by mistake.
    await session.query(`set search_path to pg_temp; ${this.projections.map(({ schema }) => schema).join('\n')}`);
    await session.query(
      `${tables.map((table) => `alter table ${table} rename to ${changedOf(table)}`).join(';')};
       create table gone (source text, id text, primary key (source, id));
       create function pg_temp.hide() returns trigger language plpgsql as $$ begin
         insert into gone values (tg_table_name, old.id) on conflict do nothing;
         execute format('delete from %I where id = $1', 'changed_' || tg_table_name) using old.id;
         return old;
       end $$`,
    );
    for (const table of tables) {
      const { rows } = await session.query<{ name: string }>(
        `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
        [`pg_temp.${changedOf(table)}`],
      );
      frame.columns.set(
        table,
        rows.map(({ name }) => name),
      );
    }
    frame.generation = 'none yet';
    return session;
  }

  /** Puts the frame on a keyframe, with nothing on top of it. */
  private async standOn(frame: Frame, keyframe: Keyframe): Promise<void> {
    const { axis, columns } = frame;
    await frame.session!.query(
      [
        `truncate gone, ${this.keyframes.tables.map(changedOf).join(', ')}`,
        ...this.keyframes.tables.flatMap((table) => [
          `create or replace temp view ${table} as ${this.keyframes.standing(axis, table, columns.get(table)!, keyframe)}`,
          `create or replace trigger hide instead of delete on ${table} for each row execute function pg_temp.hide()`,
        ]),
      ].join('; '),
    );
    Object.assign(frame, { keyframe, until: keyframe.until, known: keyframe.known });
  }

  /** Brings the tables nearer to `at`, as far as the next keyframe at most. @returns whether they are there */
  private async advance(frame: Frame, at: Instant): Promise<boolean> {
    const { axis } = frame;
    const session = frame.session!;
    const nearest = frame.generation === undefined ? NOTHING : await this.keyframes.nearest(axis, at, session);
    const late = (await this.earliest(axis, frame.until, frame.known)) !== undefined;
    if (late || nearest.until > frame.until) await this.standOn(frame, nearest);
    const due = this.nextKeyframe(axis, frame.keyframe.until);
    const keep = frame.generation !== undefined && due !== undefined && due > frame.until && due <= at;
    const to = keep ? due : at;
    // As they are now: more may come while the log is read.
    const { head } = this.logDays;
    const known = this.searched.position;
    let count = 0;
    const apply = async (events: readonly RecordedEvent[]) => {
      count += events.length;
      for (let from = 0; from < events.length; from += PAGE) await this.fold(events.slice(from, from + PAGE), session);
    };
    const happened: RecordedEvent[] = [];
    for await (const events of this.logDays.between(axis, frame.until, to)) {
      if (axis === 'asOf') await apply(events);
      else happened.push(...events);
    }
    const time = (event: RecordedEvent) => timeOf(event, axis);
    await apply(happened.sort((a, b) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : 0)));
    Object.assign(frame, { until: to, known: head });
    const kept = keep && (await this.keyframes.keep(axis, frame.keyframe, to, known, session));
    if (kept) await this.standOn(frame, kept);
    else if (count >= MANY) await session.query(`analyze gone, ${this.keyframes.tables.map(changedOf).join(', ')}`);
    return to === at;
  }

  private async fold(events: readonly RecordedEvent[], session: Session): Promise<void> {
    // What is read are views; what is written are the tables of changes.
    const sql: Sql = {
      query: (text, values) =>
        session.query(
          text.replace(/^\s*insert into (\w+)/, (_, table: string) => `insert into ${changedOf(table)}`),
          values,
        ),
    };
    for (const { on, apply } of this.projections) {
      const wanted = on === '*' ? events : events.filter(({ type }) => on.includes(type));
      if (wanted.length > 0) await apply(wanted, sql);
    }
  }

  /** Where the next keyframe after `from` is due: the end of a day, before today, up to which there is enough to keep. */
  private nextKeyframe(axis: Axis, from: Instant): Instant | undefined {
    const today = dayIn(this.clock.now());
    let count = 0;
    for (const day of this.logDays.days()) {
      const end = endOf(day.date);
      if (day.date >= today) return undefined;
      if (end > from && (count += day[axis]) >= this.every) return end;
    }
    return undefined;
  }
}

const endOf = (date: string): Instant => new Date(`${date}T23:59:59.999+03:30`).toISOString();
