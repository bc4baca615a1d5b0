/**
 * One case, with everything linked to it, as of any instant: it must not matter how long the log is. REPLAY_EVENTS sets
 * its length (1,000,000: ten years of a province).
 */
import { readFileSync } from 'node:fs';
import { BEGINNING, type RecordedEvent } from '#kernel';
import { createPool, migrate, PostgresEventStore } from '#stores';
import { parseLines } from '#apps/cli/lines';
import { deciders } from '#apps/province';
import { Replay } from '#apps/replay';
import { Simulation } from '#apps/simulation';
import { quantile, report, spread, withPostgres } from './kit.js';

const EVENTS = Number(process.env['REPLAY_EVENTS'] ?? 1_000_000);
const FILE = 'apps/cli/data/economic-tuesdays.ndjson';
const ASKED = 300;

const tuesdays: RecordedEvent[] = [];
const simulation = new Simulation((event) => tuesdays.push(event));
for (const line of parseLines(readFileSync(FILE, 'utf8'), FILE)) await simulation.send(line);
await simulation.advance('2026-11-22T08:30:00.000Z');
/** The same story under other names: `c-017` becomes `c-017.3`, wherever it is named. */
const ids = new Set(tuesdays.map(({ stream }) => stream.slice(stream.indexOf('-') + 1)));
const rename = (text: string, copy: number) =>
  text.replaceAll(/"([A-Za-z0-9._-]+)"/g, (whole, id: string) => (ids.has(id) ? `"${id}.${copy}"` : whole));
const written = tuesdays.map(({ data, metadata }) => [JSON.stringify(data), JSON.stringify(metadata)] as const);

await withPostgres(async (connection) => {
  await migrate(connection);
  const owner = createPool(connection, { max: 1 });
  await owner.query('set role none');
  let position = 0;
  for (let copy = 0; position < EVENTS; copy += 1) {
    await owner.query(
      `insert into log.events (position, stream, revision, id, type, data, metadata, recorded_at)
       select $1 + n, s, r, gen_random_uuid(), t, d, m, at::timestamptz
       from unnest($2::text[], $3::int[], $4::text[], $5::json[], $6::json[], $7::text[])
         with ordinality as e (s, r, t, d, m, at, n)`,
      [
        position,
        tuesdays.map(({ stream }) => `${stream}.${copy}`),
        tuesdays.map(({ revision }) => revision),
        tuesdays.map(({ type }) => type),
        written.map(([data]) => rename(data, copy)),
        written.map(([, metadata]) => metadata),
        tuesdays.map(({ recordedAt }) => recordedAt),
      ],
    );
    position += tuesdays.length;
  }
  await owner.query('update log.head set position = $1', [position]);
  await owner.query('analyze log.events');
  await owner.end();

  const pool = createPool(connection, { max: 12 });
  const store = new PostgresEventStore(pool);
  const replay = new Replay(store, deciders);
  const cases = tuesdays.filter(({ type }) => type === 'CaseTabled').map(({ stream }) => stream);
  const copies = Math.ceil(position / tuesdays.length);
  const instants = ['2026-08-25T12:00:00.000Z', '2026-09-22T08:30:00.000Z', undefined];
  const measured = async (axis: 'asOf' | 'validAt') => {
    const ms: number[] = [];
    for (let n = 0; n < ASKED; n += 1) {
      const stream = `${cases[(n * 7) % cases.length]}.${(n * 131) % copies}`;
      const began = performance.now();
      const at = instants[n % 3];
      await replay.linked(stream, at === undefined ? {} : { [axis]: at }).catch(() => []); // not yet there then
      ms.push(performance.now() - began);
    }
    return ms;
  };
  await store.readAll(BEGINNING, 1);
  await measured('asOf'); // connections and plans
  for (const axis of ['asOf', 'validAt'] as const) {
    const ms = await measured(axis);
    const what = `a case with what is linked to it, ${axis}, in ${position.toLocaleString('en')} events`;
    report(what, spread(ms), { met: quantile(ms, 0.99) < 20, is: 'p99 < 20 ms' });
  }
  await pool.end();
});
