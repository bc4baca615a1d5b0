import { Redis } from 'ioredis';
import type { Jobs, Log } from '#kernel';
import { createSql, openJobs, PostgresEventStore } from '#stores';
import type { RunningWorker } from '#apps/worker/worker';
import { needs } from '#test/kit/needs';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { testRedis, type TestRedis } from '#test/kit/redis';
import { communicate, establish, eventually, PATIENCE_MS, TestClock, told, workshop } from '#test/kit/worker';

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

  async function shopWith(log: Log, count = 300, wrapped = (jobs: Jobs) => jobs) {
    const clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    const store = new PostgresEventStore(db.pool);
    const jobs = wrapped(await openJobs({ redis: redis.url }, log));
    const shop = workshop({ store, database: createSql(db.pool), clock, jobs });
    await establish(shop);
    await Promise.all(Array.from({ length: count }, (_, i) => communicate(shop, `r-${i}`)));
    const running = await shop.start({ sweepMs: 500, log });
    worker = running;
    const missed = async () => {
      const { rows } = await db.pool.query(`select from log.events where type = 'DeadlineMissed'`);
      return rows.length;
    };
    const ring = () => {
      clock.set('2026-08-30T11:00:00.000Z');
      running.wake();
    };
    return { store, missed, ring, shop, running };
  }
  async function flush() {
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
  }
  const lines: string[] = [];
  const note = (_: object, message: string) => void lines.push(message);
  const log: Log = { info: note, warn: note, error: note };

  it('all ring once, although Redis forgets everything in the middle of the burst', async () => {
    const { store, missed, ring } = await shopWith(log);
    ring();
    await eventually(async () => (await missed()) > 0);
    await flush();
    await eventually(async () => (await missed()) === 300);
    for (let i = 0; i < 300; i++) {
      expect(await told(store, `r-${i}`)).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
    }
  });

  it('ring although Redis forgets the only one that is due, before anybody took it', async () => {
    let begin = () => {};
    const { store, missed, ring } = await shopWith(log, 1, (jobs) => ({
      process: (handler) => void (begin = () => jobs.process(handler)),
      close: () => jobs.close(),
      async addBulk(added) {
        await jobs.addBulk(added);
        begin = (await flush(), begin(), () => {});
      },
    }));
    ring();
    await eventually(async () => (await missed()) === 1);
    expect(await told(store, 'r-0')).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
  });

  it('wait while Redis is away, and nothing else does; they follow when it is back; each trouble is one line', async () => {
    let tries = 0;
    const { missed, ring, shop, store, running } = await shopWith(log, 300, (jobs) => ({
      process: (handler) => jobs.process(handler),
      close: () => jobs.close(),
      addBulk: (added) => (tries++, jobs.addBulk(added)),
    }));
    lines.length = 0;
    await redis.kill();
    ring();
    // By then the drivers have tried to reconnect many times.
    await eventually(async () => tries >= 5);
    await communicate(shop, 'meanwhile');
    expect(await running.policiesReached(await store.head(), PATIENCE_MS)).toBe(true);
    expect(await running.checkpoints.waitFor(['deadlines'], await store.head(), PATIENCE_MS)).toBe(true);
    expect(await missed()).toBe(0);
    expect(lines.toSorted()).toEqual(['alarms wait for the queue', 'cannot get on; trying again']);
    await redis.start();
    await eventually(async () => (await missed()) === 300);
    await eventually(async () => lines.length === 4);
    expect(lines.slice(2).toSorted()).toEqual(['getting on again', 'the queue works again']);
  });

  it('do not keep a worker from stopping, even while Redis is away', async () => {
    await shopWith(log, 1);
    await redis.kill();
    await worker!.stop(); // or the test runs out of its time
    worker = undefined;
  });
});
