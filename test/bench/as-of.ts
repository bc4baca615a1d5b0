/**
 * One case, with everything linked to it, as of any instant: it must not matter how long the log is. Beside it, reading
 * the same streams, known beforehand, side by side, and nothing else. REPLAY_EVENTS sets the log's length (1,000,000: ten
 * years of a province).
 */
import { createPool, migrate, PostgresEventStore } from '#stores';
import { deciders } from '#apps/province';
import { Replay } from '#apps/replay';
import { inTurns, limitSpread, quantile, report, spread, withPostgres } from './kit.js';
import { fillLog, tuesdays } from './log.kit.js';

const EVENTS = Number(process.env['REPLAY_EVENTS'] ?? 1_000_000);
const ASKED = 300;
const ROUNDS = 3;

await withPostgres(async (connection) => {
  await migrate(connection);
  const story = await tuesdays();
  const { copies, events } = await fillLog(connection, EVENTS, story);
  const pool = createPool(connection, { max: 12 });
  const store = new PostgresEventStore(pool);
  const replay = new Replay(store, deciders);
  const cases = story.filter(({ type }) => type === 'CaseTabled').map(({ stream }) => stream);
  const instants = ['2026-08-25T12:00:00.000Z', '2026-09-22T08:30:00.000Z', undefined];
  /** Of each case asked for, so that the limit need not find it out. */
  const linked = new Map<number, string[]>();
  const each = async (work: (n: number) => Promise<unknown>) => {
    const ms: number[] = [];
    for (let n = 0; n < ASKED; n += 1) {
      const began = performance.now();
      await work(n);
      ms.push(performance.now() - began);
    }
    return ms;
  };
  const asked = (axis: 'asOf' | 'validAt') => async (n: number) => {
    const stream = `${cases[(n * 7) % cases.length]}.${(n * 131) % copies}`;
    const at = instants[n % 3];
    // Not all were there then.
    const found = await replay.linked(stream, at === undefined ? {} : { [axis]: at }).catch(() => []);
    linked.set(n, [stream, ...found.slice(1).map((past) => past.stream)]);
  };
  await each(asked('asOf')); // connections and plans
  for (const axis of ['asOf', 'validAt'] as const) {
    const found = await inTurns(ROUNDS, {
      product: () => each(asked(axis)),
      limit: () => each((n) => Promise.all(linked.get(n)!.map((stream) => store.readStream(stream)))),
    });
    const [product, limit] = [found.product.flat(), found.limit.flat()];
    report(
      `a case with what is linked to it, ${axis}, in ${events.toLocaleString('en')} events`,
      spread(product),
      { met: quantile(product, 0.99) < 20, is: 'p99 < 20 ms' },
      limitSpread('reading the same streams at once', limit, product),
    );
  }
  await pool.end();
});
