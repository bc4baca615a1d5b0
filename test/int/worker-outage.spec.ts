import pg from 'pg';
import type { Log } from '#kernel';
import { createSql, openJobs, PostgresEventStore } from '#stores';
import { allProjections } from '#apps/read-models';
import type { RunningWorker } from '#apps/worker/worker';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, PATIENCE_MS, TestClock, told, workshop } from '#test/kit/worker';

describe('a worker whose database throws it out again and again', () => {
  let db: TestDatabase;
  let worker: RunningWorker;
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { info: note, warn: note, error: note };

  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(async () => {
    await worker?.stop();
    await db.close();
  });

  /** Ends every connection to the test's database, twenty times a second, for so long. */
  async function trouble(milliseconds: number): Promise<void> {
    const admin = new pg.Client({ ...db.connection, database: 'postgres' });
    await admin.connect();
    try {
      for (const until = performance.now() + milliseconds; performance.now() < until;) {
        await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
          db.connection.database,
        ]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      await admin.end();
    }
  }

  it('gets on by itself, misses nothing, does nothing twice, and says it in few lines', async () => {
    const clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    const database = createSql(db.pool);
    const store = new PostgresEventStore(db.pool);
    const jobs = await openJobs({ postgres: db.connection }, log);
    const shop = workshop({ store, database, clock, jobs });
    await establish(shop);
    for (let i = 0; i < 50; i++) await communicate(shop, `r-${i}`);
    worker = await shop.start({ projections: allProjections, sweepMs: 500, log });
    await worker.checkpoints.waitFor(['deadlines'], await store.head(), PATIENCE_MS);

    clock.set('2026-08-30T11:00:00.000Z');
    worker.wake();
    await trouble(2_000);
    for (let i = 0; i < 50; i++) {
      await eventually(async () => (await told(store, `r-${i}`)).length === 2);
      expect(await told(store, `r-${i}`)).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
    }
    const names = ['deadlines', 'policies', ...allProjections.map(({ name }) => name)];
    expect(await worker.checkpoints.waitFor(names, await store.head(), PATIENCE_MS)).toBe(true);
    const { rows } = await database.query('select what from due');
    expect(rows).toEqual(Array.from({ length: 50 }, () => ({ what: 'rung deputy' })));
    expect([...(await worker.checkpoints.read()).values()].filter(({ error }) => error)).toEqual([]);
    if (lines.length > 40) throw new Error(`${lines.length} lines:\n${lines.join('\n')}`);
  });
});
