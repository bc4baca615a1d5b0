/**
 * Appends at 1, 16, 64 and 256 callers, each to a stream of its own: coalesced into group commits, beside what is simplest
 * for one PostgreSQL (as many such rows by one plain insert and commit; nobody checks a revision, nobody is answered by
 * himself), and beside one transaction an append.
 *
 *     npm run bench -- append        or: node --import ./test/kit/ts.mjs test/bench/append.ts [SECONDS a round]
 */
import { randomUUID } from 'node:crypto';
import { NO_STREAM } from '#kernel';
import { createPool, migrate, PostgresEventStore } from '#stores';
import { callers, event, inTurns, limitRate, rate, report, spread, together, withPostgres } from './kit.js';
import { plainLog } from './log.kit.js';

const CALLERS = [1, 16, 64, 256];
const ROUNDS = 3;
const roundMs = Number(process.argv[2] ?? 2) * 1_000;

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 16 });
  const plain = await plainLog(connection);
  const shared = new PostgresEventStore(pool);
  const append = (store: PostgresEventStore) => store.append(`case-${randomUUID()}`, NO_STREAM, [event()]);
  for (const count of CALLERS) {
    const found = await inTurns(ROUNDS, {
      product: () => callers(count, roundMs, () => append(shared)),
      plain: async () => {
        const { perSecond, ms } = await callers(1, roundMs, () => plain.insert(Array.from({ length: count }, event)));
        return { perSecond: perSecond * count, ms };
      },
      // A store of its own has nobody to share a batch with.
      alone: () => callers(count, roundMs, () => append(new PostgresEventStore(pool))),
    });
    const [product, limit, alone] = [found.product, found.plain, found.alone].map(together);
    const who = `${count} caller${count > 1 ? 's' : ''}`;
    const say = (of: typeof product) => `${rate(of!.perSecond)}, ${spread(of!.ms)}`;
    const row = limitRate(`${count} rows in one plain insert and commit`, limit!.perSecond, product!.perSecond);
    report(`appends, ${who}`, say(product), undefined, row);
    report(
      `  one transaction an append, ${who}`,
      say(alone),
      undefined,
      limitRate('the same plain insert', limit!.perSecond, alone!.perSecond),
    );
  }
  await plain.end();
  await pool.end();
});
