import { setTimeout as sleep } from 'node:timers/promises';
import {
  appendOf,
  derivedId,
  ENGINE,
  isTracing,
  Lanes,
  persist,
  Refused,
  Sleeper,
  span,
  splitStream,
  StoreUnavailable,
  type Checkpoints,
  type Clock,
  type EventMetadata,
  type Instant,
  type Job,
  type Jobs,
  type Log,
} from '#kernel';
import type { Send } from './policies.js';

/**
 * Alarms are hints. A *pass* puts what is due on the queue, as jobs of many streams each, and sets each row's next
 * attempt; the row itself leaves only when the log says that its rung was fired. So whatever the queue loses, or gives
 * up, a later pass adds again, under an id that carries the attempt.
 */
export interface WakerDeps {
  checkpoints: Checkpoints;
  clock: Clock;
  jobs: Jobs;
  log: Log;
  /** Milliseconds until what is due and was not fired is tried again; also the longest sleep. Contract: at most 30 s. */
  sweepMs?: number;
  /** Imports that run: the alarms of what they touched wait until they end. */
  openImports?(): Promise<readonly string[]>;
}

/** One alarm of a job: stream, when it was due, which attempt. */
export type Alarm = [stream: string, at: Instant, attempt: number];
export interface FireJob {
  alarms: Alarm[];
}

const SWEEP_MS = 30_000;
const PAGE = 5_000;
/** Alarms a job: few enough that a retry repeats little, many enough that the queue is not the limit. */
const CHUNK = 100;
const IN_FLIGHT = CHUNK;
/** Jobs that may wait at once. What is beyond them waits in the table, where it is not taken for lost. */
const MOST_WAITING = 100;
const LOOK_AGAIN_MS = 50;
/** Between looks while an import is open. */
const IMPORT_LOOK_MS = 500;
/** What falls due meanwhile goes with the next pass. */
const GATHER_MS = 15;
/** Clocks of nodes differ a little: an alarm that is early here waits, rather than be found not due. */
const SKEW_MS = 2_000;

interface Due {
  stream: string;
  obligation: string;
  at: Date;
  attempt: number;
}

export class Waker {
  private readonly sleeper = new Sleeper();
  /** There was more than a page of it. */
  private backlog = false;

  constructor(private readonly deps: WakerDeps) {}

  /** Looks again now: the clock has jumped. */
  wake(): void {
    this.sleeper.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { checkpoints, clock, log, sweepMs = SWEEP_MS } = this.deps;
    // The deadline projection runs where the waker runs, so an earlier instant is heard of at its commit.
    const off = checkpoints.onMoved((names) => names.includes('deadlines') && this.wake());
    const work = async (healthy: () => void) => {
      while (!signal.aborted) {
        const next = await this.pass();
        healthy();
        if (next === 'more') {
          if (!this.backlog) await sleep(GATHER_MS, undefined, { signal }).catch(() => {});
          continue;
        }
        const wait = next === undefined ? sweepMs : Math.min(sweepMs, next - Date.parse(clock.now()));
        await this.sleeper.sleep(wait, signal);
      }
    };
    await persist('waker', work, { signal, log }).finally(off);
  }

