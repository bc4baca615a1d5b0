import {
  Checkpoints,
  Leases,
  prepareProjections,
  Projector,
  runSubscriber,
  SCHEMA_LOCK,
  type Clock,
  type Database,
  type EventStore,
  type Fence,
  type Follow,
  type Jobs,
  type Log,
  type Policy,
  type Position,
  type Projection,
  type Reads,
  type Subscriber,
} from '#kernel';
import { deadlines, resolutionsOnCalendar } from '#resolutions';
import { POLICY_REFUSALS, policySubscriber, reached, type Send } from './policies.js';
import { fireRungs, Waker } from './waker.js';

export interface WorkerDeps {
  store: EventStore;
  database: Database;
  /** The same for all in this process, so that reads hear of commits at once. */
  checkpoints?: Checkpoints;
  clock: Clock;
  jobs: Jobs;
  /** The one door. */
  decide: Send;
  reads: Reads;
  policies: readonly Policy[];
  projections: readonly Projection[];
  /** Others that follow the log: notices, audit. */
  subscribers?: readonly Subscriber[];
  log: Log;
  /** Id of the province's own calendar. */
  province?: string;
  openImports?(): Promise<readonly string[]>;
  /** Milliseconds; see {@link Waker}. */
  sweepMs?: number;
  /** Name under which leases are held; give one only where no second worker can be. */
  holder?: string;
}

export interface RunningWorker {
  checkpoints: Checkpoints;
  /** Looks for due alarms now: a test's clock has jumped. */
  wake(): void;
  /** Waits until the policies have handled the log up to `position`; false when `timeoutMs` passed first. */
  policiesReached(position: Position, timeoutMs: number): Promise<boolean>;
  /** Finishes the batch and the jobs in hand, then gives the leases back. */
  stop(): Promise<void>;
}

/**
 * Everything that happens by itself: read models, policies, deadlines with their waker, and the jobs that fire rungs.
 * Any number of workers may run: each of the former is done by one of them at a time, jobs by all.
 */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const { store, database, clock, jobs, decide, log, province } = deps;
  const checkpoints = deps.checkpoints ?? new Checkpoints(database);
  const clocksProjection = deadlines(province);
  // Tables first: whoever reads finds them, empty or old, from the start.
  await prepareProjections([...deps.projections, clocksProjection], { checkpoints, log });
  await database.query(`${SCHEMA_LOCK}; ${POLICY_REFUSALS}`);

  const leases = new Leases(database, log, deps.holder);
  const follow = (lease: string): Follow => {
    const fence: Fence = { lease, holder: leases.holder };
    return { store, checkpoints, log, fence };
  };
  const waker = new Waker({ checkpoints, clock, jobs, log, sweepMs: deps.sweepMs, openImports: deps.openImports });
  const readModels = new Projector('projections', deps.projections, follow('projections'));
  const clocks = new Projector('deadlines', [clocksProjection], follow('deadlines'));
  const policies = policySubscriber({
    sql: database,
    policies: deps.policies,
    decide,
    reads: deps.reads,
    resolutionsOnCalendar: async (calendar, position) => {
      await reached(checkpoints, 'deadlines', position);
      return resolutionsOnCalendar(database, calendar);
    },
  });

  leases.duty('projections', async (signal) => {
    await clocksFirst(store, checkpoints, signal).catch(() => {}); // out of reach: whoever runs finds out for himself
    await readModels.run(signal);
  });
  leases.duty('deadlines', async (signal) => {
    await Promise.all([clocks.run(signal), waker.run(signal)]);
  });
  for (const subscriber of [policies, ...(deps.subscribers ?? [])]) {
    leases.duty(subscriber.name, (signal) => runSubscriber(subscriber, follow(subscriber.name), signal));
  }
  const stopping = new AbortController();
  const running = leases.run(stopping.signal);
  const last = async (stream: string) => (await store.readStream(stream)).at(-1)?.metadata;
  jobs.process(fireRungs({ decide, clock, log, last }));

  return {
    checkpoints,
    wake: () => waker.wake(),
    policiesReached: (position, timeoutMs) => checkpoints.waitFor([policies.name], position, timeoutMs),
    async stop() {
      stopping.abort();
      await running;
      await jobs.close();
    },
  };
}

const LOOK_MS = 1_000;

/**
 * After a restore or an upgrade everything may have to be folded anew. Who reads can wait, a deadline cannot: read models
 * begin when the clocks have come as far as the log goes now, or do not get on either.
 */
async function clocksFirst(store: EventStore, checkpoints: Checkpoints, signal: AbortSignal): Promise<void> {
  const head = await store.head();
  for (let before = ''; !signal.aborted && !(await checkpoints.waitFor(['deadlines'], head, LOOK_MS));) {
    const at = (await checkpoints.read(['deadlines'])).get('deadlines');
    if (!at || at.error || at.position === before) return;
    before = at.position;
  }
}
