import {
  comparePositions,
  type Database,
  type Instant,
  type Position,
  type Projection,
  type RecordedEvent,
  type Sql,
} from '#kernel';
import { CalendarHistory, instantAt, localDay, type CalendarChange } from '#calendar';
import { leafBytes } from './leaf.js';
import { checkpointText, formatNote, parseSignedCheckpoint, signNote, type SignerKey } from './note.js';
import { nodesFrom, TILE_WIDTH, tileWidth } from './tiles.js';
import { EMPTY_ROOT, Frontier, leafHash, sameHash, type Hash } from './tree.js';

/** After these the log commits itself: nobody shall be able to say later that it was decided or communicated otherwise. */
const CHECKPOINT_AFTER = ['MinutesSigned', 'ResolutionCommunicated'];
/** The province's own calendar says when a business day closes; until it is defined, midnight here. */
const OFFICES = 'calendar-offices';
const ZONE = 'Asia/Tehran';
const LONGEST_BREAK_DAYS = 30;

/**
 * The Merkle log: every event in global order as a leaf, in the projection's own transaction, so a leaf is neither lost
 * nor doubled. Checkpoints are signed after minutes and communications, and for every business day when the offices close
 * (by the clock: {@link signClosedDay}; at the latest before the next event); others on demand ({@link signHead}).
 *
 * Checkpoints outlive a rebuild, and every one is compared with the tree that grows again: a log that was changed behind
 * our back stops here, with the size at which it no longer is what was signed.
 */
export const merkleLog = (key: SignerKey): Projection => ({
  name: 'merkle',
  version: 2,
  schema: `
    create table if not exists audit_tiles (level integer, index bigint, hashes bytea not null, primary key (level, index));
    create table if not exists audit_leaves (
      index bigint primary key, position bigint not null unique, stream text collate "C" not null, revision integer not null,
      command_id text collate "C", sender text, agency text, unit text);
    create index if not exists audit_leaves_command on audit_leaves (command_id) where command_id is not null;
    create table if not exists audit_calendar (position bigint primary key, change jsonb not null);
    create table if not exists audit_head (
      one boolean primary key default true check (one), size bigint not null, root bytea not null, recorded_at text not null);
    create table if not exists audit_checkpoints (
      size bigint primary key, root bytea not null, note text not null, reason text not null, signed_at timestamptz not null default now());`,
  tables: ['audit_tiles', 'audit_leaves', 'audit_calendar', 'audit_head'],
  on: '*',
  apply: (events, sql) => append(events, sql, key),
});

export interface Head {
  size: number;
  root: Hash;
  /** `recordedAt` of the last leaf; '' when there is none. */
  recordedAt: string;
}

export async function readHead(sql: Sql): Promise<Head> {
  const { rows } = await sql.query<{ size: string; root: Buffer; recorded_at: string }>('select * from audit_head');
  const row = rows[0];
  if (!row) return { size: 0, root: EMPTY_ROOT, recordedAt: '' };
  return { size: Number(row.size), root: bytes(row.root), recordedAt: row.recorded_at };
}

const bytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer);

/** A tile's bytes as far as they go; empty when there is no such tile. */
export async function readTile(sql: Sql, level: number, index: number): Promise<Uint8Array> {
  const { rows } = await sql.query<{ hashes: Buffer }>(
    'select hashes from audit_tiles where level = $1 and index = $2',
    [level, index],
  );
  return rows[0] ? bytes(rows[0].hashes) : new Uint8Array(0);
}

/** The frontier lies in the partial tiles of the right edge: one a level. */
async function readFrontier(sql: Sql, size: number): Promise<{ frontier: Frontier; tiles: Map<string, Tile> }> {
  const tiles = new Map<string, Tile>();
  for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    if (tileWidth(level, index, size) === 0) continue;
    const hashes = await readTile(sql, level, index);
    tiles.set(`${level}/${index}`, { level, index, hashes: [hashes] });
  }
  const nodes = nodesFrom(size, async (level, index) => tiles.get(`${level}/${index}`)!.hashes[0]!);
  return { frontier: await Frontier.resume(size, nodes), tiles };
}

interface Tile {
  level: number;
  index: number;
  /** What was there, and what is added. */
  hashes: Uint8Array[];
}

