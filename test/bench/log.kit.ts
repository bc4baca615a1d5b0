/** Long logs, and what a table takes that is nothing but a table. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { NewEvent, RecordedEvent, Sealing } from '#kernel';
import type { Connection } from '#stores';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { event } from './kit.js';

export const TUESDAYS = 'apps/cli/data/economic-tuesdays.ndjson';
export const UNTIL = '2026-11-22T08:30:00.000Z';

/** The nine Economic Tuesdays and what follows from them. */
export async function tuesdays(until = UNTIL): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const simulation = new Simulation((event) => events.push(event));
  for (const line of parseLines(readFileSync(TUESDAYS, 'utf8'), TUESDAYS)) await simulation.send(line);
  await simulation.advance(until);
  return events;
}

/** These belong to the province and stand once, however often its story is told. */
const ONCE = new Set(['calendar', 'ladder', 'agency', 'workingGroup']);

/**
 * As many events as asked for, or a few more: the same story under other names, `c-017` as `c-017.3` wherever it is
 * named; sealed, if it is said how. @returns how many copies there are, and how many events
 */
export async function fillLog(
  connection: pg.ClientConfig,
  atLeast: number,
  story: readonly RecordedEvent[],
  seal: Sealing = (event) => ({ event, openings: [] }),
) {
  const [once, told] = [story.filter(isOnce), story.filter((event) => !isOnce(event))];
  const ids = new Set(told.map(({ stream }) => stream.slice(stream.indexOf('-') + 1)));
  const names = /"([A-Za-z0-9._-]+)"/g;
  const renamed = (value: unknown, copy: number): unknown =>
    JSON.parse(
      JSON.stringify(value).replaceAll(names, (whole, id: string) => (ids.has(id) ? `"${id}.${copy}"` : whole)),
    );
  const owner = new pg.Client(connection);
  await owner.connect();
  let position = 0;
  const insert = async (events: readonly RecordedEvent[]) => {
    const sealed = events.map((event) => seal({ ...event, id: randomUUID() }, event.stream));
    await owner.query(
      `insert into log.events (position, stream, revision, id, type, data, metadata, recorded_at)
       select $1 + n, s, r, i, t, d, m, at
       from unnest($2::text[], $3::int[], $4::uuid[], $5::text[], $6::json[], $7::json[], $8::timestamptz[])
         with ordinality as e (s, r, i, t, d, m, at, n)`,
      [
        position,
        events.map(({ stream }) => stream),
        events.map(({ revision }) => revision),
        sealed.map(({ event: { id } }) => id),
        events.map(({ type }) => type),
        sealed.map(({ event: { data } }) => JSON.stringify(data)),
        events.map(({ metadata }) => JSON.stringify(metadata)),
        events.map(({ recordedAt }) => recordedAt),
      ],
    );
    const openings = sealed.flatMap(({ event: { id }, openings: each }) => each.map((opening) => ({ ...opening, id })));
    await owner.query(
      `insert into vault.openings (commitment, event, path, salt, value)
       select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::bytea[], $5::text[])`,
      [
        openings.map(({ commitment }) => commitment),
        openings.map(({ id }) => id),
        openings.map(({ path }) => path),
        openings.map(({ salt }) => salt),
        openings.map(({ value }) => value),
      ],
    );
    position += events.length;
  };
  await insert(once);
  let copies = 0;
  for (; position < atLeast; copies++) {
    await insert(
      told.map((event) => ({ ...event, stream: `${event.stream}.${copies}`, data: renamed(event.data, copies) })),
    );
  }
  await owner.query('update log.head set position = $1', [position]);
  await owner.query('vacuum analyze log.events, vault.openings');
  await owner.end();
  return { copies, events: position };
}

const isOnce = ({ stream }: RecordedEvent): boolean => ONCE.has(stream.slice(0, stream.indexOf('-')));

export const AS_MANY = 'as many events put into a plain table, 500 in a commit';

/** A table like the log's own, with its indexes, into which one connection puts rows as fast as it can. */
export async function plainLog(connection: Connection) {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query('create schema if not exists plain; create table plain.events (like log.events including all)');
  let position = 0;
  const plain = {
    /** One statement, one commit. */
    async insert(events: readonly NewEvent[]): Promise<void> {
      await client.query({
        name: 'plain-insert',
        text: `insert into plain.events select $1::bigint + n, 'case-' || i, 0, i, t, d, m, now()
               from unnest($2::uuid[], $3::text[], $4::json[], $5::json[]) with ordinality as e (i, t, d, m, n)`,
        values: [
          position,
          events.map(({ id }) => id),
          events.map(({ type }) => type),
          events.map(({ data }) => JSON.stringify(data)),
          events.map(({ metadata }) => JSON.stringify(metadata)),
        ],
      });
      position += events.length;
    },
    /** Puts so many in, 500 in a commit. @returns seconds */
    async fill(count: number): Promise<number> {
      const begin = performance.now();
      for (let n = 0; n < count; n += 500) await plain.insert(Array.from({ length: Math.min(500, count - n) }, event));
      return (performance.now() - begin) / 1_000;
    },
    end: () => client.end(),
  };
  return plain;
}
