import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEGINNING, type Batch, type EventStore } from './event-store.js';
import { fenced, LEASES, type Fence } from './lease.js';
import { comparePositions, type Instant, type Position } from './messages.js';
import type { Database, Sql } from './projection.js';
import { StoreUnavailable } from './refused.js';

/**
 * Whoever follows the log and remembers how far: a *subscriber*. Its *checkpoint* is the position up to which it has
 * handled everything, and moves by compare-and-set from the position it was known to have: of two runners of one
 * subscriber only one gets on, whatever each of them believes.
 */
export interface Subscriber {
  /** Stable; names the checkpoint. */
  name: string;
  /** Handles a batch, in log order and at least once: the checkpoint moves when it returns. */
  handle(batch: Batch, signal: AbortSignal): Promise<void>;
}

/** The part of pino that the engine uses. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Checkpoint {
  name: string;
  version: number;
  position: Position;
  /** `recordedAt` of the last event handled: what `X-As-Of` says. */
  asOf?: Instant;
  /** Why it does not get on, while it does not. */
  error?: string;
}

/** Most events that one commit carries: folding five hundred costs little more than folding one. */
export const BATCH = 500;

/** Somebody else moved the checkpoint, or holds the lease: start again from what the database says. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** One advisory lock for whoever creates tables, so that several starters do not trip over each other. */
export const SCHEMA_LOCK = 'select pg_advisory_xact_lock(7309417)';

export class Checkpoints {
  /** Of the subscribers that run in this process. */
  private readonly known = new Map<string, Position>();
  private readonly moves = new EventEmitter().setMaxListeners(0);

  constructor(readonly db: Database) {}

  /** Creates what is missing. Safe with several starters. */
  async prepare(): Promise<void> {
    await this.db.transaction(async (sql) => {
      await sql.query(SCHEMA_LOCK);
      await sql.query(`create table if not exists checkpoints (
        name text primary key, version integer not null, position text not null, as_of timestamptz, error text)`);
      await sql.query(LEASES);
    });
  }

  async read(names?: readonly string[], sql: Sql = this.db): Promise<Map<string, Checkpoint>> {
    const { rows } = await sql.query<{ as_of: Date | null; error: string | null } & Checkpoint>(
      'select name, version, position, as_of, error from checkpoints where $1::text[] is null or name = any($1)',
      [names ?? null],
    );
    return new Map(
      rows.map(({ as_of, error, ...rest }) => [
        rest.name,
        { ...rest, ...(as_of && { asOf: as_of.toISOString() }), ...(error && { error }) },
      ]),
    );
  }

  /**
   * Moves checkpoints inside the caller's transaction. Call it first: the rows stay locked until the commit, so a
   * second runner waits here and finds itself overtaken.
   * @throws Overtaken
   */
  async advance(sql: Sql, from: readonly Checkpoint[], { position, events }: Batch, fence?: Fence): Promise<void> {
    const { rowCount } = await sql.query(
      `update checkpoints c set position = $4, as_of = coalesce($5::timestamptz, as_of), error = null
       from unnest($1::text[], $2::int[], $3::text[]) as mine (name, version, position)
       where (c.name, c.version, c.position) = (mine.name, mine.version, mine.position)
       ${fence ? `and ${fenced('$6', '$7')}` : ''}`,
      [
        from.map(({ name }) => name),
        from.map(({ version }) => version),
        from.map((checkpoint) => checkpoint.position),
        position,
        events.at(-1)?.recordedAt ?? null,
        ...(fence ? [fence.lease, fence.holder] : []),
      ],
    );
    if (rowCount !== from.length) throw new Overtaken(`${from.map(({ name }) => name).join(', ')}: moved by another`);
  }

  /** What was noted of a trouble is over for those that have come as far as the log: nothing later would say so. */
  async recovered(name: string, head: Position): Promise<void> {
    await this.db.query(
      'update checkpoints set error = null where name = $1 and error is not null and position::numeric >= $2::numeric',
      [name, head],
    );
  }

  /** Tells those who wait in this process; call it after the commit. */
  announce(names: readonly string[], position: Position): void {
    for (const name of names) this.known.set(name, position);
    this.moves.emit('moved', names);
  }

  /** After each commit in this process, with the names that moved. */
  onMoved(listener: (names: readonly string[]) => void): () => void {
    this.moves.on('moved', listener);
    return () => this.moves.off('moved', listener);
  }

