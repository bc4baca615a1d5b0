/** Long logs, and what a table takes that is nothing but a table. */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { NewEvent, RecordedEvent } from '#kernel';
import type { Connection } from '#stores';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { event } from './kit.js';

export const TUESDAYS = 'apps/cli/data/economic-tuesdays.ndjson';
export const UNTIL = '2026-11-22T08:30:00.000Z';

/** The nine Economic Tuesdays and what follows from them. */
export async function tuesdays(): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const simulation = new Simulation((event) => events.push(event));
  for (const line of parseLines(readFileSync(TUESDAYS, 'utf8'), TUESDAYS)) await simulation.send(line);
  await simulation.advance(UNTIL);
  return events;
}

/** These belong to the province and stand once, however often its story is told. */
const ONCE = new Set(['calendar', 'ladder', 'agency', 'workingGroup']);

/**
 * As many events as asked for, or a few more: the same story under other names, `c-017` as `c-017.3` wherever it is
 * named. @returns how many copies there are, and how many events
 */
export async function fillLog(connection: Connection, atLeast: number, story: readonly RecordedEvent[]) {
  const [once, told] = [story.filter(isOnce), story.filter((event) => !isOnce(event))];
  const ids = new Set(told.map(({ stream }) => stream.slice(stream.indexOf('-') + 1)));
  const names = /"([A-Za-z0-9._-]+)"/g;
  const rename = (text: string, copy: number) =>
    text.replaceAll(names, (whole, id: string) => (ids.has(id) ? `"${id}.${copy}"` : whole));
  const texts = new Map(
    story.map((event) => [event, [event.data, event.metadata].map((part) => JSON.stringify(part))]),
  );
  const owner = new pg.Client(connection);
  await owner.connect();
  let position = 0;
  const insert = async (events: readonly RecordedEvent[], copy?: number) => {
    await owner.query(
      `insert into log.events (position, stream, revision, id, type, data, metadata, recorded_at)
       select $1 + n, s, r, gen_random_uuid(), t, d, m, at
       from unnest($2::text[], $3::int[], $4::text[], $5::json[], $6::json[], $7::timestamptz[])
         with ordinality as e (s, r, t, d, m, at, n)`,
      [
        position,
        events.map(({ stream }) => (copy === undefined ? stream : `${stream}.${copy}`)),
        events.map(({ revision }) => revision),
        events.map(({ type }) => type),
        events.map((event) => (copy === undefined ? texts.get(event)![0] : rename(texts.get(event)![0]!, copy))),
        events.map((event) => texts.get(event)![1]),
        events.map(({ recordedAt }) => recordedAt),
      ],
    );
    position += events.length;
  };
  await insert(once);
  let copies = 0;
  while (position < atLeast) await insert(told, copies++);
  await owner.query('update log.head set position = $1', [position]);
  await owner.query('analyze log.events');
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
