/**
 * A million events (or as many as are asked for) are saved, put back into an empty deployment, and served again; beside
 * it, the same tables filled inside the database, with their indexes, by one statement each. A second argument names a
 * folder that is kept; what was saved in it before is not made again.
 */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ERASER } from '#erasure';
import { Projector, sealing } from '#kernel';
import { deadlines } from '#resolutions';
import { applicationTables, startEmbeddedPostgres } from '#stores';
import { EVENTS, OPENINGS } from '#apps/backup-file';
import { readConfig } from '#apps/config';
import { followersOf, openDeployment } from '#apps/deployment';
import { deciders, liveDeciders } from '#apps/province';
import { peygir } from '#test/kit/cli';
import { silent } from '#test/kit/worker';
import { limitSeconds, perSecond, rate, report, seconds, withFolder } from './kit.js';
import { fillLog, tuesdays } from './log.kit.js';

const COUNT = Number(process.argv[2] ?? 1_000_000);
const TARGET_SECONDS = 120;

const envOf = (PEYGIR_DATA: string) => ({ PEYGIR_DATA, PORT: '0', LOG_LEVEL: 'error', DATABASE_URL: '', SMTP_URL: '' });

async function run(data: string, ...args: string[]): Promise<string> {
  const { said, ended } = peygir(args, envOf(data));
  if ((await ended) !== 0) throw new Error(said.err);
  return said.out.trim();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1_000;
}

/** A deployment with a long past, of which nothing is due just now. */
async function made(data: string): Promise<void> {
  const config = readConfig(envOf(data));
  const { address, database, store, checkpoints, close } = await openDeployment(config, silent, true);
  const seal = sealing([...deciders, ...liveDeciders]);
  const { events } = await fillLog(address as pg.ClientConfig, COUNT, await tuesdays(new Date().toISOString()), seal);
  const head = await store.head();
  const followers = [...(await followersOf(config)), deadlines()];
  const stop = new AbortController();
  const folded = await perSecond(async () => {
    const running = new Projector('bench', followers, { store, checkpoints, log: silent }).run(stop.signal);
    while (
      !(await checkpoints
        .waitFor(
          followers.map(({ name }) => name),
          head,
          5_000,
        )
        .catch(() => sleep(100)))
    );
    stop.abort();
    await running;
    return events;
  });
  report(`${events.toLocaleString('en')} events, ${followers.length} read models of them`, rate(folded));
  await database.query(
    'insert into checkpoints (name, version, position) select name, 1, $2 from unnest($1::text[]) as name',
    [['policies', ERASER], head],
  );
  await close();
}

/** Until it is ready, and a read is answered as of the end of the log. @returns seconds until then */
async function served(data: string, head: string): Promise<number> {
  const begin = performance.now();
  const { child, said, ended } = peygir(['start'], envOf(data));
  try {
    let url: string | undefined;
    while (!(url = /on (http:\S+)/.exec(said.err)?.[1])) {
      if (child.exitCode !== null) throw new Error(said.err);
      await sleep(20);
    }
    while (!(await fetch(`${url}/health/ready`).then(({ ok }) => ok))) await sleep(20);
    const ready = (performance.now() - begin) / 1_000;
    const headers = { authorization: `Bearer ${await run(data, 'token', '--role', 'governor')}` };
    let late = 0;
    for (const what of ['cases', 'resolutions', 'obligations?status=missed']) {
      late += await timed(async () => {
        const sign = what.includes('?') ? '&' : '?';
        const answer = await fetch(`${url}/v1/${what}${sign}minPosition=${head}`, { headers });
        const { items } = (await answer.json()) as { items: unknown[] };
        if (items.length === 0 || answer.headers.has('x-as-of')) throw new Error(`${what} are not what was saved`);
      });
    }
    return ready + late;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** The same rows into tables like those they came from: nothing read from a file, opened or checked. */
async function least(data: string): Promise<number> {
  const server = await startEmbeddedPostgres(data);
  const client = new pg.Client(server.connection);
  await client.connect();
  const tables = [EVENTS, OPENINGS, ...(await applicationTables(client))];
  await client.query('create schema plain');
  const took = await timed(async () => {
    for (const { table, columns } of tables) {
      const [like, list] = [`plain."${table}"`, columns.map((name) => `"${name}"`).join(', ')];
      await client.query(`create table ${like} (like ${table} including all excluding identity)`);
      await client.query(`insert into ${like} (${list}) select ${list} from ${table}`);
    }
  });
  await client.query('drop schema plain cascade');
  await client.end();
  await server.stop();
  return took;
}

async function measured(folder: string): Promise<void> {
  const [first, second, file] = ['first', 'second', 'a.peygir'].map((name) => join(folder, name)) as [string, string, string]; // prettier-ignore
  if (!existsSync(file)) {
    await made(first);
    const took = await timed(() => run(first, 'backup', file));
    report('backup', `${seconds(took)}, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
  }
  rmSync(second, { recursive: true, force: true });
  const head = /position (\d+)/;
  const began = performance.now();
  const { said, ended } = peygir(['restore', file], envOf(second));
  if ((await ended) !== 0) throw new Error(said.err);
  const restored = (performance.now() - began) / 1_000;
  const ready = await served(second, head.exec(said.err)![1]!);
  const all = restored + ready;
  report(
    'restored, and serving',
    `${seconds(restored)} + ${seconds(ready)}`,
    { met: all < TARGET_SECONDS, is: `under ${TARGET_SECONDS} s` },
    limitSeconds('the same tables filled inside the database', await least(second), all),
  );
  report('peygir doctor on it', seconds(await timed(() => run(second, 'doctor'))));
}

const kept = process.argv[3];
if (kept === undefined) await withFolder(measured);
else {
  mkdirSync(kept, { recursive: true });
  await measured(kept);
}
