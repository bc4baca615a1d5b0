/**
 * The time machine on a long log: what it costs to make its keyframes once, what they take up, and how long a page of
 * the record takes at a moment that nobody has asked for before. `npm run bench -- past` (PAST_EVENTS: 200,000).
 */
import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#kernel';
import { createPool, createSql, migrate, openSession, PostgresEventStore } from '#stores';
import { Past } from '#apps/api/past';
import { parseLines } from '#apps/cli/lines';
import { allQueries, recordProjections } from '#apps/read-models';
import { Simulation } from '#apps/simulation';
import { shaped } from '#kernel';
import { quantile, report, spread, withPostgres } from './kit.js';

const EVENTS = Number(process.env['PAST_EVENTS'] ?? 200_000);
const ASKED = 20;
const FILE = 'apps/cli/data/economic-tuesdays.ndjson';
const WEEK_MS = 7 * 86_400_000;

const tuesdays: RecordedEvent[] = [];
const simulation = new Simulation((event) => tuesdays.push(event));
for (const line of parseLines(readFileSync(FILE, 'utf8'), FILE)) await simulation.send(line);
await simulation.advance('2026-11-22T08:30:00.000Z');
const once = /^(calendar|ladder|agency|workingGroup)-/;
const idOf = (stream: string) => stream.slice(stream.indexOf('-') + 1);
const ids = new Set(tuesdays.filter(({ stream }) => !once.test(stream)).map(({ stream }) => idOf(stream)));
/** The same story under other names, so many weeks later. */
const retold = (text: string, week: number) =>
  text.replaceAll(/"([A-Za-z0-9._:-]+)"/g, (whole, value: string) => {
    if (ids.has(value)) return `"${value}.${week}"`;
    return /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? `"${later(value, week)}"` : whole;
  });
const later = (value: string, week: number) =>
  new Date(Date.parse(value) + week * WEEK_MS).toISOString().slice(0, value.length === 10 ? 10 : 24);

await withPostgres(async (connection) => {
  await migrate(connection);
  const owner = createPool(connection, { max: 1 });
  await owner.query('set role none');
  const weeks = Math.ceil(EVENTS / tuesdays.length);
  // Nine sessions a story: as many of them run side by side as a province has a year's work in hand.
  const all = tuesdays.flatMap((event, index) => Array.from({ length: weeks }, (_, week) => ({ event, index, week })));
  const at = ({ event, week }: (typeof all)[number]) => Date.parse(event.recordedAt) + week * WEEK_MS;
  const line = all.filter(({ event, week }) => week === 0 || !once.test(event.stream));
  line.sort((a, b) => at(a) - at(b) || a.week - b.week || a.index - b.index);
  for (let from = 0; from < line.length; from += 5_000) {
    const part = line.slice(from, from + 5_000);
    await owner.query(
      `insert into log.events (position, stream, revision, id, type, data, metadata, recorded_at)
       select $1 + n, s, r, gen_random_uuid(), t, d, m, at::timestamptz
       from unnest($2::text[], $3::int[], $4::text[], $5::json[], $6::json[], $7::text[])
         with ordinality as e (s, r, t, d, m, at, n)`,
      [
        from,
        part.map(({ event: { stream }, week }) => (once.test(stream) ? stream : `${stream}.${week}`)),
        part.map(({ event }) => event.revision),
        part.map(({ event }) => event.type),
        part.map(({ event, week }) => retold(JSON.stringify(event.data), week)),
        part.map(({ event, week }) => retold(JSON.stringify(event.metadata), week)),
        part.map((one) => new Date(at(one)).toISOString()),
      ],
    );
  }
  await owner.query('update log.head set position = $1', [line.length]);
  await owner.query('analyze log.events');
  const sizeOf = async (schemas: string) => {
    const { rows } = await owner.query<{ size: number }>(
      `select coalesce(sum(pg_total_relation_size(oid)), 0)::float8 as size from pg_class
       where relkind = 'r' and relnamespace::regnamespace::text ~ $1`,
      [schemas],
    );
    return rows[0]!.size;
  };
  report('events in the log', line.length.toLocaleString('en'));

  const pool = createPool(connection, { max: 12 });
  const first = at(line[0]!);
  const now = at(line.at(-1)!) + 2 * 86_400_000;
  const clock = { now: () => new Date(now).toISOString() };
  const past = new Past(new PostgresEventStore(pool), clock, recordProjections, createSql(pool), () =>
    openSession(pool),
  );
  const began = performance.now();
  await past.keepAll();
  report('keyframes of both axes made, once', `${((performance.now() - began) / 1_000).toFixed(1)} s`);
  const ratio = (await sizeOf('^past')) / (await sizeOf('^log$'));
  report('what they take up, of what the log does', `${ratio.toFixed(2)} times`);

  const pages = [
    'sessions?limit=1',
    'working-groups/facilitation/summary',
    'obligations?status=missed',
    'cases?limit=50',
    'search?q=نقدینگی',
  ];
  const ask = async (page: string, axis: 'asOf' | 'validAt', instant: number) => {
    const [path, search] = page.split('?');
    for (const query of allQueries()) {
      const named = new RegExp(`^${query.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(path!);
      if (!named) continue;
      const params = shaped(query.params, { ...Object.fromEntries(new URLSearchParams(search)), ...named.groups });
      await past.ask(query, params, { id: 'g', role: 'governor' }, { axis, at: new Date(instant).toISOString() });
      return;
    }
    throw new Error(page);
  };
  for (const axis of ['asOf', 'validAt'] as const) {
    const fresh: number[] = [];
    const again = new Map<string, number[]>(pages.map((page) => [page, []]));
    for (let n = 1; n <= ASKED; n++) {
      // Backwards, so that nothing can be carried on.
      const instant = now - Math.round(((now - first) * n) / (ASKED + 1)) + 3_600_000 * (n % 7);
      for (const [index, page] of [pages[0]!, ...pages].entries()) {
        const asked = performance.now();
        await ask(page, axis, instant);
        (index === 0 ? fresh : again.get(page)!).push(performance.now() - asked);
      }
    }
    report(`a moment not asked for before, ${axis}`, spread(fresh), {
      met: quantile(fresh, 0.5) < 5_000,
      is: 'p50 < 5 s',
    });
    for (const [page, ms] of again) report(`  then ${page}`, spread(ms));
  }
  past.close();
  await pool.end();
  await owner.end();
});
