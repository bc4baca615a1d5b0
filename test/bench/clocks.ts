/** A million clocks run and nothing happens: what a worker, Redis and PostgreSQL ask of the machine meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { testRedis } from '#test/kit/redis';
import { report } from './kit.js';
import { withClocks } from './rungs.kit.js';

const CLOCKS = Number(process.argv[2] ?? 1_000_000);
const SECONDS = 40;
const TARGET_PERCENT = 1;
const TICKS_A_SECOND = 100;

/** Of a process and all its children. */
function cpuSeconds(pid: number): number {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const fields = (of: string) => {
    try {
      return readFileSync(`/proc/${of}/stat`, 'utf8').split(') ')[1]!.split(' ');
    } catch {
      return [];
    }
  };
  return (
    all
      .map((of) => [of, fields(of)] as const)
      .filter(([of, [, parent]]) => of === String(pid) || parent === String(pid))
      // Its own; and of those that were its children and have ended, as PostgreSQL's helpers do.
      .reduce((sum, [, each]) => sum + [11, 12, 13, 14].reduce((ticks, at) => ticks + Number(each[at]), 0), 0) /
    TICKS_A_SECOND
  );
}

const redis = await testRedis();
try {
  await withClocks({ clocks: 1, spreadMs: 1, redisUrl: redis.url }, async ({ connection, launch, caughtUp }) => {
    const worker = await launch('worker', 'apps/worker/main.ts');
    await caughtUp();
    const owner = new pg.Client(connection);
    await owner.connect();
    // What is projected of one, again and again: idling depends on the tables alone.
    await owner.query(
      `insert into due (stream, obligation, at, what, import, next_attempt_at)
       select d.stream || '-' || n, d.obligation, d.at + n * interval '1 second', d.what, d.import, d.at + n * interval '1 second'
       from due d, generate_series(1, $1) n where d.stream = 'resolution-b-1'`,
      [CLOCKS],
    );
    await owner.query('vacuum analyze due');
    const { rows } = await owner.query<{ text: string }>(`select pg_read_file('postmaster.pid') as text`);
    const postmaster = Number.parseInt(rows[0]!.text, 10);
    await owner.end();
    await sleep(35_000); // the first sweep is over, and what autovacuum and checkpointer had to do
    const of = { worker: worker.child.pid!, Redis: redis.pid(), PostgreSQL: postmaster };
    const before = Object.values(of).map(cpuSeconds);
    await sleep(SECONDS * 1_000);
    const percent = Object.values(of).map((pid, n) => ((cpuSeconds(pid) - before[n]!) / SECONDS) * 100);
    Object.keys(of).forEach((name, n) =>
      report(`${CLOCKS} clocks, idle: ${name}`, `${percent[n]!.toFixed(2)} % of a core`),
    );
    const all = percent.reduce((a, b) => a + b);
    report('together', `${all.toFixed(2)} % of a core`, { met: all < TARGET_PERCENT, is: `under ${TARGET_PERCENT} %` });
  });
} finally {
  await redis.close();
}
