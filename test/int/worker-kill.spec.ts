import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { createSql, PostgresEventStore } from '#stores';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, TestClock, told, workshop } from '#test/kit/worker';

describe('a worker that is killed', () => {
  let db: TestDatabase;
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    db = await testDatabase();
  });
  afterEach(async () => {
    await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
  });
  afterAll(() => db.close());

  async function start(now: string): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      ['--import', './test/kit/ts.mjs', 'test/kit/worker-child.ts', JSON.stringify({ connection: db.connection, now })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.add(child);
    const lines = createInterface(child.stdout!);
    await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the worker ended with ${code}`))),
    ]);
    return child;
  }

  async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM') {
    children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  it('between the miss and the escalation: each is recorded once, whoever comes after', async () => {
    const clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    const store = new PostgresEventStore(db.pool);
    const shop = workshop({ store, database: createSql(db.pool), clock });
    await establish(shop);
    await communicate(shop, 'r-1');
    const has = (what: string) => eventually(async () => (await told(store, 'r-1')).includes(what));

    const first = await start('2026-08-30T10:59:59.000Z');
    await has('DeadlineMissed due');
    await end(first, 'SIGKILL');

    // Two at once: one holds the leases when those of the dead have run out, both run jobs.
    const [second, third] = await Promise.all([start('2026-09-01T03:59:59.000Z'), start('2026-09-01T03:59:59.000Z')]);
    await has('ObligationEscalated deputy');
    await Promise.all([end(second, 'SIGKILL'), end(third, 'SIGKILL')]);

    const last = await start('2026-09-04T04:00:00.000Z');
    await has('ObligationEscalated governor');
    await end(last, 'SIGTERM');
    expect(last.exitCode).toBe(0);

    expect(await told(store, 'r-1')).toEqual([
      'AgencyReminded remind',
      'DeadlineMissed due',
      'ObligationEscalated deputy',
      'ObligationEscalated governor',
    ]);
  });

  it('while a closure moves four hundred deadlines: each is moved once, by whoever goes on', async () => {
    const clock = new TestClock();
    clock.set('2026-08-25T06:00:00.000Z');
    const store = new PostgresEventStore(db.pool);
    const shop = workshop({ store, database: createSql(db.pool), clock });
    await establish(shop);
    const ids = Array.from({ length: 400 }, (_, n) => `closed-${n}`);
    await Promise.all(ids.map((id) => communicate(shop, id)));
    const moved = async () =>
      (await db.pool.query(`select stream from log.events where type = 'DeadlineMoved' and stream like '%-closed-%'`))
        .rows;

    clock.set('2026-08-26T06:00:00.000Z');
    const closure = { dates: ['2026-08-30'], reason: 'آلودگی هوا', decree: 'م/۱' };
    await shop.say('governor', 'calendar', 'offices', 'DeclareClosure', closure);
    // One of them cannot be moved before the worker is dead: it is killed in the middle, however fast it is.
    const gate = new pg.Client(db.connection);
    await gate.connect();
    await gate.query(`
      create function wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
      create trigger gate before insert on log.events for each row
        when (new.stream = 'resolution-closed-399') execute function wait();
      select pg_advisory_lock(1)`);
    const first = await start('2026-08-26T06:00:01.000Z');
    await eventually(async () => (await moved()).length > 0);
    await end(first, 'SIGKILL');
    await gate.query(`
      select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory' and not granted;
      select pg_advisory_unlock_all();
      drop trigger gate on log.events`);
    await gate.end();
    expect((await moved()).length).toBeLessThan(ids.length);

    // Commands go on meanwhile, and settle for themselves what the policy has not done yet.
    await shop.say('deputy', 'resolution', 'closed-399', 'GrantExtension', {
      obligation: 'o1',
      workingDays: 2,
      reason: 'x',
    });
    const second = await start('2026-08-26T06:00:02.000Z');
    await eventually(async () => (await moved()).length === ids.length);
    await end(second, 'SIGTERM');
    const streams = (await moved()).map(({ stream }) => stream as string);
    expect(new Set(streams).size).toBe(ids.length);
    const types = (await store.readStream('resolution-closed-399')).map(({ type }) => type);
    expect(types.slice(2)).toEqual(['DeadlineMoved', 'ExtensionGranted']);
  });
});
