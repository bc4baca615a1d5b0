import pg from 'pg';
import { StoreUnavailable, type Jobs, type Order, type Projection } from '#kernel';
import { createSql, openJobs, PostgresEventStore, type Database } from '#stores';
import type { RunningWorker } from '#apps/worker/worker';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, silent, TestClock, told, workshop } from '#test/kit/worker';

/** A sweep that never comes in a test, so that what rings was not found by it. */
const NEVER_MS = 3_600_000;

describe('alarms, on BullMQ over PostgreSQL', () => {
  let db: TestDatabase;
  let database: Database;
  let store: PostgresEventStore;
  let worker: RunningWorker | undefined;
  let clock: TestClock;

  beforeEach(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    store = new PostgresEventStore(db.pool);
    worker = undefined;
  });
  afterEach(async () => {
    await worker?.stop();
    await db.close();
  });

  const open = () => openJobs({ postgres: db.connection }, silent);
  const failedJobs = async () => {
    const owner = new pg.Client(db.connection);
    await owner.connect();
    try {
      return (await owner.query(`select from bullmq.job where state = 'failed'`)).rowCount;
    } finally {
      await owner.end();
    }
  };
  /** The first three of `standard`: remind, due, deputy. */
  const FIRST = ['AgencyReminded remind', 'DeadlineMissed due', 'ObligationEscalated deputy'];

  it('ring when their instant comes, each once, until the last', async () => {
    const shop = workshop({ store, database, clock, jobs: await open() });
    await establish(shop);
    worker = await shop.start({ sweepMs: NEVER_MS });
    await communicate(shop, 'r-1');
    // Due on the 30th at 11:00 UTC; the reminder at the opening of the 27th. Nothing rings a moment too early.
    for (const [at, n] of [
      ['2026-08-27T04:00:00.000Z', 1],
      ['2026-08-30T11:00:00.000Z', 2],
      ['2026-09-01T04:00:00.000Z', 3],
    ] as const) {
      clock.set(new Date(Date.parse(at) - 300).toISOString());
      worker.wake();
      await eventually(async () => (await told(store, 'r-1')).length === n);
      const [last] = (await store.readStream('resolution-r-1')).slice(-1);
      expect(last!.data.firedAt >= at).toBe(true);
    }
    expect(await told(store, 'r-1')).toEqual(FIRST);
  });

  it('ring in time although the waker slept towards a later one', async () => {
    const shop = workshop({ store, database, clock, jobs: await open() });
    await establish(shop);
    await communicate(shop, 'far');
    worker = await shop.start({ sweepMs: NEVER_MS });
    await eventually(async () => (await database.query('select from due')).rowCount === 1);
    await communicate(shop, 'near', { duration: 'PT1S' });
    await eventually(async () => (await told(store, 'near')).length === 1);
  });

  it('are added again by the sweep when the queue has lost them', async () => {
    const jobs = await open();
    let lost = 0;
    const leaky: Jobs = {
      process: (handler) => jobs.process(handler),
      close: () => jobs.close(),
      async addBulk(added) {
        if (lost++ > 0) return jobs.addBulk(added);
      },
    };
    const shop = workshop({ store, database, clock, jobs: leaky });
    await establish(shop);
    worker = await shop.start({ sweepMs: 200 });
    await communicate(shop, 'r-1');
    clock.set('2026-08-30T11:00:00.000Z');
    worker.wake();
    await eventually(async () => (await told(store, 'r-1')).length === 2);
    expect(lost).toBeGreaterThan(1);
    expect(await told(store, 'r-1')).toEqual(FIRST.slice(0, 2));
  });

  it('are tried again by a later pass when a job has exhausted its retries', async () => {
    let down = true;
    const shop = workshop({ store, database, clock, jobs: await open() });
    const sent: string[] = [];
    const decide = async (order: Order): Promise<any> => {
      if (order.name === 'FireRung') sent.push(order.commandId);
      if (order.name === 'FireRung' && down) throw new StoreUnavailable('the log is away');
      return shop.decide(order);
    };
    await establish(shop);
    worker = await shop.start({ sweepMs: 3_000, decide });
    await communicate(shop, 'r-1');
    clock.set('2026-08-30T11:00:00.000Z');
    worker.wake();
    await eventually(failedJobs);
    expect(await told(store, 'r-1')).toEqual([]);
    down = false;
    await eventually(async () => (await told(store, 'r-1')).length === 2);
    expect(new Set(sent).size).toBeGreaterThan(1); // another pass, another job, another command
  });

  it('wait in the table, not on the queue, while that is full of them', async () => {
    const real = await open();
    const added: number[] = [];
    let waiting = 1_000;
    let asked = 0;
    const jobs: Jobs = {
      process: (handler) => real.process(handler),
      close: () => real.close(),
      addBulk: async (jobsOfPage) => void added.push(jobsOfPage.length),
      counts: async () => (asked++, { waiting, active: 0, delayed: 0, failed: 0 }),
    };
    const shop = workshop({ store, database, clock, jobs });
    await establish(shop);
    worker = await shop.start();
    const owner = new pg.Client(db.connection);
    await owner.connect();
    await owner.query(`insert into due (stream, obligation, at, what, next_attempt_at)
      select 'resolution-' || n, 'o1', '2026-08-25', 'due', '2026-08-25' from generate_series(1, 12000) n`);
    await owner.end();
    worker.wake();
    const tried = async () => (await database.query('select from due where attempt > 0')).rowCount;
    await eventually(async () => (await tried()) === 5_000);
    await eventually(async () => asked > 2);
    expect(added).toEqual([50]);
    waiting = 3;
    await eventually(async () => (await tried()) === 12_000);
    expect(added).toEqual([50, 50, 20]);
  });

  it('are armed before any read model is made, when all are made anew', async () => {
    const shop = workshop({ store, database, clock, jobs: await open() });
    await establish(shop);
    await Promise.all(Array.from({ length: 300 }, (_, n) => communicate(shop, `r-${n}`)));
    const head = await store.head();
    const armed: string[] = [];
    const probe: Projection = {
      name: 'probe',
      version: 1,
      schema: '',
      tables: [],
      on: '*',
      async apply(_, sql) {
        const { rows } = await sql.query<{ position: string }>(
          `select position from checkpoints where name = 'deadlines'`,
        );
        armed.push(rows[0]!.position);
      },
    };
    worker = await shop.start({ projections: [probe] });
    await eventually(async () => armed.length > 0);
    expect(BigInt(armed[0]!)).toBeGreaterThanOrEqual(BigInt(head));
  });

  it('wait while an import that touched their stream is open', async () => {
    let running = ['import-1'];
    const shop = workshop({ store, database, clock, jobs: await open() });
    await establish(shop);
    worker = await shop.start({ openImports: async () => running });
    await communicate(shop, 'live');
    await communicate(shop, 'imported', { workingDays: 5 }, 'import-1');
    clock.set('2026-08-30T11:00:00.000Z');
    worker.wake();
    await eventually(async () => (await told(store, 'live')).length === 2);
    expect(await told(store, 'imported')).toEqual([]);
    running = []; // and nobody is told
    await eventually(async () => (await told(store, 'imported')).length === 2);
  });
});
