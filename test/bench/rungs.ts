/**
 * 5,000 rungs that fall due within ten seconds: how late each is recorded, in a fresh database, on either queue. Beside it,
 * a table of due times with one who sleeps until the next, and the queue's own delayed jobs; neither decides or records.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testRedis } from '#test/kit/redis';
import { delayedLateness, tableLateness } from './lateness.kit.js';
import { limitSpread, quantile, report, spread } from './kit.js';
import { withClocks } from './rungs.kit.js';

const CLOCKS = Number(process.argv[2] ?? 5_000);
const SPREAD_MS = 10_000;
const LEAD_MS = 2_000;
const ALARMS = { count: CLOCKS, spreadMs: SPREAD_MS, leadMs: LEAD_MS };

async function measured(queue: string, targetMs: number, redisUrl?: string): Promise<void> {
  await withClocks(
    { clocks: CLOCKS, spreadMs: SPREAD_MS, redisUrl },
    async ({ launch, caughtUp, approach, lateness, connection }) => {
      const worker = await launch('worker');
      await caughtUp();
      approach(LEAD_MS);
      await sleep(LEAD_MS + SPREAD_MS);
      let late = await lateness();
      for (let n = 0; n < 60 && late.length < CLOCKS; n++, late = await lateness()) await sleep(1_000);
      await worker.end('SIGKILL');
      const limit = await tableLateness(connection, ALARMS);
      const delayed = await delayedLateness(redisUrl ? { redis: redisUrl } : { postgres: connection }, ALARMS);
      report(
        `${late.length} of ${CLOCKS} rungs due within ${SPREAD_MS / 1000} s, ${queue}`,
        spread(late),
        { met: late.length === CLOCKS && quantile(late, 0.99) < targetMs, is: `all, p99 under ${targetMs} ms` },
        limitSpread('a table and one who sleeps', limit, late),
      );
      report(
        `${delayed.length} delayed jobs of ${queue}`,
        spread(delayed),
        undefined,
        limitSpread('the same', limit, delayed),
      );
    },
  );
}

const redis = await testRedis();
try {
  await measured('BullMQ on Redis', 250, redis.url);
} finally {
  await redis.close();
}
await measured('BullMQ on PostgreSQL', 500);
