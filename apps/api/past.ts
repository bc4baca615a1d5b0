import {
  BEGINNING,
  comparePositions,
  Loader,
  Refused,
  type Actor,
  type Clock,
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

/** A day of the past, on one of the two axes of time: what was known then, or what had happened then. */
export interface Moment {
  axis: 'asOf' | 'validAt';
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
const PAGE = 500;
/** Beyond this the planner has to know how much there is: nobody else counts temporary tables. */
const MANY = 200;

const PROVINCE: readonly string[] = ['governor', 'deputy', 'secretary', 'expert', 'oversight'];

/** Read models as they stood at a moment: the same tables, temporary, on a connection of their own. */
interface Frame extends Moment {
  session?: Session;
  /** Up to where its tables go: the moment, and how far the log has been read for it. */
  until: Instant;
  position: Position;
  /** Whatever is asked of it goes one after another. */
  turn: Promise<unknown>;
  idle?: NodeJS.Timeout;
}

/**
 * The province as it was. The projections of the record are run again over the part of the log that belongs to the
 * moment, into temporary tables that stand in the place of the real ones; then the very queries of the present, with
 * their rules of access, are asked of those. So every page of the record can be turned back, and nothing is kept twice.
 * What was folded once is carried on when a later moment is asked for: a slider that moves forward costs the days between.
 */
export class Past {
  private readonly frames: Frame[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly projections: readonly Projection[],
    private readonly connect: () => Promise<Session>,
  ) {}

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

  /** Runs `work` on the tables as they were. What has not come yet is not known: the future is the present. */
  async read<T>({ axis, at: asked }: Moment, work: (sql: Sql) => Promise<T>): Promise<T> {
    const now = this.clock.now();
    const at = asked < now ? asked : now;
    const frame = this.frameFor({ axis, at });
    const result = frame.turn.then(async () => {
      await this.advance(frame, at);
      return work(frame.session!);
    });
    frame.turn = result.catch((error: unknown) => {
      // A refusal says nothing against the tables; whatever else it was, nobody else shall find them half made.
      if (!(error instanceof Refused)) this.drop(frame);
    });
    return result;
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
      frame = { axis, at, until: '', position: BEGINNING, turn: Promise.resolve() };
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

  private async advance(frame: Frame, at: Instant): Promise<void> {
    if (!frame.session) {
      frame.session = await this.connect();
      // Nothing but what is temporary: no query can see the present by mistake.
      await frame.session.query('set search_path to pg_temp');
      await this.clear(frame);
    }
    let fresh = await this.unread(frame, at);
    if (!fresh) {
      await this.clear(frame);
      fresh = (await this.unread(frame, at))!;
    }
    const { events, position } = fresh;
    await frame.session.query('begin');
    for (let from = 0; from < events.length; from += PAGE) {
      const page = events.slice(from, from + PAGE);
      for (const { on, apply } of this.projections) {
        const wanted = on === '*' ? page : page.filter(({ type }) => on.includes(type));
        if (wanted.length > 0) await apply(wanted, frame.session);
      }
    }
    const tables = this.projections.flatMap((each) => each.tables);
    if (events.length >= MANY) await frame.session.query(`analyze ${tables.join(', ')}`);
    await frame.session.query('commit');
    frame.until = at;
    frame.position = position;
  }

  private async clear(frame: Frame): Promise<void> {
    const tables = this.projections.flatMap((each) => each.tables);
    await frame.session!.query(
      `drop table if exists ${tables.join(', ')}; ${this.projections.map(({ schema }) => schema).join('\n')}`,
    );
    Object.assign(frame, { until: '', position: BEGINNING });
  }

  /**
   * What a frame lacks of the moment, in the order of its axis. Known things come in the order of the log. What happened
   * may have been registered late: then undefined, and the tables are made anew.
   */
  private async unread(
    { axis, until, position }: Frame,
    at: Instant,
  ): Promise<{ events: RecordedEvent[]; position: Position } | undefined> {
    const events: RecordedEvent[] = [];
    const again = axis === 'validAt' && at > until;
    for (let after = again ? BEGINNING : position; ;) {
      const page = await this.store.readAll(after, PAGE);
      for (const event of page.events) {
        if (axis === 'asOf') {
          // Read again next time, from here.
          if (event.recordedAt > at) return { events, position: after };
          after = event.position;
          events.push(event);
          continue;
        }
        const { occurredAt } = event.metadata;
        if (comparePositions(event.position, position) > 0 && until && occurredAt <= until) return undefined;
        if (occurredAt <= at && occurredAt > until) events.push(event);
      }
      if (page.events.length === 0) {
        const happened = ({ metadata }: RecordedEvent) => metadata.occurredAt;
        if (axis === 'validAt') events.sort((a, b) => (happened(a) < happened(b) ? -1 : happened(a) > happened(b) ? 1 : 0)); // prettier-ignore
        return { events, position: page.position };
      }
      after = page.position;
    }
  }
}
