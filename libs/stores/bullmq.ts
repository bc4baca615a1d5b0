import { createPostgresBackend, Queue, runMigrations, Worker, type BackendFactory } from 'bullmq';
import pg from 'pg';
import { Trouble, type Job, type Jobs, type Log } from '#kernel';
import type { DatabaseAddress } from './postgres/pool.js';

/** Where the queue lives: PostgreSQL (the embedded default; the owner's login, who makes the schema) or Redis, by URL. */
export type QueueHome = { postgres: DatabaseAddress } | { redis: string };

const QUEUE = 'peygir';
/** Jobs a worker runs side by side; each carries many streams, so few keep two cores busy. */
const CONCURRENCY = 2;
/** One connection listens, the others serve the jobs in hand and the producer. */
const CONNECTIONS = 2 + CONCURRENCY;
/** Tries of one job. What fails them all is added anew by a later pass, under another id. */
const ATTEMPTS = 3;
const BACK_OFF_MS = 500;
const DAY_SECONDS = 86_400;
/** Seconds between looks at an idle queue; new jobs are announced, so this only makes a lost announcement good. */
const IDLE_LOOK_SECONDS = 10;

const defaultJobOptions = {
  attempts: ATTEMPTS,
  backoff: { type: 'exponential', delay: BACK_OFF_MS },
  // Kept for whoever looks, within bounds. Ids carry the attempt, so nothing depends on their being kept.
  removeOnComplete: { count: 1_000, age: DAY_SECONDS },
  removeOnFail: { count: 1_000, age: 7 * DAY_SECONDS },
};

/** One queue for everything. Opened lazily, so that a queue that is away delays alarms and nothing else. */
export async function openJobs(home: QueueHome, log: Log): Promise<Jobs> {
  if ('redis' in home) return new BullJobs(redisHome(home.redis), undefined, log);
  const pool = new pg.Pool({
    ...(typeof home.postgres === 'string' ? { connectionString: home.postgres } : home.postgres),
    max: CONNECTIONS,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    options: '-c search_path=bullmq',
    application_name: `peygir ${process.pid} jobs`,
  });
  pool.on('error', () => {}); // the next query says it
  const client = await pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
  return new BullJobs({ producer: pool, worker: pool, close: () => pool.end() }, createPostgresBackend, log);
}

interface Connections {
  producer: any;
  worker: any;
  close(): Promise<void>;
}

const redisHome = (url: string): Connections => ({
  // A producer that waits for ever would hide the outage from the waker, which knows how to wait better.
  producer: { url, enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy },
  worker: { url, maxRetriesPerRequest: null, retryStrategy },
  close: async () => {},
});
const retryStrategy = (times: number): number => Math.min(100 * 2 ** times, 2_000);

class BullJobs implements Jobs {
  private readonly queue: Queue;
  private worker: Worker | undefined;
  /** Drivers repeat themselves many times a second while they reconnect. */
  private readonly outage: Trouble;
  private readonly failing: Trouble;
  private closing = false;

  constructor(
    private readonly connections: Connections,
    private readonly backend: BackendFactory<any, any> | undefined,
    log: Log,
  ) {
    this.outage = new Trouble(log, { queue: QUEUE });
    this.failing = new Trouble(log, { queue: QUEUE });
    this.queue = new Queue(QUEUE, { connection: connections.producer, defaultJobOptions }, backend!);
    this.queue.on('error', this.troubled);
  }

  async addBulk(jobs: readonly Job[]): Promise<void> {
    await this.queue.addBulk(jobs.map(({ id, data }) => ({ name: 'job', data, opts: { jobId: id } })));
    this.outage.over('the queue works again');
  }

  process(handler: (data: any) => Promise<void>): void {
    this.worker = new Worker(
      QUEUE,
      async (job) => {
        this.outage.over('the queue works again');
        await handler(job.data);
        this.failing.over('jobs succeed again');
      },
      {
        connection: this.connections.worker,
        concurrency: CONCURRENCY,
        drainDelay: IDLE_LOOK_SECONDS,
        // A worker that died leaves its jobs behind for this long; the waker's sweep is as fast.
        lockDuration: 30_000,
      },
      this.backend!,
    );
    this.worker.on('error', this.troubled);
    this.worker.on('failed', (_, error) => this.failing.begins(error, 'jobs fail; they are tried again'));
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.worker?.close();
    await this.queue.close();
    await this.connections.close();
  }

  private readonly troubled = (error: Error): void => {
    if (!this.closing) this.outage.begins(error, 'the queue cannot be reached; alarms wait');
  };
}