  /**
   * Waits until every one of `names` has handled the log up to `position`. Commits of this process are heard at once;
   * those of others are looked for every `POLL_MS`, only while somebody waits.
   * @returns false when `timeoutMs` passed first.
   */
  async waitFor(names: readonly string[], position: Position, timeoutMs: number): Promise<boolean> {
    const reached = (at?: Position) => at !== undefined && comparePositions(at, position) >= 0;
    const ends = performance.now() + timeoutMs;
    for (;;) {
      if (names.every((name) => reached(this.known.get(name)))) return true;
      const stored = await this.read(names);
      if (names.every((name) => reached(stored.get(name)?.position))) return true;
      const left = Math.min(POLL_MS, ends - performance.now());
      if (left <= 0) return false;
      await once(this.moves, 'moved', { signal: AbortSignal.timeout(Math.ceil(left)) }).catch(() => {});
    }
  }
}

const POLL_MS = 100;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** One line when a trouble begins, one when another takes its place, one when it is over: never one for each try. */
export class Trouble {
  private present = '';

  constructor(
    private readonly log: Log,
    private readonly fields: object,
  ) {}

  begins(error: unknown, message: string): void {
    const outage = error instanceof StoreUnavailable;
    // An outage shows itself in many words; it is one.
    const trouble = outage ? error.name : describe(error);
    if (trouble !== this.present) {
      // Never the error itself: drivers hang whole connections onto theirs. Of a fault of ours, where it happened.
      const stack = error instanceof Error && !outage ? { stack: error.stack } : {};
      this.log.warn({ ...this.fields, trouble: describe(error), ...stack }, message);
    }
    this.present = trouble;
  }

  get lasts(): boolean {
    return this.present !== '';
  }

  over(message: string): void {
    if (this.present) this.log.info(this.fields, message);
    this.present = '';
  }
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message || ((error as { code?: string }).code ?? 'no reason given')}`;
};

/**
 * Runs `work` again and again until it returns or `signal` aborts. What it throws is waited out, longer each time.
 * `work` calls `healthy` whenever it got on; `troubled` hears of every failure.
 */
export async function persist(
  name: string,
  work: (healthy: () => void) => Promise<void>,
  { signal, log, troubled }: { signal: AbortSignal; log: Log; troubled?: (error: unknown) => Promise<void> | void },
): Promise<void> {
  const trouble = new Trouble(log, { subscriber: name });
  let failures = 0;
  const healthy = () => {
    failures = 0;
    trouble.over('getting on again');
  };
  while (!signal.aborted) {
    try {
      return await work(healthy);
    } catch (error) {
      if (signal.aborted) return;
      // Being overtaken is no trouble: whoever was faster has done the work.
      if (!(error instanceof Overtaken)) trouble.begins(error, 'cannot get on; trying again');
      await troubled?.(error);
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS);
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }
}

export interface Follow {
  store: EventStore;
  checkpoints: Checkpoints;
  log: Log;
  fence?: Fence;
}

/** Runs a subscriber from its own checkpoint until `signal` aborts; the batch in hand is finished first. */
export async function runSubscriber(subscriber: Subscriber, follow: Follow, signal: AbortSignal): Promise<void> {
  const { store, checkpoints, log, fence } = follow;
  const { name } = subscriber;
  const work = async (healthy: () => void) => {
    await checkpoints.db.query(
      'insert into checkpoints (name, version, position) values ($1, 1, $2) on conflict do nothing',
      [name, BEGINNING],
    );
    let at = (await checkpoints.read([name])).get(name)!;
    if (at.error) await checkpoints.recovered(name, await store.head());
    for await (const batch of store.follow(at.position, signal, BATCH)) {
      await subscriber.handle(batch, signal);
      if (signal.aborted) return; // what was handled only in part is handled again
      await checkpoints.advance(checkpoints.db, [at], batch, fence);
      at = { ...at, position: batch.position };
      checkpoints.announce([name], at.position);
      healthy();
    }
    if (!signal.aborted) throw new StoreUnavailable('the log ended');
  };
  await persist(name, work, { signal, log, troubled: (error) => showTrouble(checkpoints, name, error) });
}

/** Leaves the reason where `doctor` and the API can see it; when the database itself is the trouble, the log has it. */
export async function showTrouble({ db }: Checkpoints, name: string, error: unknown): Promise<void> {
  if (error instanceof Overtaken) return;
  await db
    .query('update checkpoints set error = $2 where name = $1 and error is distinct from $2', [
      name,
      describe(error).slice(0, 2_000),
    ])
    .catch(() => {});
}
