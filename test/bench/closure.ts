/** 10,000 running obligations are re-dated by a closure on the embedded default, while commands go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, createSql, migrate, openJobs, PostgresEventStore } from '#stores';
import { communicate, establish, silent, TestClock, workshop } from '#test/kit/worker';
import { limitSeconds, report, seconds, spread, withPostgres } from './kit.js';
import { AS_MANY, plainLog } from './log.kit.js';

const OBLIGATIONS = 10_000;
const TARGET_MS = 60_000;
const TOGETHER = 100;
/** Commands of others, all the while: one every so many milliseconds. */
const EVERY_MS = 50;

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 16 });
  const store = new PostgresEventStore(pool);
  const clock = new TestClock();
  clock.set('2026-08-25T06:00:00.000Z');
  const jobs = await openJobs({ postgres: connection }, silent);
  const shop = workshop({ store, database: createSql(pool), clock, jobs });
  await establish(shop);
  for (let n = 0; n < OBLIGATIONS; n += TOGETHER) {
    await Promise.all(Array.from({ length: TOGETHER }, (_, each) => communicate(shop, `r-${n + each}`)));
  }
  const worker = await shop.start();
  await worker.checkpoints.waitFor(['deadlines', 'policies'], await store.head(), 120_000);

  const ms: number[] = [];
  let over = false;
  const others = (async () => {
    for (let n = 0; !over; n++) {
      const asked = performance.now();
      const order = { obligation: 'o1', percent: n % 100, note: 'در دست اقدام' };
      await shop.say(
        { id: 'g', role: 'agency', agency: 'gas' },
        'resolution',
        `r-${(n * 37) % OBLIGATIONS}`,
        'ReportProgress',
        order,
      );
      ms.push(performance.now() - asked);
      await sleep(EVERY_MS);
    }
  })();
  const begin = performance.now();
  await shop.say('governor', 'calendar', 'offices', 'DeclareClosure', {
    dates: ['2026-08-27'],
    reason: 'آلودگی هوا',
    decree: '۱۲/۳۴',
  });
  const head = await store.head();
  await worker.policiesReached(head, 5 * TARGET_MS);
  const tookMs = performance.now() - begin;
  over = true;
  await others;
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from log.events where type = 'DeadlineMoved'`,
  );
  const found = rows[0]!.n;
  const plain = await plainLog(connection);
  report(
    `${found} of ${OBLIGATIONS} obligations moved by one closure`,
    seconds(tookMs / 1_000),
    { met: found === OBLIGATIONS && tookMs < TARGET_MS, is: `all, in under ${TARGET_MS / 1000} s` },
    limitSeconds(AS_MANY, await plain.fill(OBLIGATIONS), tookMs / 1_000),
  );
  report('commands of others meanwhile', `${ms.length} sent, ${spread(ms)}`);
  await plain.end();
  await worker.stop();
  await pool.end();
});
