import { Checkpoints, Lanes, Leases, Overtaken, systemClock } from '#kernel';
import { createSql, PostgresEventStore, type Database } from '#stores';
import { allProjections } from '#apps/read-models';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, PATIENCE_MS, silent, workshop } from '#test/kit/worker';

describe('leases', () => {
  let db: TestDatabase;
  let database: Database;
  let checkpoints: Checkpoints;
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    checkpoints = new Checkpoints(database);
    await checkpoints.prepare();
  });
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()));
    await database.query('delete from leases');
  });
  afterAll(() => db.close());

  /** A node that does `duty` while it may, and writes down who is at it. */
  function node(holder: string, at: Set<string>) {
    const leases = new Leases(database, silent, holder, 600, 50);
    leases.duty('duty', async (signal) => {
      at.add(holder);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      at.delete(holder);
    });
    const stopping = new AbortController();
    const running = leases.run(stopping.signal);
    const stop = () => (stopping.abort(), running);
    stops.push(stop);
    return stop;
  }

  it('are held by one at a time, and pass on at once when it stops in order', async () => {
    const at = new Set<string>();
    const stops = { a: node('a', at), b: node('b', at) };
    const [first] = await eventually(async () => at.size > 0 && [...at]);
    await new Promise((resolve) => setTimeout(resolve, 700)); // longer than a lease lasts: it is renewed
    expect([...at]).toEqual([first]);
    const before = performance.now();
    await stops[first as 'a' | 'b']();
    expect([...(await eventually(async () => at.size > 0 && at))]).toEqual([first === 'a' ? 'b' : 'a']);
    expect(performance.now() - before).toBeLessThan(400);
  });

  it('pass on when the holder is silent, and not before', async () => {
    await database.query(`insert into leases values ('duty', 'dead', clock_timestamp() + interval '400 milliseconds')`);
    const at = new Set<string>();
    const before = performance.now();
    node('heir', at);
    await eventually(async () => at.has('heir'));
    expect(performance.now() - before).toBeGreaterThan(350);
  });

  it('fence: who slept past its expiry moves no checkpoint, even when nobody else has', async () => {
    await database.query(`insert into checkpoints (name, version, position) values ('x', 1, '0')`);
    const from = [{ name: 'x', version: 1, position: '0' }];
    const to = { events: [], position: '7' };
    const fence = { lease: 'duty', holder: 'sleeper' };
    await database.query(`insert into leases values ('duty', 'sleeper', clock_timestamp())`);
    await expect(checkpoints.advance(database, from, to, fence)).rejects.toThrow(Overtaken);
    await database.query(`update leases set expires_at = clock_timestamp() + interval '1 minute'`);
    await checkpoints.advance(database, from, to, fence);
    expect((await checkpoints.read(['x'])).get('x')!.position).toBe('7');
  });
});

describe('a worker whose leases another holds', () => {
  it('writes nothing, although it does not know yet; given back, it goes on', async () => {
    const db = await testDatabase();
    const database = createSql(db.pool);
    const store = new PostgresEventStore(db.pool);
    const shop = workshop({ store, database, clock: systemClock });
    await establish(shop);
    const subscriber = { name: 'other', handle: async () => {} };
    const worker = await shop.start({ projections: allProjections, subscribers: [subscriber] });
    try {
      const names = ['deadlines', 'cases', 'other'];
      const standing = async () => {
        const all = await worker.checkpoints.read(names);
        return names.map((name) => all.get(name)?.position);
      };
      expect(await worker.checkpoints.waitFor([...names, 'policies'], await store.head(), PATIENCE_MS)).toBe(true);
      await database.query(`update leases set holder = 'thief', expires_at = clock_timestamp() + interval '1 hour'
        where name in ('projections', 'deadlines', 'other')`);
      const before = await standing();
      await communicate(shop, 'r-1');
      const head = await store.head();
      // What it may do it has done, so what it may not do it has tried.
      expect(await worker.policiesReached(head, PATIENCE_MS)).toBe(true);
      expect(await standing()).toEqual(before);
      await database.query(`delete from leases where holder = 'thief'`);
      expect(await worker.checkpoints.waitFor(names, head, PATIENCE_MS)).toBe(true);
    } finally {
      await worker.stop();
      await db.close();
    }
  });
});

describe('lanes', () => {
  it('stop only the lane that failed, and say so in the end', async () => {
    const lanes = new Lanes(2);
    const done: string[] = [];
    const fault = new Error('fault');
    lanes.add('a', () => Promise.reject(fault));
    lanes.add('a', async () => done.push('a2'));
    lanes.add('b', async () => done.push('b1'));
    lanes.add('b', async () => done.push('b2'));
    await expect(lanes.drained()).rejects.toBe(fault);
    expect(done).toEqual(['b1', 'b2']);
  });
});