async function append(events: readonly RecordedEvent[], sql: Sql, key: SignerKey): Promise<void> {
  const head = await readHead(sql);
  const { frontier, tiles } = await readFrontier(sql, head.size);
  const changed = new Set<Tile>();
  const keep = (height: number, node: number, hash: Hash) => {
    if (height % 8 > 0) return;
    const [level, index] = [height / 8, Math.floor(node / TILE_WIDTH)];
    let tile = tiles.get(`${level}/${index}`);
    if (!tile) tiles.set(`${level}/${index}`, (tile = { level, index, hashes: [] }));
    tile.hashes.push(hash);
    changed.add(tile);
  };
  const signed: Signed[] = [];
  const sign = (reason: string) => signed.push(signedAt({ size: frontier.size, root: frontier.root() }, key, reason));
  let { recordedAt } = head;
  let offices = await readOffices(sql);
  let closes = recordedAt && closingAfter(recordedAt, offices);
  for (const event of events) {
    if (recordedAt && closes <= event.recordedAt) sign('day');
    frontier.append(leafHash(leafBytes(event)), keep);
    recordedAt = event.recordedAt;
    if (event.stream === OFFICES) {
      const { type, data, revision, position, metadata } = event;
      offices = offices.with({ type, data, revision, position, at: metadata.occurredAt } as CalendarChange);
      closes = '';
    }
    if (closes <= recordedAt) closes = closingAfter(recordedAt, offices);
    if (CHECKPOINT_AFTER.includes(event.type)) sign(event.type);
  }
  await saveTiles(sql, [...changed]);
  await saveLeaves(sql, head.size, events);
  await saveOffices(sql, offices.changes, events[0]!.position);
  await sql.query(
    `insert into audit_head (size, root, recorded_at) values ($1, $2, $3)
     on conflict (one) do update set size = excluded.size, root = excluded.root, recorded_at = excluded.recorded_at`,
    [frontier.size, Buffer.from(frontier.root()), recordedAt],
  );
  await saveCheckpoints(sql, signed, head.size, frontier.size);
}

/** Where each leaf is, and whose command it was: the engine's own are nobody's to ask a receipt for. */
async function saveLeaves(sql: Sql, size: number, events: readonly RecordedEvent[]): Promise<void> {
  const by = events.map(({ metadata: { actor, commandId } }): Partial<Record<string, string>> => {
    const { id, role, agency, unit } = actor;
    return role === 'engine' ? {} : { commandId, id, agency, unit };
  });
  await sql.query(
    `insert into audit_leaves (index, position, stream, revision, command_id, sender, agency, unit)
     select $1 + row_number() over () - 1, *
     from unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[])`,
    [
      size,
      events.map(({ position }) => position),
      events.map(({ stream }) => stream),
      events.map(({ revision }) => revision),
      ...(['commandId', 'id', 'agency', 'unit'] as const).map((name) => by.map((who) => who[name] ?? null)),
    ],
  );
}

async function readOffices(sql: Sql): Promise<CalendarHistory> {
  const { rows } = await sql.query<{ change: CalendarChange }>('select change from audit_calendar order by position');
  return new CalendarHistory(
    OFFICES,
    rows.map(({ change }) => change),
  );
}

async function saveOffices(sql: Sql, changes: readonly CalendarChange[], from: Position): Promise<void> {
  const fresh = changes.filter(({ position }) => comparePositions(position, from) >= 0);
  if (fresh.length === 0) return;
  await sql.query('insert into audit_calendar select * from unnest($1::bigint[], $2::jsonb[])', [
    fresh.map(({ position }) => position),
    fresh.map((change) => JSON.stringify(change)),
  ]);
}

/** The first instant after `at` at which the offices close for the day. */
function closingAfter(at: Instant, offices: CalendarHistory): Instant {
  const midnight = instantAt(localDay(at, ZONE) + 1, 0, ZONE);
  if (offices.changes.length === 0) return midnight;
  const view = offices.view();
  const today = view.localDay(at);
  const closes = view.isWorking(today) ? view.closes(today) : '';
  if (closes > at) return closes;
  // Whoever defines a calendar without working days shall not stop the log.
  for (let day = today + 1; day < today + LONGEST_BREAK_DAYS; day += 1)
    if (view.isWorking(day)) return view.closes(day);
  return midnight;
}

async function saveTiles(sql: Sql, tiles: readonly Tile[]): Promise<void> {
  await sql.query(
    `insert into audit_tiles (level, index, hashes) select * from unnest($1::int[], $2::bigint[], $3::bytea[])
     on conflict (level, index) do update set hashes = excluded.hashes`,
    [
      tiles.map(({ level }) => level),
      tiles.map(({ index }) => index),
      tiles.map(({ hashes }) => Buffer.concat(hashes)),
    ],
  );
}

