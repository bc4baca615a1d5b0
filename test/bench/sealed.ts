/**
 * What sealing costs: the same events appended and read through the plain store and through the sealed one, on one
 * PostgreSQL with its default durability, in turns. Each event has one note of 150 characters that is sealed.
 *
 *     npm run bench -- sealed
 */
import { randomUUID } from 'node:crypto';
import { BEGINNING, NO_STREAM, sealing, type EventStore } from '#kernel';
import { resolutionDecider } from '#resolutions';
import { createPool, createSql, migrate, PostgresEventStore, SealedEventStore, Vault } from '#stores';
import { event, median, report, withPostgres } from './kit.js';

const ROUNDS = 3;
const ROUND_MS = 1_000;

async function appends(store: EventStore, callers: number): Promise<number> {
  let done = 0;
  const begin = performance.now();
  const caller = async () => {
    while (performance.now() - begin < ROUND_MS) {
      await store.append(`resolution-${randomUUID()}`, NO_STREAM, [event()]);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (done * 1_000) / (performance.now() - begin);
}

/** Events a second of a replay in pages of 500, as projections read. */
async function replays(store: EventStore): Promise<number> {
  const begin = performance.now();
  let count = 0;
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, 500);
    if (events.length === 0) return (count * 1_000) / (performance.now() - begin);
    count += events.length;
    after = position;
  }
}

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 16 });
  try {
    const plain = new PostgresEventStore(pool);
    const sealed = new SealedEventStore(plain, new Vault(createSql(pool)), sealing([resolutionDecider]), true);
    const inTurns = async (work: (store: EventStore) => Promise<number>) => {
      const [before, after]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        before.push(await work(plain));
        after.push(await work(sealed));
      }
      return { before: median(before), after: median(after) };
    };
    const tell = (what: string, { before, after }: { before: number; after: number }) =>
      report(what, `${before.toFixed(0)}/s plain, ${after.toFixed(0)}/s sealed: ${(after / before).toFixed(2)}`);
    for (const callers of [1, 16, 64])
      tell(`appends, ${callers} callers`, await inTurns((store) => appends(store, callers)));
    // The plain store reads the same log: half of it sealed, and does not open it.
    tell('replay of a log, every second event sealed', await inTurns(replays));
  } finally {
    await pool.end();
  }
});
