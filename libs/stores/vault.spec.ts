import { randomUUID } from 'node:crypto';
import {
  BEGINNING,
  canonicalJson,
  commitmentOf,
  ENGINE,
  ERASED,
  NO_STREAM,
  Sealed,
  sealing,
  sealsIn,
  StoreUnavailable,
  systemClock,
  type EventStore,
} from '#kernel';
import { eventStoreContract, newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { EsdbEventStore } from './esdb.js';
import { MemoryEventStore } from './memory.js';
import { PostgresEventStore } from './postgres/event-store.js';
import { createPool, createSql } from './postgres/pool.js';
import { SealedEventStore, Vault } from './vault.js';

class Body {
  @Sealed() title?: string;
  @Sealed() متن?: string;
  @Sealed() empty?: string;
  @Sealed() text?: string;
}
const seal = sealing([{ aggregate: 'case', commands: { Do: { data: Body, roles: [], decide: () => [] } } }]);

const over = (inner: EventStore, database: TestDatabase, together = false) =>
  new SealedEventStore(inner, new Vault(createSql(database.pool)), seal, together);

eventStoreContract('memory, sealed', async () => {
  const [log, database] = [new MemoryEventStore({ clock: systemClock }), await testDatabase()];
  return { open: async () => over(log, database), close: () => database.close() };
});

eventStoreContract('PostgreSQL, sealed', async () => {
  const database = await testDatabase();
  const pools = [createPool(database.connection, { max: 4 }), createPool(database.connection, { max: 4 })];
  const left = [...pools];
  return {
    open: async () => over(new PostgresEventStore(left.pop()!), database, true),
    async close() {
      await Promise.all(pools.map((pool) => pool.end()));
      await database.close();
    },
  };
});

eventStoreContract('EventStoreDB, sealed', async () => {
  const [double, database] = [await new EsdbDouble().start(), await testDatabase()];
  return {
    open: async () => over(new EsdbEventStore(double.url, { aggregates: ['case'] }), database),
    async close() {
      double.kill();
      await database.close();
    },
  };
});

describe('a sealed log', () => {
  let database: TestDatabase;
  const openings = async () => (await database.pool.query('select * from vault.openings')).rows;
  const title = 'کارگاه خانم رضایی، ۰۰۸۴۵۷۵۹۴۸';

  beforeAll(async () => {
    database = await testDatabase();
  });
  beforeEach(() => database.pool.query('delete from vault.openings'));
  afterAll(() => database.close());

  it('keeps no word of what is sealed, and each commitment is what an auditor computes', async () => {
    const store = over(new PostgresEventStore(database.pool), database, true);
    const event = newEvent({ title, plain: 'open' });
    await store.append('case-1', NO_STREAM, [event]);
    const { rows } = await database.pool.query('select data::text as data from log.events');
    expect(rows[0].data).not.toContain('رضایی');
    const [opening] = await openings();
    expect(commitmentOf(opening.salt, title)).toEqual(opening.commitment);
    const [read] = await store.readStream('case-1');
    expect(read).toMatchObject({ data: { title, plain: 'open' }, stored: { plain: 'open' } });
    expect(canonicalJson(read!.stored)).toBe(canonicalJson(JSON.parse(rows[0].data)));
    await store.vault.erase([{ event: event.id, path: 'title' }], 'e-1');
    await store.vault.erase([{ event: event.id, path: 'title' }], 'e-2');
    await store.vault.tidy();
    const [after] = await store.readStream('case-1');
    expect(after).toEqual({ ...read, data: { title: ERASED, plain: 'open' } });
    expect(await openings()).toEqual([]);
    expect((await database.pool.query('select event, path, erasure from vault.erased')).rows).toEqual([
      { event: event.id, path: 'title', erasure: 'e-1' },
    ]);
  });

  it('reads logs of earlier releases, whose fields are plain', async () => {
    const log = new MemoryEventStore({ clock: systemClock });
    await log.append('case-1', NO_STREAM, [newEvent({ title })]);
    const [read] = await over(log, database).readStream('case-1');
    expect(read!.data).toEqual({ title });
    expect(read).not.toHaveProperty('stored');
  });

  it('takes nothing that looks like a seal', async () => {
    const store = over(new MemoryEventStore({ clock: systemClock }), database);
    const forged = newEvent({ week: { $sealed: 'AAAA' } });
    await expect(store.append('case-1', NO_STREAM, [forged])).rejects.toMatchObject({ code: 'invalid' });
  });

  it('appends the events with their openings, or neither', async () => {
    const log = new PostgresEventStore(database.pool);
    const store = over(log, database, true);
    const event = newEvent({ title });
    await database.pool.query(`insert into vault.openings select sha256('x'), gen_random_uuid(), '', 'x', 'x'`);
    const taken = Buffer.from((await openings())[0].commitment);
    const stolen = new SealedEventStore(log, store.vault, (of) => ({ event: of, openings: [{ path: 'title', commitment: taken, salt: taken, value: title }] }), true); // prettier-ignore
    await expect(stolen.append('case-both', NO_STREAM, [event])).rejects.toThrow('duplicate key');
    expect(await store.readStream('case-both')).toEqual([]);
    // Those who went along in the same transaction are not dragged down.
    await Promise.allSettled([
      stolen.append('case-both', NO_STREAM, [newEvent()]),
      store.append('case-beside', NO_STREAM, [event]),
    ]);
    expect(await store.readStream('case-beside')).toMatchObject([{ data: { title } }]);
  });

  it('keeps one commitment and one opening, however often and in whatever company an append is tried again', async () => {
    const store = over(new PostgresEventStore(database.pool), database, true);
    const events = [newEvent({ title }), newEvent({ title })];
    const first = await store.append('case-again', NO_STREAM, events);
    const [before] = await store.readStream('case-again');
    const all = await Promise.all([
      store.append('case-again', NO_STREAM, events),
      store.append('case-other', NO_STREAM, [newEvent({ title })]),
      over(new PostgresEventStore(database.pool), database, true).append('case-again', NO_STREAM, events),
    ]);
    expect([all[0], all[2]]).toEqual([first, first]);
    expect((await store.readStream('case-again'))[0]).toEqual(before);
    expect(await openings()).toHaveLength(3);
    await expect(store.append('case-again', NO_STREAM, [newEvent({ title })])).rejects.toThrow();
    expect(await openings()).toHaveLength(3);
  });

  it('has the opening of what stands, when the answer of another log is lost or the process dies between the two', async () => {
    const double = await new EsdbDouble().start();
    const options = { aggregates: ['case'], deadlineMs: 200, patienceMs: 300 };
    const store = over(new EsdbEventStore(double.url, options), database);
    try {
      const [stream, event] = [`case-${randomUUID()}`, newEvent({ title })];
      double.faults.mute = true;
      await expect(store.append(stream, NO_STREAM, [event])).rejects.toBeInstanceOf(StoreUnavailable);
      double.faults.mute = false;
      double.faults.loseAnswer = true;
      await store.append(stream, NO_STREAM, [event]);
      await store.append(stream, NO_STREAM, [event]);
      const [read] = await store.readStream(stream);
      expect(read!.data).toEqual({ title });
      // What the tries left behind goes with it.
      expect((await openings()).length).toBeGreaterThan(1);
      await store.vault.erase([{ event: event.id, path: 'title' }], 'e-3');
      expect(await openings()).toEqual([]);
      expect((await store.readStream(stream))[0]!.data).toEqual({ title: ERASED });
      expect([...sealsIn((await store.readAll(BEGINNING, 9)).events[0]!.stored)]).toHaveLength(1);
    } finally {
      await store.close();
      double.kill();
    }
  });

  it('is asked once for a page, and not at all for what has no seals', async () => {
    const log = new MemoryEventStore({ clock: systemClock });
    const store = over(log, database);
    let questions = 0;
    const counted = new SealedEventStore(log, Object.assign(new Vault(createSql(database.pool)), { values: (asked: readonly string[]) => (questions++, store.vault.values(asked)) }), seal, false); // prettier-ignore
    for (let n = 0; n < 20; n++) await store.append(`case-${n}`, NO_STREAM, [newEvent({ title, text: String(n) })]);
    expect((await counted.readAll(BEGINNING, 100)).events.map(({ data }) => data.text)).toEqual(Array.from({ length: 20 }, (_, n) => String(n))); // prettier-ignore
    expect(questions).toBe(1);
    await log.append('unit-1', NO_STREAM, [{ ...newEvent(), metadata: { ...newEvent().metadata, actor: ENGINE } }]);
    await counted.readStream('unit-1');
    expect(questions).toBe(1);
  });
});
