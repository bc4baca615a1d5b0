/**
 * 100,000 clocks fall due in the same second, with Redis and two workers, one of which is killed in the middle; how long
 * until all are recorded, and how long commands through HTTP take meanwhile. Beside it, as many rows put into a plain table,
 * before and after; and the same commands before.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { issueToken } from '#apps/api/auth';
import { SECRET } from '#test/kit/nodes';
import { testRedis } from '#test/kit/redis';
import { limitSeconds, limitSpread, quantile, report, seconds, spread } from './kit.js';
import { AS_MANY, plainLog } from './log.kit.js';
import { withClocks } from './rungs.kit.js';

const CLOCKS = Number(process.argv[2] ?? 100_000);
const TARGET_MS = 60_000;
const TARGET_COMMAND_MS = 250;
const LEAD_MS = 2_000;
/** Commands of others, all the while: one every so many milliseconds. */
const EVERY_MS = 50;

const redis = await testRedis();
try {
  await withClocks(
    { clocks: CLOCKS, spreadMs: 1_000, redisUrl: redis.url },
    async ({ store, pool, connection, launch, caughtUp, approach, lateness }) => {
      const plain = await plainLog(connection);
      const limits = [await plain.fill(CLOCKS)];
      const [api, first, second] = await Promise.all([launch('api'), launch('worker'), launch('worker')]);
      const began = performance.now();
      await caughtUp();
      report('read models of them made', seconds((performance.now() - began) / 1_000));
      const authorization = `Bearer ${await issueToken('', { sub: 's', role: 'secretary', province: 'IR-03' }, 3_600, SECRET)}`;
      const unit = JSON.stringify({ name: 'ریخته‌گری', size: 'small', classes: [], sector: 'metal' });
      const command = async () => {
        const begin = performance.now();
        const { status } = await fetch(`${api.url}/v1/unit/u-${randomUUID()}/RegisterUnit`, {
          method: 'POST',
          headers: { authorization, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
          body: unit,
        });
        if (status !== 200) throw new Error(`answered ${status}`);
        return performance.now() - begin;
      };
      const recorded = async () =>
        (await pool.query<{ n: number }>(`select count(*)::int as n from log.events where type = 'DeadlineMissed'`))
          .rows[0]!.n;
      const quiet: number[] = [];
      for (let n = 0; n < 100; n++) await command();
      for (let n = 0; n < 100; n++) quiet.push(await command());

      const at = approach(LEAD_MS);
      await sleep(at - Date.now());
      const ms: number[] = [];
      let over = false;
      const others = (async () => {
        while (!over) {
          ms.push(await command());
          await sleep(EVERY_MS);
        }
      })();
      const before = BigInt(await store.head());
      const done = async () => Number(BigInt(await store.head()) - before);
      let killed = false;
      while ((await done()) < CLOCKS && Date.now() - at < 2.5 * TARGET_MS) {
        await sleep(250);
        if (killed || (await done()) < CLOCKS / 3) continue;
        killed = true;
        const { rows } = await pool.query<{ holder: string }>(`select holder from leases where name = 'deadlines'`);
        const pid = Number(rows[0]!.holder.split(' ')[1]);
        await [first, second].find(({ child }) => child.pid === pid)!.end('SIGKILL');
        report('the worker that holds the clocks is killed after', `${((Date.now() - at) / 1_000).toFixed(1)} s`);
      }
      let n = await recorded();
      while (n < CLOCKS && Date.now() - at < 2.5 * TARGET_MS) {
        await sleep(500);
        n = await recorded();
      }
      const tookMs = Date.now() - at;
      over = true;
      await others;
      limits.push(await plain.fill(CLOCKS));
      await plain.end();
      report(
        `${n} of ${CLOCKS} recorded, with Redis and one kill -9`,
        seconds(tookMs / 1_000),
        { met: n === CLOCKS && tookMs < TARGET_MS, is: `all, in under ${TARGET_MS / 1_000} s` },
        limitSeconds(AS_MANY, (limits[0]! + limits[1]!) / 2, tookMs / 1_000),
      );
      report('how late', spread(await lateness()));
      report(
        'commands of others meanwhile',
        `${ms.length} sent, ${spread(ms)}`,
        { met: quantile(ms, 0.99) < TARGET_COMMAND_MS, is: `p99 under ${TARGET_COMMAND_MS} ms` },
        limitSpread('the same when nothing is due', quiet, ms),
      );
    },
  );
} finally {
  await redis.close();
}
