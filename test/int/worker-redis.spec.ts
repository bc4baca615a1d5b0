import { Redis } from 'ioredis';
import type { Log } from '#kernel';
import { createSql, openJobs, PostgresEventStore } from '#stores';
import type { RunningWorker } from '#apps/worker/worker';
import { needs } from '#test/kit/needs';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { testRedis, type TestRedis } from '#test/kit/redis';
import { communicate, establish, eventually, TestClock, told, workshop } from '#test/kit/worker';

needs('redis-server')('alarms, on BullMQ over Redis', () => {
  let db: TestDatabase;
  let redis: TestRedis;
  let worker: RunningWorker | undefined;

  beforeEach(async () => {
    [db, redis] = await Promise.all([testDatabase(), testRedis()]);
    worker = undefined;
  });
  afterEach(async () => {
    await worker?.stop();
    await Promise.all([db.close(), redis.close()]);
  });

  async function shopWith(log: Log) {
    const clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    const store = new PostgresEventStore(db.pool);
    const jobs = await openJobs({ redis: redis.url }, log);
    const shop = workshop({ store, database: createSql(db.pool), clock, jobs });
    await establish(shop);
    for (let i = 0; i < 300; i++) await communicate(shop, `r-${i}`);
    worker = await shop.start({ sweepMs: 500, log });
    const missed = async () => {
      const { rows } = await db.pool.query(`select from log.events where type = 'DeadlineMissed'`);
      return rows.length;
    };
    const ring = () => {
      clock.set('2026-08-30T11:00:00.000Z');
      worker!.wake();
    };
    return { store, missed, ring };
  }
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const log: Log = { info: note, warn: note, error: note };

  it('all ring once, although Redis forgets everything in the middle of the burst', async () => {
    const { store, missed, ring } = await shopWith(log);
    ring();
    await eventually(async () => (await missed()) > 0);
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    await eventually(async () => (await missed()) === 300);
    for (let i = 0; i < 300; i++) {
      expect(await told(store, `r-${i}`)).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
    }
  });

  it('wait while Redis is away, follow when it is back, and nobody writes a novel about it', async () => {
    const { missed, ring } = await shopWith(log);
    await redis.kill();
    lines.length = 0;
    ring();
    await eventually(async () => lines.length >= 1);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await missed()).toBe(0);
    expect(lines.length).toBeLessThan(6);
    await redis.start();
    await eventually(async () => (await missed()) === 300, 20_000);
  });

  it('do not keep a worker from stopping, even while Redis is away', async () => {
    await shopWith(log);
    await redis.kill();
    const before = performance.now();
    await worker!.stop();
    worker = undefined;
    expect(performance.now() - before).toBeLessThan(7_000);
  });
});
