/**
 * What sealing costs: the same events appended and read through the sealed store, beside the plain one, on one PostgreSQL
 * with its default durability. Each event has one note of 150 characters that is sealed.
 *
 *     npm run bench -- sealed
 */
import { randomUUID } from 'node:crypto';
import { BEGINNING, NO_STREAM, sealing, type EventStore } from '#kernel';
import { resolutionDecider } from '#resolutions';
import { createPool, createSql, migrate, PostgresEventStore, SealedEventStore, Vault } from '#stores';
import { callers, event, inTurns, limitRate, median, perSecond, rate, report, withPostgres } from './kit.js';

const ROUNDS = 3;
const ROUND_MS = 1_000;

const appends = async (store: EventStore, count: number): Promise<number> =>
  (await callers(count, ROUND_MS, () => store.append(`resolution-${randomUUID()}`, NO_STREAM, [event()]))).perSecond;

/** Of a replay in pages of 500, as projections read. */
const replays = (store: EventStore): Promise<number> =>
  perSecond(async () => {
    let count = 0;
    for (let after = BEGINNING; ;) {
      const { events, position } = await store.readAll(after, 500);
      if (events.length === 0) return count;
      count += events.length;
      after = position;
    }
  });

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 16 });
  const plain = new PostgresEventStore(pool);
  const sealed = new SealedEventStore(plain, new Vault(createSql(pool)), sealing([resolutionDecider]), true);
  const compare = async (what: string, work: (store: EventStore) => Promise<number>) => {
    const found = await inTurns(ROUNDS, { limit: () => work(plain), product: () => work(sealed) });
    const [limit, product] = [median(found.limit), median(found.product)];
    report(what, rate(product), undefined, limitRate('the plain store', limit, product));
  };
  for (const count of [1, 16, 64]) await compare(`sealed appends, ${count} callers`, (store) => appends(store, count));
  // The plain store reads the same log: half of it sealed, and does not open it.
  await compare('replay of a log, every second event sealed', replays);
  await pool.end();
});
