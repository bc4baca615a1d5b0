/** 5,000 rungs that fall due within ten seconds: how late each is recorded, in a fresh database, on either queue. */
import { setTimeout as sleep } from 'node:timers/promises';
import { testRedis } from '#test/kit/redis';
import { quantile, report, spread } from './kit.js';
import { withClocks } from './rungs.kit.js';

const CLOCKS = Number(process.argv[2] ?? 5_000);
const SPREAD_MS = 10_000;
const LEAD_MS = 2_000;

async function measured(queue: string, targetMs: number, redisUrl?: string): Promise<void> {
  await withClocks(
    { clocks: CLOCKS, spreadMs: SPREAD_MS, redisUrl },
    async ({ launch, caughtUp, approach, lateness }) => {
      await launch('worker');
      await caughtUp();
      approach(LEAD_MS);
      await sleep(LEAD_MS + SPREAD_MS);
      let late = await lateness();
      for (let n = 0; n < 60 && late.length < CLOCKS; n++, late = await lateness()) await sleep(1_000);
      report(`${late.length} of ${CLOCKS} rungs due within ${SPREAD_MS / 1000} s, ${queue}`, spread(late), {
        met: late.length === CLOCKS && quantile(late, 0.99) < targetMs,
        is: `all, p99 under ${targetMs} ms`,
      });
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
