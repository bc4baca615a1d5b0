import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import {
  byCodePoint,
  canonicalJson,
  Checkpoints,
  Projector,
  prepareProjections,
  splitStream,
  type EventStore,
  type Instant,
  type Projection,
  type RecordedEvent,
} from '#kernel';
import { deadlines } from '#resolutions';
import { createPool, createSql, migrate, type Connection } from '#stores';
import { disagreements, wholeLog } from '#apps/check-upgrade';
import { parseLines, type CommandLine } from '#apps/cli/lines';
import { completeness } from '#apps/completeness';
import { projections } from '#apps/compose';
import { deciders, liveDeciders } from '#apps/province';
import { Simulation } from '#apps/simulation';
import { silent } from '#test/kit/worker';
import type { Sent } from './clients.js';

export interface Verdict {
  faults: string[];
  events: number;
  rungs: number;
  /** Commands of people that had no effect in all this time: nothing is known of them. */
  unseen: string[];
}

/** Judges what is left of a deployment after all that was done to it, and writes what it judged into `folder`. */
export async function judge({
  connection,
  store,
  sent,
  now,
  folder,
}: {
  connection: Connection;
  store: EventStore;
  sent: readonly Sent[];
  now: Instant;
  folder: string;
}): Promise<Verdict> {
  const log: RecordedEvent[] = [];
  for await (const event of wholeLog(store)) log.push(event);
  const alarms = log.filter(({ stream, metadata }) => ofResolution(stream) && metadata.command === 'Settle');
  const write = (name: string, rows: readonly object[]): string => {
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    writeFileSync(join(folder, name), text);
    return text;
  };
  write('alarms.ndjson', alarms);
  write('log.ndjson', log);
  write('sent.ndjson', sent);
  // What is judged is the file, as `peygir simulate` would read it.
  const timeline = parseLines(write('timeline.ndjson', timelineOf(log, sent)), 'timeline.ndjson');
  const faults = [
    ...acknowledged(log, sent),
    ...(await simulated(log, timeline, now)),
    ...(await redecided(log)),
    ...(await rebuilt(connection, store)),
  ];
  const pool = createPool(connection);
  const compared = await completeness(createSql(pool), store);
  faults.push(...compared.faults, ...compared.waitingFaults);
  await pool.end();
  const seen = new Set(log.map(({ metadata }) => metadata.command));
  const ofPeople = deciders
    .flatMap(({ commands }) => Object.entries(commands))
    .filter(([, { roles }]) => roles.some((role) => role !== 'engine'));
  const unseen = ofPeople.map(([command]) => command).filter((command) => !seen.has(command));
  return { faults, events: log.length, rungs: alarms.length, unseen };
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

const ofResolution = (stream: string): boolean => stream.startsWith('resolution-');

/** Every acknowledged command is in the log exactly once, and nothing that nobody sent. */
function acknowledged(log: readonly RecordedEvent[], sent: readonly Sent[]): string[] {
  const faults: string[] = [];
  const byCommand = grouped(log, ({ metadata }) => metadata.commandId);
  if (new Set(log.map(({ id }) => id)).size !== log.length) faults.push('An event id is in the log twice.');
  const known = new Set(sent.map(({ commandId }) => commandId));
  for (const { commandId, command, id, events, refused, unsure } of sent) {
    const there = (byCommand.get(commandId) ?? []).map((event) => event.id);
    const expected = events?.map((event) => event.id) ?? [];
    if (!isDeepStrictEqual(there, expected) && (events || !unsure)) {
      faults.push(
        `${command} ${id} (${refused ?? 'done'}): answered ${expected.length} events, the log has ${there.length}.`,
      );
    }
  }
  for (const { metadata, type, stream } of log) {
    if (metadata.actor.role !== 'engine' && !known.has(metadata.commandId))
      faults.push(`${type} in ${stream}: nobody sent it.`);
  }
  return faults;
}

/** The log's own commands, in the order in which they were taken. */
function timelineOf(log: readonly RecordedEvent[], sent: readonly Sent[]) {
  const asked = new Map(sent.map((command) => [command.commandId, command]));
  const lines = new Map<string, Omit<CommandLine, 'line'>>();
  for (const { metadata, data } of log) {
    const found = asked.get(metadata.commandId);
    if (!found || lines.has(metadata.commandId)) continue;
    const { as, command, id, commandId, occurredAt, document } = found;
    // Late truth says of itself when it happened; when it was said is when it was registered.
    const at: Instant = data.registeredAt ?? metadata.occurredAt;
    lines.set(commandId, { at, as, command, id, data: found.data, commandId, occurredAt, document });
  }
  return [...lines.values()].sort((a, b) => byCodePoint(a.at, b.at));
}

/** Only a live province writes these. */
const LIVE = new Set(liveDeciders.map(({ aggregate }) => aggregate));

/**
 * Every rung and duty that fell due fired once, and nothing else did: the histories of all streams are those that the
 * same commands have on a virtual clock. How late a machine was (`firedAt`) is no part of it.
 */
async function simulated(log: readonly RecordedEvent[], timeline: readonly CommandLine[], now: Instant) {
  const faults: string[] = [];
  const told: RecordedEvent[] = [];
  const simulation = new Simulation((event) => told.push(event));
  for (const line of timeline) {
    const refusal = await simulation.send(line);
    if (refusal) faults.push(`${line.command} ${line.id} was accepted; a simulation refuses it: ${refusal.refused}.`);
  }
  await simulation.advance(now);
  // The clock has gone on since, and what fell due meanwhile has fired.
  const until = log.filter(({ metadata }) => metadata.occurredAt <= now);
  const [real, ideal] = [until, told].map((events) => grouped(events, ({ stream }) => stream));
  for (const stream of new Set([...real!.keys(), ...ideal!.keys()])) {
    const [aggregate] = splitStream(stream);
    if (LIVE.has(aggregate)) continue;
    const [was, should] = [real, ideal].map((all) => {
      const history = (all!.get(stream) ?? []).map(essence);
      // What policies bring to a case is about other streams, and may come in any order.
      return aggregate === 'case' ? history.toSorted(byText) : history;
    });
    const at = was!.findIndex((event, index) => !isDeepStrictEqual(event, should![index]));
    if (at < 0 && was!.length === should!.length) continue;
    const index = at < 0 ? was!.length : at;
    faults.push(
      `${stream} at ${index}: is ${JSON.stringify(was![index])}, should be ${JSON.stringify(should![index])}`,
    );
  }
  return faults;
}

function essence({ type, stream, data, metadata }: RecordedEvent): object {
  const { firedAt: _, ...rest } = data;
  const brought = stream.startsWith('case-') && metadata.actor.role === 'engine';
  return JSON.parse(JSON.stringify({ type, ...(!brought && { at: metadata.occurredAt }), data: rest })) as object;
}

const byText = (a: object, b: object) => byCodePoint(canonicalJson(a), canonicalJson(b));

async function redecided(log: readonly RecordedEvent[]): Promise<string[]> {
  const faults: string[] = [];
  for await (const found of disagreements(log[Symbol.iterator]() as never)) {
    if (ofResolution(found.stream)) faults.push(`Decided again, it differs: ${JSON.stringify(found)}`);
  }
  return faults;
}

/** What belongs to workers at work, not to the log. */
const VOLATILE = ['attempt', 'attempts', 'next_attempt_at', 'queued_at', 'notice', 'channel', 'failing'];

/** What is to be asked and was not yet: the log hears of it when it was. */
const ASKED = { position: 0, notice: null };

/** Read models are those of a rebuild in a fresh database. */
async function rebuilt(connection: Connection, store: EventStore): Promise<string[]> {
  const faults: string[] = [];
  const all: Projection[] = [...projections, deadlines()];
  const fresh = { ...connection, database: 'rebuilt' };
  const owner = new pg.Client({ ...connection });
  await owner.connect();
  await owner.query('create database rebuilt');
  await owner.end();
  await migrate(fresh);
  const pools = [createPool(connection), createPool(fresh)] as const;
  const [before, after] = pools.map(createSql);
  const checkpoints = new Checkpoints(after!);
  const follow = { store, checkpoints, log: silent };
  await prepareProjections(all, follow);
  const stop = new AbortController();
  const running = new Projector('rebuild', all, follow).run(stop.signal);
  const names = all.map(({ name }) => name);
  // Letters are still being recorded: what is compared must be as of one head, before and after.
  for (let head = ''; head !== (await store.head());) {
    head = await store.head();
    faults.length = 0;
    for (const each of [new Checkpoints(before!), checkpoints]) {
      if (!(await each.waitFor(names, head, 60_000))) faults.push(`It does not come to ${head}.`);
    }
    for (const table of all.flatMap(({ tables }) => tables)) {
      const rows = async (database: typeof before) =>
        (
          await database!.query<{ row: string }>(
            `select (to_jsonb(t) - $1::text[])::text as row from ${table} t where not to_jsonb(t) @> $2 order by 1`,
            [VOLATILE, ASKED],
          )
        ).rows;
      const [is, should] = await Promise.all([rows(before), rows(after)]);
      const at = is.findIndex(({ row }, index) => row !== should[index]?.row);
      if (at < 0 && is.length === should.length) continue;
      const index = at < 0 ? is.length : at;
      faults.push(
        `${table} (${is.length} rows, ${should.length} rebuilt): ${is[index]?.row} | rebuilt: ${should[index]?.row}`,
      );
    }
  }
  stop.abort();
  await running;
  await Promise.all(pools.map((pool) => pool.end()));
  return faults;
}
