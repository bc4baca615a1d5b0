/** Read models made anew from a long log: all of them on one reading, then each alone, to see who is slow. */
import { readFileSync } from 'node:fs';
import { Checkpoints, Projector, type Projection, type RecordedEvent } from '#kernel';
import { deadlines } from '#resolutions';
import { createPool, createSql, migrate, PostgresEventStore } from '#stores';
import { parseLines } from '#apps/cli/lines';
import { projections } from '#apps/compose';
import { Simulation } from '#apps/simulation';
import { silent } from '#test/kit/worker';
import { report, withPostgres } from './kit.js';

const EVENTS = Number(process.argv[2] ?? 160_000);
const FILE = 'apps/cli/data/economic-tuesdays.ndjson';

const tuesdays: RecordedEvent[] = [];
const simulation = new Simulation((event) => tuesdays.push(event));
for (const line of parseLines(readFileSync(FILE, 'utf8'), FILE)) await simulation.send(line);
await simulation.advance('2026-11-22T08:30:00.000Z');
const once = new Set(['calendar', 'ladder', 'agency', 'workingGroup']);
const aggregateOf = (stream: string) => stream.slice(0, stream.indexOf('-'));
const idOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);
const ids = new Set(tuesdays.filter(({ stream }) => !once.has(aggregateOf(stream))).map(({ stream }) => idOf(stream)));
/** Another province's Tuesdays: the same story under other names. */
const renamed = (value: unknown, copy: number): unknown =>
  JSON.parse(JSON.stringify(value), (_, each: unknown) =>
    typeof each === 'string' && ids.has(each) ? `${each}.${copy}` : each,
  );

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 4 });
  const owner = createPool(connection, { max: 1 });
  await owner.query('set role none');
  let position = 0;
  for (let copy = 0; position < EVENTS; copy++) {
    const rows = tuesdays.filter(({ stream }) => copy === 0 || !once.has(aggregateOf(stream)));
    await owner.query(
      `insert into log.events select $1 + n, s, r, gen_random_uuid(), t, d, m, now()
       from unnest($2::text[], $3::int[], $4::text[], $5::json[], $6::json[]) with ordinality as e (s, r, t, d, m, n)`,
      [
        position,
        rows.map(({ stream }) => (once.has(aggregateOf(stream)) ? stream : `${stream}.${copy}`)),
        rows.map(({ revision }) => revision),
        rows.map(({ type }) => type),
        rows.map(({ data }) => JSON.stringify(renamed(data, copy))),
        rows.map(({ metadata }) => JSON.stringify(metadata)),
      ],
    );
    position += rows.length;
  }
  await owner.query('update log.head set position = $1', [position]);
  await owner.query('analyze log.events');
  await owner.end();
  const store = new PostgresEventStore(pool);
  const run = async (what: string, all: readonly Projection[], limit: number) => {
    const checkpoints = new Checkpoints(createSql(pool));
    const stop = new AbortController();
    const begin = performance.now();
    const running = new Projector(what, all, { store, checkpoints, log: silent }).run(stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    let at = '0';
    while (performance.now() - begin < limit) {
      if (
        await checkpoints.waitFor(
          all.map(({ name }) => name),
          await store.head(),
          2_000,
        )
      )
        break;
    }
    at = (await checkpoints.read([all[0]!.name])).get(all[0]!.name)!.position;
    const seconds = (performance.now() - begin) / 1_000;
    stop.abort();
    await running;
    report(what, `${at} events, ${seconds.toFixed(1)} s, ${(Number(at) / seconds).toFixed(0)}/s`);
    await pool.query(
      `drop table if exists checkpoints; ${all.flatMap(({ tables }) => tables.map((t) => `drop table if exists ${t} cascade`)).join(';')}`,
    );
  };
  for (const projection of [deadlines(), ...projections]) await run(projection.name, [projection], 12_000);
  await pool.end();
});
