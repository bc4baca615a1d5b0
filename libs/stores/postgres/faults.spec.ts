import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { BEGINNING, NO_STREAM, StoreUnavailable, type NewEvent } from '#kernel';
import { createPool, createSql, migrate, PostgresEventStore } from '#stores';
import { newEvent } from '#test/contract/event-store.contract';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { postgresProxy } from '#test/kit/proxy';

let database: TestDatabase;
let wire: Awaited<ReturnType<typeof postgresProxy>>;
let pool: pg.Pool;
let store: PostgresEventStore;
let owner: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  wire = await postgresProxy(database.connection);
  pool = createPool({ ...database.connection, host: wire.host }, { max: 4 });
  store = new PostgresEventStore(pool, { patienceMs: 300, pollMs: 300 });
  owner = new pg.Pool({ ...database.connection, max: 2 });
});

afterAll(async () => {
  wire.restore();
  await store.close();
  await Promise.all([pool.end(), owner.end()]);
  await wire.close();
  await database.close();
});

const freshStream = () => `case-${randomUUID()}`;

it('lets a bad caller fail alone, whoever shares the batch with him', async () => {
  const taken = newEvent();
  await store.append(freshStream(), NO_STREAM, [taken]);
  const bad: NewEvent[] = [
    { ...newEvent(), id: taken.id },
    { ...newEvent(), type: 'Nul\u0000' },
    { ...newEvent(), id: 'no uuid' },
    newEvent({ count: 1n }),
  ];
  const good = Array.from({ length: 10 }, () => newEvent());
  const streams = [...bad, ...good].map(() => freshStream());
  const outcomes = await Promise.allSettled(
    [...bad, ...good].map((event, index) => store.append(streams[index]!, NO_STREAM, [event])),
  );
  expect(outcomes.map(({ status }) => status)).toEqual([...bad.map(() => 'rejected'), ...good.map(() => 'fulfilled')]);
  for (const [index, stream] of streams.entries()) {
    expect(await store.readStream(stream)).toHaveLength(index < bad.length ? 0 : 1);
  }
});

it('lets a bad reader fail alone, whoever shares the query with him', async () => {
  const stream = freshStream();
  const event = newEvent();
  await store.append(stream, NO_STREAM, [event]);
  const asked = ['case-\u0000', stream, stream, freshStream()].map((name) => store.readStream(name));
  const [bad, ...good] = await Promise.allSettled(asked);
  expect(bad!.status).toBe('rejected');
  expect(good.map((one) => one.status === 'fulfilled' && one.value.map(({ id }) => id))).toEqual([[event.id], [event.id], []]); // prettier-ignore
});

it('counts an append whose answer was lost as what it is: done, once', async () => {
  const stream = freshStream();
  const events = [newEvent(), newEvent()];
  await store.readStream(stream);
  wire.loseAnswer((answer) => answer.includes('SELECT')); // the tag that completes the call, after the commit
  const appended = await store.append(stream, NO_STREAM, events);
  const read = await store.readStream(stream);
  expect(read.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  expect(appended).toEqual({ revision: 1, position: read[1]!.position });
});

it('says StoreUnavailable while the database is gone, and goes on by itself when it is back', async () => {
  const stream = freshStream();
  const event = newEvent();
  wire.down();
  await expect(store.append(stream, NO_STREAM, [event])).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.readStream(stream)).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.readAll(BEGINNING, 1)).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(store.head()).rejects.toBeInstanceOf(StoreUnavailable);
  const sql = createSql(pool);
  await expect(sql.query('select 1')).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(sql.transaction((t) => t.query('select 1'))).rejects.toBeInstanceOf(StoreUnavailable);
  const following = store.follow(BEGINNING, new AbortController().signal)[Symbol.asyncIterator]();
  await expect(following.next()).rejects.toBeInstanceOf(StoreUnavailable);
  wire.restore();
  expect(await store.append(stream, NO_STREAM, [event])).toMatchObject({ revision: 0 });
});

it('hears of new events although its listening connection was broken, and with one connection for all', async () => {
  const start = await store.head();
  const stop = new AbortController();
  const follower = async () => {
    for await (const { events } of store.follow(start, stop.signal)) return events[0]!.id;
  };
  const waiting = Array.from({ length: 10 }, follower);
  const listening = `from pg_stat_activity where datname = current_database() and query = 'listen peygir_log'`;
  while ((await owner.query(`select ${listening}`)).rowCount === 0);
  const { rowCount } = await owner.query(`select pg_terminate_backend(pid) ${listening}`);
  expect(rowCount).toBe(1);
  const event = newEvent();
  const other = new PostgresEventStore(database.pool);
  await other.append(freshStream(), NO_STREAM, [event]);
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => event.id));
  stop.abort();
});

it('is told of an append of another process at once, not by the poll', async () => {
  const patient = new PostgresEventStore(pool, { pollMs: 60_000 });
  const start = await patient.head();
  const stop = new AbortController();
  const heard = (async () => {
    for await (const { events } of patient.follow(start, stop.signal)) return events[0]!.id;
  })();
  const other = new PostgresEventStore(database.pool);
  const event = newEvent();
  await other.append(freshStream(), NO_STREAM, [event]);
  expect(await heard).toBe(event.id);
});

it.each([
  `update log.events set type = 'x'`,
  'delete from log.events',
  'truncate log.events',
  'insert into log.events select * from log.events',
  'update log.head set position = 0',
  'alter table log.events disable trigger all',
  'drop table log.events',
  'create table log.mine ()',
  'drop schema log cascade',
])('does not let the application do: %s', async (sql) => {
  await expect(database.pool.query(sql)).rejects.toMatchObject({ code: '42501' });
});

it('lets the application make read models of its own', async () => {
  await database.pool.query(
    'create table public.model (n int); insert into public.model values (1); drop table public.model',
  );
});

it('rolls back what threw, and commits what returned', async () => {
  const sql = createSql(database.pool);
  await sql.query('create table counted (n int)');
  const failure = new Error('on purpose');
  const failing = sql.transaction(async (t) => {
    await t.query('insert into counted values ($1)', [1]);
    throw failure;
  });
  await expect(failing).rejects.toBe(failure);
  await sql.transaction((t) => t.query('insert into counted values ($1)', [2]));
  expect((await sql.query('select n from counted')).rows).toEqual([{ n: 2 }]);
  const killed = createSql(pool).transaction(async (t) => {
    await t.query('insert into counted values (3)');
    wire.cut();
    await t.query('select 1');
  });
  await expect(killed).rejects.toBeInstanceOf(StoreUnavailable);
});

it('is migrated once by several starters, and again by nobody', async () => {
  const name = `migrated_${randomUUID().slice(0, 8)}`;
  await owner.query(`create database ${name}`);
  try {
    const connection = { ...database.connection, database: name };
    await Promise.all([1, 2, 3, 4].map(() => migrate(connection)));
    await migrate(connection);
    const fresh = createPool(connection, { max: 2 });
    const log = new PostgresEventStore(fresh);
    expect(await log.append('case-1', NO_STREAM, [newEvent()])).toEqual({ revision: 0, position: '1' });
    await fresh.end();
  } finally {
    await owner.query(`drop database ${name} with (force)`);
  }
});