interface Signed {
  size: number;
  root: Hash;
  note: string;
  reason: string;
}

function signedAt({ size, root }: Pick<Head, 'size' | 'root'>, key: SignerKey, reason: string): Signed {
  const text = checkpointText({ origin: key.name, size, root });
  return { size, root, note: formatNote({ text, signatures: [signNote(text, key)] }), reason };
}

/**
 * What was signed stays. A log MUST NOT sign two histories (tlog-checkpoint): another root of a size that was ever signed
 * ends the transaction. So a tree that grows again after a rebuild has to pass through every root of old.
 */
async function saveCheckpoints(sql: Sql, signed: readonly Signed[], from: number, to: number): Promise<void> {
  const roots = new Map(signed.map(({ size, root }) => [size, root]));
  await sql.query(
    `insert into audit_checkpoints (size, root, note, reason)
     select * from unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[]) on conflict do nothing`,
    [
      signed.map(({ size }) => size),
      signed.map(({ root }) => Buffer.from(root)),
      signed.map(({ note }) => note),
      signed.map(({ reason }) => reason),
    ],
  );
  const { rows } = await sql.query<{ size: string; root: Buffer }>(
    'select size, root from audit_checkpoints where size between $1 and $2',
    [from, to],
  );
  const nodes = nodesFrom(to, (level, index) => readTile(sql, level, index));
  for (const { size, root } of rows) {
    const found = roots.get(Number(size)) ?? (await Frontier.resume(Number(size), nodes)).root();
    if (!sameHash(found, bytes(root))) throw new Rewritten(Number(size));
  }
}

export class Rewritten extends Error {
  override readonly name = 'Rewritten';

  constructor(size: number) {
    super(`the log is not what was signed: the tree of its first ${size} events had another root`);
  }
}

/** Signs the head as it stands: the checkpoint on demand. The last one again when nothing was added. */
export async function signHead(sql: Sql, key: SignerKey, reason = 'demand'): Promise<StoredCheckpoint> {
  const head = await readHead(sql);
  await saveCheckpoints(sql, [signedAt(head, key, reason)], head.size, head.size);
  return (await readCheckpoints(sql, head.size, head.size))[0]!;
}

/**
 * Signs the head for the day when the offices have closed since its last event, whether or not another comes. Nothing when
 * they have not, or when that head is signed already. For whoever looks at the clock now and then.
 */
export async function signClosedDay(sql: Sql, key: SignerKey, now: Instant): Promise<StoredCheckpoint | undefined> {
  const { size, recordedAt } = await readHead(sql);
  if (size === 0 || closingAfter(recordedAt, await readOffices(sql)) > now) return undefined;
  if ((await readCheckpoints(sql, size, size)).length > 0) return undefined;
  return signHead(sql, key, 'day');
}

export interface StoredCheckpoint {
  size: number;
  /** The signed note, with what witnesses have added. */
  note: string;
  reason: string;
  signedAt: string;
}

/** By size, the smallest first, or the largest first. */
export async function readCheckpoints(
  sql: Sql,
  from: number,
  to: number,
  limit?: number,
  order: 'asc' | 'desc' = 'asc',
): Promise<StoredCheckpoint[]> {
  const { rows } = await sql.query<{ size: string; note: string; reason: string; signed_at: Date }>(
    `select size, note, reason, signed_at from audit_checkpoints where size >= $1 and size <= $2
     order by size ${order} limit $3`,
    [from, to, limit ?? null],
  );
  return rows.map(({ size, note, reason, signed_at }) => ({
    size: Number(size),
    note,
    reason,
    signedAt: signed_at.toISOString(),
  }));
}

/** Puts the cosignatures of witnesses into the stored checkpoint; those that are there stay, whoever else adds some now. */
export function addSignatures(
  database: Database,
  size: number,
  answer: ReturnType<typeof signNote>[],
): Promise<string> {
  return database.transaction(async (sql) => {
    await sql.query('select 1 from audit_checkpoints where size = $1 for update', [size]);
    const { note } = parseSignedCheckpoint((await readCheckpoints(sql, size, size))[0]!.note);
    const known = new Set(note.signatures.map(({ name, id }) => `${name} ${id}`));
    const signatures = [...note.signatures, ...answer.filter(({ name, id }) => !known.has(`${name} ${id}`))];
    const cosigned = formatNote({ text: note.text, signatures });
    await sql.query('update audit_checkpoints set note = $2 where size = $1', [size, cosigned]);
    return cosigned;
  });
}
