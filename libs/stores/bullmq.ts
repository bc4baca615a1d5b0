import { createPostgresBackend, Queue, runMigrations, Worker, type BackendFactory } from 'bullmq';
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { StoreUnavailable, Trouble, type Job, type JobCounts, type Jobs, type Log } from '#kernel';
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
/** A job takes a fraction of a second; what a dead worker held comes to another after this and half of it. */
const LOCK_MS = 10_000;
/** How long a stop waits for the jobs in hand. */
const CLOSE_MS = 6_000;
const LONGEST_RETRY_MS = 2_000;
/** How long a connection that is given up may take to go. */
const DISCONNECT_MS = 100;
/** Until a worker that could not fetch a job asks again; BullMQ's own 15 seconds would be 15 seconds of lateness. */
const FETCH_RETRY_MS = 500;
/** Seconds between looks at an idle queue; new jobs are announced, so this only makes a lost announcement good. */
const IDLE_LOOK_SECONDS = 5;

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
  // Connections break when the server goes; the next query says so.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const client = await pool.connect();
  try {
    await runMigrations(client);
  } finally {
    client.release();
  }
  const jobs = new BullJobs({ producer: pool, worker: pool, close: () => pool.end() }, createPostgresBackend, log);
  await jobs.ready();
  return jobs;
}

interface Connections {
  producer: any;
  worker: any;
  close(): Promise<void>;
}

/** Connections of our own, and those that BullMQ makes of them: what we opened we can also give up. */
function redisHome(url: string): Connections {
  const all: Redis[] = [];
  const patience = {
    retryStrategy: (times: number) => Math.min(100 * 2 ** times, LONGEST_RETRY_MS),
    disconnectTimeout: DISCONNECT_MS,
  };
  const own = (client: Redis): Redis => {
    all.push(client);
    // BullMQ tells of errors, but takes its ears away before the last one.
    client.on('error', () => {});
    const duplicate = client.duplicate.bind(client);
    return Object.assign(client, { duplicate: (...asked: Parameters<typeof duplicate>) => own(duplicate(...asked)) });
  };
  return {
    // A producer that waits for ever would hide the outage from the waker, which knows how to wait better.
    producer: own(new Redis(url, { ...patience, enableOfflineQueue: false, maxRetriesPerRequest: 1 })),
    worker: own(new Redis(url, { ...patience, maxRetriesPerRequest: null })),
    close: async () => all.forEach((client) => client.disconnect()),
  };
}

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
    await this.queue
      .addBulk(jobs.map(({ id, data }) => ({ name: 'job', data, opts: { jobId: id } })))
      .catch((error: Error) => Promise.reject(unreachable(error)));
    this.outage.over('the queue works again');
  }

  async counts(): Promise<JobCounts> {
    const {
      waiting = 0,
      active = 0,
      delayed = 0,
      failed = 0,
    } = await this.queue
      .getJobCounts('waiting', 'active', 'delayed', 'failed')
      .catch((error: Error) => Promise.reject(unreachable(error)));
    return { waiting, active, delayed, failed };
  }

  /** Of the PostgreSQL backend: it never forgets that its first connection failed, so it must not fail unnoticed. */
  async ready(): Promise<void> {
    await this.queue.waitUntilReady();
  }

  process(handler: (data: any) => Promise<void>): void {
    void this.consume(handler);
  }

  private async consume(handler: (data: any) => Promise<void>): Promise<void> {
    while (!this.closing) {
      this.worker = this.newWorker(handler);
      try {
        await this.worker.waitUntilReady();
        return;
      } catch (error) {
        this.troubled(error as Error);
        await this.worker.close(true).catch(() => {});
        await sleep(FETCH_RETRY_MS);
      }
    }
  }

  private newWorker(handler: (data: any) => Promise<void>): Worker {
    const worker = new Worker(
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
        // A worker that died leaves its jobs behind for this long.
        lockDuration: LOCK_MS,
        stalledInterval: LOCK_MS / 2,
        runRetryDelay: FETCH_RETRY_MS,
      },
      this.backend!,
    );
    worker.on('error', this.troubled);
    worker.on('failed', (_, error) => this.failing.begins(error, 'jobs fail; they are tried again'));
    return worker;
  }

  async close(): Promise<void> {
    this.closing = true;
    // Without a queue no job in hand can be ended in order. Never longer than this: what is not done is found due later.
    await Promise.race([
      Promise.allSettled([this.worker?.close(this.outage.lasts), this.queue.close()]),
      sleep(CLOSE_MS, undefined, { ref: false }),
    ]);
    await this.connections.close();
  }

  private readonly troubled = (error: Error): void => {
    if (!this.closing) this.outage.begins(unreachable(error), 'alarms wait for the queue');
  };
}

const unreachable = (error: Error): StoreUnavailable =>
  new StoreUnavailable(`The queue cannot be reached: ${error.message || (error as { code?: string }).code}`, {
    cause: error,
  });
