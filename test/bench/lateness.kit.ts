/** How late alarms are by other means than ours: what none can beat by much, and what a queue does by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Connection } from '#stores';

/** So many alarms, evenly over so many milliseconds, the first after `leadMs`. */
export interface Alarms {
  count: number;
  spreadMs: number;
  leadMs: number;
}

const MOST_PATIENCE_MS = 30_000;

/** A table of due times and one who sleeps until the next: each is noted as it goes, nothing is decided or appended. */
export async function tableLateness(connection: Connection, { count, spreadMs, leadMs }: Alarms): Promise<number[]> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('create temp table alarms (at timestamptz, n integer); create index on alarms (at)');
  await client.query(
    `insert into alarms select clock_timestamp() + ($2 + n * $3::float / $1) * interval '1 millisecond', n
     from generate_series(1, $1::int) n`,
    [count, leadMs, spreadMs],
  );
  const ms: number[] = [];
  while (ms.length < count) {
    const { rows: rung } = await client.query<{ at: Date }>(
      'delete from alarms where at <= clock_timestamp() returning at',
    );
    ms.push(...rung.map(({ at }) => Date.now() - at.getTime()));
    const { rows } = await client.query<{ at: Date | null }>('select min(at) as at from alarms');
    if (rows[0]!.at) await sleep(Math.max(0, rows[0]!.at.getTime() - Date.now()));
  }
  await client.end();
  return ms;
}

/** BullMQ's delayed jobs, whose work is to note the time. What has not come within half a minute is not waited for. */
export async function delayedLateness(
  home: { redis: string } | { postgres: Connection },
  { count, spreadMs, leadMs }: Alarms,
): Promise<number[]> {
  const closing: (() => Promise<unknown>)[] = [];
  const backend = 'postgres' in home ? createPostgresBackend : undefined;
  const connected = (): any => {
    if ('redis' in home) {
      const client = new Redis(home.redis, { maxRetriesPerRequest: null });
      closing.push(async () => client.disconnect());
      return client;
    }
    const pool = new pg.Pool({ ...home.postgres, max: 4, options: '-c search_path=bullmq' });
    closing.push(() => pool.end());
    return pool;
  };
  if ('postgres' in home) {
    const owner = new pg.Client(home.postgres);
    await owner.connect();
    await runMigrations(owner as unknown as pg.PoolClient);
    await owner.end();
  }
  const ms: number[] = [];
  const queue = new Queue('delayed', { connection: connected() }, backend!);
  const note = async ({ data }: { data: { at: number } }) => void ms.push(Date.now() - data.at);
  const worker = new Worker('delayed', note, { connection: connected(), concurrency: 50 }, backend!);
  closing.unshift(
    () => worker.close(),
    () => queue.close(),
  );
  await worker.waitUntilReady();
  const first = Date.now() + leadMs;
  const jobs = Array.from({ length: count }, (_, n) => first + (n * spreadMs) / count);
  await queue.addBulk(
    jobs.map((at) => ({ name: 'note', data: { at }, opts: { delay: Math.max(0, at - Date.now()) } })),
  );
  const patience = first + spreadMs + MOST_PATIENCE_MS;
  while (ms.length < count && Date.now() < patience) await sleep(100);
  for (const close of closing) await close();
  return ms;
}