  /** Queues what is due. Answers when the next attempt is (epoch milliseconds), or that there is more already. */
  private async pass(): Promise<number | 'more' | undefined> {
    const { checkpoints, clock, jobs, sweepMs = SWEEP_MS } = this.deps;
    if (this.backlog && ((await jobs.counts?.())?.waiting ?? 0) >= MOST_WAITING) {
      return Date.parse(clock.now()) + LOOK_AGAIN_MS;
    }
    const open = (await this.deps.openImports?.()) ?? [];
    const { rows: first } = await checkpoints.db.query<{ next: Date | null }>(
      'select min(next_attempt_at) as next from due where import is null or import <> all ($1::text[])',
      [open],
    );
    const next = first[0]?.next?.getTime();
    const now = Date.parse(clock.now());
    if (next === undefined || next > now) {
      // That an import ends, or dies, wakes nobody: what waits for it is looked at again soon.
      return open.length === 0 ? next : Math.min(next ?? Infinity, now + IMPORT_LOOK_MS);
    }
    const { rows } = await checkpoints.db.query<Due>(
      `select stream, obligation, at, attempt from due
       where next_attempt_at <= $1 and (import is null or import <> all ($2::text[]))
       order by next_attempt_at, stream, obligation limit $3`,
      [new Date(now), open, PAGE],
    );
    this.backlog = rows.length === PAGE;
    await jobs.addBulk(jobsOf(rows));
    // Only after the queue has them. A row that moved meanwhile is another alarm and stays as it is.
    await checkpoints.db.query(
      `update due set attempt = due.attempt + 1, next_attempt_at = $5
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[]) as queued (stream, obligation, at, attempt)
       where (due.stream, due.obligation, due.at, due.attempt) = (queued.stream, queued.obligation, queued.at, queued.attempt)`,
      [
        rows.map(({ stream }) => stream),
        rows.map(({ obligation }) => obligation),
        rows.map(({ at }) => at),
        rows.map(({ attempt }) => attempt),
        new Date(now + sweepMs),
      ],
    );
    return 'more';
  }
}

/** One alarm a stream: firing settles all that is due in it. */
function jobsOf(rows: readonly Due[]): Job<FireJob>[] {
  const alarms = new Map<string, Alarm>();
  for (const { stream, at, attempt } of rows) {
    if (!alarms.has(stream)) alarms.set(stream, [stream, at.toISOString(), attempt]);
  }
  const all = [...alarms.values()];
  return Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, index) => {
    const chunk = all.slice(index * CHUNK, (index + 1) * CHUNK);
    return { id: `fire-${derivedId('fire', ...chunk.flat())}`, data: { alarms: chunk } };
  });
}

interface FireDeps {
  decide: Send;
  clock: Clock;
  log: Log;
  /** Of a stream's last event, which armed the alarm: for traces. */
  last(stream: string): Promise<EventMetadata | undefined>;
}

/**
 * Sends `FireRung` for every alarm of a job; the decider looks again and decides. A refusal leaves the row to a later
 * pass; an outage or a fault of one stream lets the others go on and the job be retried.
 */
export const fireRungs =
  ({ decide, clock, log, last }: FireDeps) =>
  async ({ alarms }: FireJob): Promise<void> => {
    const lanes = new Lanes(IN_FLIGHT);
    for (const [stream, at, attempt] of alarms) {
      lanes.add(stream, async () => {
        const early = Date.parse(at) - Date.parse(clock.now());
        if (early > 0 && early <= SKEW_MS) await sleep(early);
        const [aggregate, id] = splitStream(stream);
        const commandId = derivedId('fire', stream, at, attempt);
        const armed = isTracing() ? await last(stream) : undefined;
        const follows = armed && { correlationId: armed.correlationId, parent: appendOf(armed) };
        const about = {
          ...follows,
          kind: 'consumer' as const,
          attributes: { 'peygir.stream': stream, 'peygir.due_at': at, attempt },
        };
        await span('job FireRung', about, () =>
          decide({ aggregate, id, name: 'FireRung', data: {}, actor: ENGINE, commandId }),
        ).catch(async (error: unknown) => {
          if (error instanceof Refused && error.code !== 'conflict') return;
          // An outage is of all of them, and is told once by whoever sees it.
          if (!(error instanceof StoreUnavailable)) {
            const { correlationId } = armed ?? (await last(stream).catch(() => undefined)) ?? {};
            log.warn({ err: error, correlationId, stream, dueAt: at, attempt }, 'a rung could not be fired');
          }
          throw error;
        });
      });
    }
    await lanes.drained();
  };
