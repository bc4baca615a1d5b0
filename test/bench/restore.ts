/** A million events (or as many as are asked for) are saved, put back into an empty deployment, and served again. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { embeddedConnection } from '#stores';
import { peygir } from '#test/kit/cli';
import { report, withFolder } from './kit.js';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const TARGET_SECONDS = 120;

/** The nine Tuesdays, over and over, under other names. Their streams keep their order and their revisions. */
const FILL = `
  with events as (select * from log.events), times as (select count(*) as n, max(position) as last from events)
  insert into log.events
  select e.position + t.last * g, e.stream || '-' || g, e.revision, gen_random_uuid(), e.type, e.data, e.metadata, e.recorded_at
  from times t, generate_series(1, $1 / t.n) g, events e
  where e.stream not like 'calendar-%' and e.stream not like 'ladder-%' and e.stream not like 'agency-%'`;

await withFolder(async (folder) => {
  const [first, second, file] = [join(folder, 'first'), join(folder, 'second'), join(folder, 'a.peygir')];
  const envOf = (PEYGIR_DATA: string) => ({
    PEYGIR_DATA,
    PORT: '0',
    LOG_LEVEL: 'error',
    DATABASE_URL: '',
    SMTP_URL: '',
  });
  const run = async (data: string, ...args: string[]) => {
    const begin = performance.now();
    const { said, ended } = peygir(args, envOf(data));
    if ((await ended) !== 0) throw new Error(said.err);
    return (performance.now() - begin) / 1_000;
  };
  /** Until it answers that it is ready and nobody is behind; `work` meanwhile. */
  const served = async (data: string, work: (url: string) => Promise<void> = async () => {}) => {
    const begin = performance.now();
    const { child, said, ended } = peygir(['start'], envOf(data));
    try {
      let url: string | undefined;
      while (!(url = /on (http:\S+)/.exec(said.err)?.[1])) {
        if (child.exitCode !== null) throw new Error(said.err);
        await sleep(20);
      }
      while (!(await fetch(`${url}/health/ready`).then(({ ok }) => ok))) await sleep(20);
      const seconds = (performance.now() - begin) / 1_000;
      await work(url);
      return seconds;
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  };
  await served(first, async (url) => {
    await run(first, 'load', 'apps/cli/data/economic-tuesdays.ndjson', '--server', url);
    const client = new pg.Client(embeddedConnection(first));
    await client.connect();
    await client.query(FILL, [EVENTS]);
    await client.query('update log.head set position = (select max(position) from log.events)');
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from log.events');
    report('events in the log', String(rows[0]!.n));
    const filled = performance.now();
    // Followers are not told of rows put in by hand; they look every few seconds.
    const behind = async () =>
      (await (await fetch(`${url}/metrics`)).text()).matchAll(/^peygir_subscriber_lag_seconds\{.*\} (\S+)$/gm);
    await sleep(10_000);
    while ([...(await behind())].some(([, lag]) => Number(lag) > 0)) await sleep(1_000);
    report('read models of them made', `${((performance.now() - filled) / 1_000).toFixed(1)} s`);
    await client.end();
  });
  report('backup', `${(await run(first, 'backup', file)).toFixed(1)} s, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
  const restored = await run(second, 'restore', file);
  const ready = await served(second);
  report('restored, and serving', `${restored.toFixed(1)} + ${ready.toFixed(1)} s`, {
    met: restored + ready < TARGET_SECONDS,
    is: `under ${TARGET_SECONDS} s`,
  });
  report('peygir doctor on it', `${(await run(second, 'doctor')).toFixed(1)} s`);
});
