import { Checkpoints, Projector, prepareProjections, systemClock, type Projection } from '#kernel';
import { createSql, MemoryEventStore, type Database } from '#stores';
import { testDatabase } from '#test/kit/postgres';
import { eventually, happened, PATIENCE_MS, silent } from '#test/kit/worker';

/** Counts events by type. `fault` is thrown after the rows are written, so that only a rollback can save the count. */
function counter(name: string, { version = 1, mended = false } = {}) {
  const faults: Error[] = [];
  let batches = 0;
  const projection: Projection = {
    name,
    version,
    schema: `create table if not exists ${name} (stream text primary key, n integer not null, version integer not null)`,
    tables: [name],
    on: ['Counted'],
    async apply(events, sql) {
      batches++;
      for (const { stream, data } of events) {
        if (data.poison === name && !mended) throw new Error(`${name} cannot digest this`);
        await sql.query(`insert into ${name} values ($1, 1, $2) on conflict (stream) do update set n = ${name}.n + 1`, [
          stream,
          version,
        ]);
      }
      const fault = faults.shift();
      if (fault) throw fault;
    },
  };
  return { projection, faults, batches: () => batches };
}

describe('read models', () => {
  let db: Awaited<ReturnType<typeof testDatabase>>;
  let database: Database;
  let store: MemoryEventStore;
  let checkpoints: Checkpoints;
  let stops: (() => Promise<void>)[];
  let revision: number;

  beforeAll(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await database.query('drop table if exists a, b, checkpoints');
    store = new MemoryEventStore({ clock: systemClock, step: 7 });
    checkpoints = new Checkpoints(database);
    await checkpoints.prepare();
    stops = [];
    revision = -1;
  });
  afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
  });

  const append = async (type = 'Counted', data: object = {}) => {
    const { position } = await store.append('thing-1', revision++, [happened(type, data)]);
    return position;
  };
  const run = (projections: Projection[], to = checkpoints) => {
    const stopping = new AbortController();
    const running = new Projector('test', projections, { store, checkpoints: to, log: silent }).run(stopping.signal);
    const stop = () => (stopping.abort(), running);
    stops.push(stop);
    return stop;
  };
  const count = async (table: string) => {
    const { rows } = await database.query<{ n: number }>(`select coalesce(sum(n), 0)::int as n from ${table}`);
    return rows[0]!.n;
  };

  it('count every event once although the first commits were rolled back', async () => {
    const a = counter('a');
    a.faults.push(new Error('crashed after writing'), new Error('and again'));
    for (let i = 0; i < 20; i++) await append();
    run([a.projection, counter('b').projection]);
    expect(await checkpoints.waitFor(['a', 'b'], await store.head(), PATIENCE_MS)).toBe(true);
    expect([await count('a'), await count('b')]).toEqual([20, 20]);
    expect(a.faults).toEqual([]);
  });

  it('count every event once although two runners both believe that they are the one', async () => {
    run([counter('a').projection]);
    run([counter('a').projection], new Checkpoints(database));
    for (let i = 0; i < 60; i++) {
      await append();
      if (i % 7 === 0) await checkpoints.waitFor(['a'], await store.head(), PATIENCE_MS);
    }
    expect(await checkpoints.waitFor(['a'], await store.head(), PATIENCE_MS)).toBe(true);
    expect(await count('a')).toBe(60);
  });

  it('finish the batch in hand when they are stopped, and hold up nobody who comes after for long', async () => {
    const limits: unknown[] = [];
    let reached = () => {};
    let goOn = () => {};
    const inHand = new Promise<void>((resolve) => (reached = resolve));
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { projection } = counter('a');
    const slow: Projection = {
      ...projection,
      async apply(events, sql) {
        limits.push(...(await sql.query('show idle_in_transaction_session_timeout')).rows);
        reached();
        await held;
        await projection.apply(events, sql);
      },
    };
    const last = await append();
    const stop = run([slow]);
    await inHand;
    const stopped = stop();
    goOn();
    await stopped;
    expect((await checkpoints.read(['a'])).get('a')!.position).toBe(last);
    expect(await count('a')).toBe(1);
    // Less than that, and a machine under load would never commit; more, and a failover would not come in seconds.
    expect(limits).toEqual([{ idle_in_transaction_session_timeout: '5s' }]);
  });

  it('are held back by an event they cannot digest, alone, and say so', async () => {
    await append();
    const poisoned = await append('Counted', { poison: 'a' });
    const last = await append();
    const a = counter('a');
    run([a.projection, counter('b').projection]);
    expect(await checkpoints.waitFor(['b'], last, PATIENCE_MS)).toBe(true);
    const stuck = await eventually(async () => {
      const found = (await checkpoints.read(['a'])).get('a');
      return found?.error?.includes('revision 1') && found;
    });
    expect(stuck.error).toBe('Error: a cannot apply Counted, thing-1 revision 1: Error: a cannot digest this');
    // What came before it is applied, what comes after it is not skipped to.
    expect(Number(stuck.position)).toBeLessThan(Number(poisoned));
    expect(await count('a')).toBe(1);
    const later = await append();
    expect(await checkpoints.waitFor(['b'], later, PATIENCE_MS)).toBe(true);
    expect(await count('b')).toBe(4);
  });

  it('go on together once the poison is out', async () => {
    await append('Counted', { poison: 'a' });
    const stop = run([counter('a').projection, counter('b').projection]);
    await eventually(async () => (await checkpoints.read(['a'])).get('a')?.error);
    await stop();
    run([counter('a', { mended: true }).projection, counter('b').projection]);
    const last = await append();
    expect(await checkpoints.waitFor(['a', 'b'], last, PATIENCE_MS)).toBe(true);
    expect([await count('a'), await count('b')]).toEqual([2, 2]);
    expect((await checkpoints.read(['a'])).get('a')!.error).toBeUndefined();
  });

  it('are rebuilt alone, from the beginning, when their version is raised', async () => {
    for (let i = 0; i < 5; i++) await append();
    const stop = run([counter('a').projection, counter('b').projection]);
    await checkpoints.waitFor(['a', 'b'], await store.head(), PATIENCE_MS);
    await stop();
    const b = counter('b');
    run([counter('a', { version: 2 }).projection, b.projection]);
    const last = await append();
    expect(await checkpoints.waitFor(['a', 'b'], last, PATIENCE_MS)).toBe(true);
    const { rows } = await database.query('select n, version from a');
    expect(rows).toEqual([{ n: 6, version: 2 }]);
    expect(await count('b')).toBe(6);
    expect(b.batches()).toBe(1); // only the new event: nobody replays with a neighbour
  });

  it('leave those of a newer release alone', async () => {
    await prepareProjections([counter('a', { version: 2 }).projection], { checkpoints, log: silent });
    run([counter('a').projection, counter('b').projection]);
    const last = await append();
    expect(await checkpoints.waitFor(['b'], last, PATIENCE_MS)).toBe(true);
    expect((await checkpoints.read(['a'])).get('a')).toMatchObject({ version: 2, position: '0' });
  });

  it('get past events that nobody handles, and other processes hear of it', async () => {
    run([counter('a').projection]);
    const last = await append('Unknown');
    expect(await new Checkpoints(database).waitFor(['a'], last, PATIENCE_MS)).toBe(true);
    expect(await count('a')).toBe(0);
    expect(await checkpoints.waitFor(['a'], '999999', 50)).toBe(false);
  });

  it('may be started by several at once on an empty database', async () => {
    const starts = Array.from({ length: 6 }, () =>
      prepareProjections([counter('a').projection, counter('b').projection], {
        checkpoints: new Checkpoints(database),
        log: silent,
      }),
    );
    await Promise.all(starts);
    expect((await checkpoints.read()).size).toBe(2);
  });
});
