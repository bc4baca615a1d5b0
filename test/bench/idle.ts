/** What the one-process default asks and holds when nothing happens, with the nine Economic Tuesdays in it. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, embeddedConnection } from '#stores';
import { report, withServer } from './kit.js';

const SECONDS = 40;
const TARGET_QUERIES = 5;
const TARGET_MB = 250;
const TICKS_A_SECOND = 100;

const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
};
const residentMb = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

await withServer(async ({ url, pid, dataDir, run }) => {
  await run('load', 'apps/cli/data/economic-tuesdays.ndjson', '--server', url);
  await sleep(15_000); // what it had to do is done: deadlines settled, letters sent
  const pool = createPool(embeddedConnection(dataDir), { max: 1 });
  // A statement outside a transaction is one of its own, so transactions are a lower bound and nearly the figure.
  const asked = async () => {
    const { rows } = await pool.query<{ n: number }>(
      `select (xact_commit + xact_rollback)::int as n from pg_stat_database where datname = 'peygir'`,
    );
    return rows[0]!.n;
  };
  const [before, cpu] = [await asked(), cpuSeconds(pid)];
  await sleep(SECONDS * 1_000);
  const perSecond = ((await asked()) - before) / SECONDS;
  const percent = ((cpuSeconds(pid) - cpu) / SECONDS) * 100;
  await pool.end();
  report('idle, transactions of the database', `${perSecond.toFixed(1)}/s`, {
    met: perSecond < TARGET_QUERIES,
    is: `under ${TARGET_QUERIES}/s`,
  });
  report('idle, the process', `${percent.toFixed(1)} % of a core`);
  report('resident memory after the nine Tuesdays', `${residentMb(pid).toFixed(0)} MB`, {
    met: residentMb(pid) < TARGET_MB,
    is: `under ${TARGET_MB} MB`,
  });
});
