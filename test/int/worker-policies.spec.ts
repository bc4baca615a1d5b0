import { Refused, runSubscriber, Checkpoints, StoreUnavailable, systemClock, type Order, type Policy } from '#kernel';
import { createSql, MemoryEventStore, type Database } from '#stores';
import type { RunningWorker } from '#apps/worker/worker';
import { POLICY_REFUSALS, policySubscriber } from '#apps/worker/policies';
import { testDatabase } from '#test/kit/postgres';
import {
  communicate,
  establish,
  eventually,
  happened,
  PATIENCE_MS,
  silent,
  TestClock,
  workshop,
} from '#test/kit/worker';

let db: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
beforeAll(async () => {
  db = await testDatabase();
  database = createSql(db.pool);
});
afterAll(() => db.close());

describe('policies', () => {
  let store: MemoryEventStore;
  let worker: RunningWorker | undefined;
  const clock = new TestClock();

  beforeEach(async () => {
    await database.query('drop table if exists checkpoints, leases, policy_refusals, clocks, due, clock_calendars');
    clock.set('2026-08-25T06:00:00.000Z');
    store = new MemoryEventStore({ clock });
    worker = undefined;
  });
  afterEach(() => worker?.stop());

  const types = async () => (await store.readAll('0', 10_000)).events.map(({ type, stream }) => `${type} ${stream}`);

  it('move every clock of a calendar on which a closure was declared, waiting for the deadlines to be known', async () => {
    const shop = workshop({ store, database, clock });
    await establish(shop);
    for (let i = 1; i <= 200; i++) await communicate(shop, `r-${i}`);
    worker = await shop.start();
    await shop.say('governor', 'calendar', 'offices', 'DeclareClosure', {
      dates: ['2026-08-27'],
      reason: 'آلودگی هوا',
      decree: '12',
    });
    const moved = () => types().then((all) => all.filter((type) => type.startsWith('DeadlineMoved')));
    await eventually(async () => (await moved()).length === 200);
    expect(new Set(await moved()).size).toBe(200);
    const { rows } = await database.query('select count(*)::int as n, min(at) as at from due');
    expect(rows[0].n).toBe(200);
  });

  it('are harmless when the whole log is delivered again', async () => {
    const shop = workshop({ store, database, clock });
    await establish(shop);
    await communicate(shop, 'r-1');
    worker = await shop.start();
    await shop.say('governor', 'calendar', 'offices', 'DeclareClosure', {
      dates: ['2026-08-27'],
      reason: 'آلودگی هوا',
      decree: '12',
    });
    await eventually(async () => (await types()).includes('DeadlineMoved resolution-r-1'));
    expect(await worker.policiesReached(await store.head(), PATIENCE_MS)).toBe(true);
    await worker.stop();
    const before = await types();
    await database.query(`update checkpoints set position = '0' where name = 'policies'`);
    worker = await shop.start();
    expect(await worker.policiesReached(await store.head(), PATIENCE_MS)).toBe(true);
    expect(await types()).toEqual(before);
    expect((await database.query('select * from policy_refusals')).rows).toEqual([]);
  });
});

