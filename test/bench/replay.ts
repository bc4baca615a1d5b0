/**
 * Read models made anew from a long log: each alone for a while, to see who is slow, then all together on one reading to
 * the end; beside it, reading the same log and doing nothing. The first argument is the log's length.
 */
import { BEGINNING, Checkpoints, prepareProjections, Projector, type Projection } from '#kernel';
import { deadlines } from '#resolutions';
import { createPool, createSql, migrate, PostgresEventStore } from '#stores';
import { projections } from '#apps/compose';
import { silent } from '#test/kit/worker';
import { inTurns, limitRate, median, perSecond, rate, report, seconds, withPostgres } from './kit.js';
import { fillLog, tuesdays } from './log.kit.js';

const EVENTS = Number(process.argv[2] ?? 160_000);
const ALONE_MS = 6_000;
const PAGE = 500;

await withPostgres(async (connection) => {
  await migrate(connection);
  const { events } = await fillLog(connection, EVENTS, await tuesdays());
  const pool = createPool(connection, { max: 4 });
  const store = new PostgresEventStore(pool);
  const database = createSql(pool);
  const head = await store.head();

  const readOnly = (pages: number) =>
    perSecond(async () => {
      let count = 0;
      for (let n = 0, after = BEGINNING; n < pages; n++) {
        const page = await store.readAll(after, PAGE);
        if (page.events.length === 0) break;
        count += page.events.length;
        after = page.position;
      }
      return count;
    });

  /** From nothing to the end, or for so long. */
  const replayed = (all: readonly Projection[], ms: number) =>
    perSecond(async () => {
      const checkpoints = new Checkpoints(database);
      const names = all.map(({ name }) => name);
      await prepareProjections(all, { checkpoints, log: silent });
      const stop = new AbortController();
      const running = new Projector('bench', all, { store, checkpoints, log: silent }).run(stop.signal);
      await checkpoints.waitFor(names, head, ms);
      stop.abort();
      await running;
      const stood = await checkpoints.read(names);
      const tables = all.flatMap(({ tables: each }) => each);
      await database.query(
        [...tables, 'checkpoints'].map((table) => `drop table if exists ${table} cascade`).join(';'),
      );
      return Math.min(...names.map((name) => Number(stood.get(name)!.position)));
    });

  const all = [deadlines(), ...projections];
  for (const projection of all) {
    const found = await inTurns(1, { limit: () => readOnly(40), product: () => replayed([projection], ALONE_MS) });
    const beside = limitRate('reading alone', median(found.limit), median(found.product));
    report(projection.name, rate(median(found.product)), undefined, beside);
  }
  const found = await inTurns(1, { limit: () => readOnly(Infinity), product: () => replayed(all, 600_000) });
  const [limit, product] = [median(found.limit), median(found.product)];
  report(
    `all ${all.length} together, ${events.toLocaleString('en')} events`,
    `${rate(product)}, ${seconds(events / product)}`,
    undefined,
    limitRate('reading alone', limit, product),
  );
  await pool.end();
});
