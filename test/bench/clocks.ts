/** A million clocks run and nothing happens: what a worker, Redis and PostgreSQL ask of the machine meanwhile. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { testRedis } from '#test/kit/redis';
import { report } from './kit.js';
import { withClocks } from './rungs.kit.js';

const CLOCKS = Number(process.argv[2] ?? 1_000_000);
const TARGET_PERCENT = 1;
/** By then V8 has given back what the start needed, which costs as much as minutes of rest; and so has autovacuum. */
const SETTLE_MS = 180_000;
const SECONDS = 60;
const TICKS_A_SECOND = 100;

/** The least that a worker with a queue and a database can be: it takes no jobs, hears of nothing and asks nothing. */
const LIMIT = `
  import { Worker } from 'bullmq';
  import pg from 'pg';
  const [redis, database] = process.argv.slice(1);
  const { hostname, port } = new URL(redis);
  new Worker('limit', async () => {}, { connection: { host: hostname, port: Number(port), maxRetriesPerRequest: null } });
  const client = new pg.Client(JSON.parse(database));
  await client.connect();
  await client.query('listen nothing');`;

/** A process may end while it is looked at. */
const ifThere = <T>(look: () => T, otherwise: T): T => {
  try {
    return look();
  } catch {
    return otherwise;
  }
};
const read = (path: string) => ifThere(() => readFileSync(`/proc/${path}`, 'utf8'), '');
const parentOf = (pid: string) => read(`${pid}/stat`).split(') ')[1]?.split(' ')[1];

/** Of a process and all its children; of children that have ended, as PostgreSQL's helpers do, to a hundredth. */
function cpuSeconds(pid: number): number {
  const family = readdirSync('/proc').filter((of) => of === String(pid) || parentOf(of) === String(pid));
  return family
    .map((of) => {
      const threads = ifThere(() => readdirSync(`/proc/${of}/task`), []).map((thread) =>
        read(`${of}/task/${thread}/schedstat`),
      );
      const ended = read(`${of}/stat`).split(') ')[1]?.split(' ').slice(13, 15) ?? [];
      return (
        threads.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e9, 0) +
        ended.reduce((sum, ticks) => sum + Number(ticks) / TICKS_A_SECOND, 0)
      );
    })
    .reduce((a, b) => a + b, 0);
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
    const limit = spawn(
      process.execPath,
      ['--import', './test/kit/ts.mjs', '--input-type=module', '-e', LIMIT, redis.url, JSON.stringify(connection)],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    try {
      await sleep(SETTLE_MS);
      const of = { worker: worker.child.pid!, Redis: redis.pid(), PostgreSQL: postmaster, 'a bare worker': limit.pid! };
      const before = Object.values(of).map(cpuSeconds);
      await sleep(SECONDS * 1_000);
      const percent = Object.values(of).map((pid, n) => ((cpuSeconds(pid) - before[n]!) / SECONDS) * 100);
      Object.keys(of).forEach((name, n) =>
        report(`${CLOCKS} clocks, idle: ${name}`, `${percent[n]!.toFixed(2)} % of a core`),
      );
      const all = percent.slice(0, 3).reduce((a, b) => a + b);
      report('worker, Redis and PostgreSQL together', `${all.toFixed(2)} % of a core`, {
        met: all < TARGET_PERCENT,
        is: `under ${TARGET_PERCENT} %`,
      });
      report('the worker, to the bare one beside it', `${(percent[0]! / percent[3]!).toFixed(1)} ×`);
    } finally {
      limit.kill();
    }
  });
} finally {
  await redis.close();
}