describe('the policy subscriber', () => {
  const stopping: AbortController[] = [];
  const runs: Promise<void>[] = [];
  afterEach(async () => {
    stopping.splice(0).forEach((controller) => controller.abort());
    await Promise.all(runs.splice(0));
  });

  /** Each `Asked` event wants `n` commands to streams named by its data. */
  const asking: Policy = {
    name: 'asking',
    on: ['Asked'],
    react: ({ data }) => data.to.map((id: string) => ({ aggregate: 'thing', id, name: 'DoThing', data: {} })),
  };

  async function run(store: MemoryEventStore, decide: (order: Order) => Promise<any>) {
    await database.query('drop table if exists checkpoints, policy_refusals');
    const checkpoints = new Checkpoints(database);
    await checkpoints.prepare();
    await database.query(POLICY_REFUSALS);
    const subscriber = policySubscriber({
      sql: database,
      policies: [asking],
      decide,
      reads: { state: () => Promise.reject(new Error('reads nothing')) },
      resolutionsOnCalendar: async () => [],
    });
    const controller = new AbortController();
    stopping.push(controller);
    runs.push(runSubscriber(subscriber, { store, checkpoints, log: silent }, controller.signal));
    return checkpoints;
  }

  it('keeps the order within a stream, runs streams side by side, and stays within its bound', async () => {
    const store = new MemoryEventStore({ clock: systemClock });
    const started: string[] = [];
    let now = 0;
    let most = 0;
    const checkpoints = await run(store, async ({ id, causationId }) => {
      started.push(`${id} ${causationId}`);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, id === 'slow' ? 20 : 1));
      now--;
    });
    const events = Array.from({ length: 5 }, () =>
      happened('Asked', { to: ['slow', ...Array.from({ length: 60 }, (_, i) => `t-${i}`)] }),
    );
    await store.append('askers-1', -1, events);
    expect(await checkpoints.waitFor(['policies'], await store.head(), PATIENCE_MS)).toBe(true);
    expect(started.filter((s) => s.startsWith('slow'))).toEqual(events.map(({ id }) => `slow ${id}`));
    expect(started).toHaveLength(5 * 61);
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(48);
  });

  it('records what is refused and goes on; tries again what could not be reached, under the same command ids', async () => {
    const store = new MemoryEventStore({ clock: systemClock });
    const sent: string[] = [];
    let outages = 2;
    const checkpoints = await run(store, async ({ id, commandId }) => {
      sent.push(`${id} ${commandId}`);
      if (id === 'no') throw new Refused('closed', 'It is closed.');
      if (id === 'down' && outages-- > 0) throw new StoreUnavailable('gone');
    });
    const asked = happened('Asked', { to: ['yes', 'no', 'down'] });
    await store.append('askers-1', -1, [asked]);
    expect(await checkpoints.waitFor(['policies'], await store.head(), PATIENCE_MS)).toBe(true);
    expect(new Set(sent).size).toBe(3);
    expect(sent.filter((s) => s.startsWith('down'))).toHaveLength(3);
    const { rows } = await database.query(
      'select policy, event_id, stream, command, code, message from policy_refusals',
    );
    expect(rows).toEqual([
      {
        policy: 'asking',
        event_id: asked.id,
        stream: 'thing-no',
        command: 'DoThing',
        code: 'closed',
        message: 'It is closed.',
      },
    ]);
  });

  it('shows why it does not get on while it does not', async () => {
    const store = new MemoryEventStore({ clock: systemClock });
    let broken = true;
    const checkpoints = await run(store, async () => {
      if (broken) throw new TypeError('a fault of ours');
    });
    await store.append('askers-1', -1, [happened('Asked', { to: ['x'] })]);
    const stuck = await eventually(async () => (await checkpoints.read(['policies'])).get('policies')?.error);
    expect(stuck).toBe('TypeError: a fault of ours');
    broken = false;
    expect(await checkpoints.waitFor(['policies'], await store.head(), PATIENCE_MS)).toBe(true);
    expect((await checkpoints.read(['policies'])).get('policies')!.error).toBeUndefined();
  });

  it('says nothing of a trouble that is over, also when nothing has happened since', async () => {
    const store = new MemoryEventStore({ clock: systemClock });
    await store.append('askers-1', -1, [happened('Asked', { to: ['x'] })]);
    const { follow } = store;
    let cut = 0;
    store.follow = async function* (...all) {
      for await (const batch of follow.apply(store, all)) {
        yield batch;
        // The connection breaks after everything was handled.
        if (cut++ === 0) throw new StoreUnavailable('cut');
      }
    };
    const checkpoints = await run(store, async () => {});
    const error = async () => (await checkpoints.read(['policies'])).get('policies')?.error;
    expect(await eventually(error)).toContain('cut');
    await eventually(async () => (await error()) === undefined);
  });
});
