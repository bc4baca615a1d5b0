import { BEGINNING, type EventStore } from './event-store.js';
import { comparePositions, type Position } from './messages.js';
import type { Projection, Sql } from './projection.js';
import { applied, wants } from './projector.js';
import { BATCH, type Checkpoints } from './subscriber.js';

/** Where the new tables grow (migrate.ts); one rebuild at a time. */
const BESIDE = 'set local search_path = rebuilding, public';
const REBUILD_LOCK = 'select pg_advisory_xact_lock(7309418)';
/** For whoever reads many tables in one snapshot; held by the session. */
export const REBUILD_SHARED = 'select pg_advisory_lock_shared(7309418)';

/**
 * Makes read models anew from the log, in one transaction and beside the ones that are read: nobody sees them empty, and
 * whoever moves them meanwhile finds himself overtaken and carries on with the new ones. Those that belong to another
 * release, or were never made, are left alone.
 */
export async function rebuildBeside(
  projections: readonly Projection[],
  { store, checkpoints }: { store: EventStore; checkpoints: Checkpoints },
): Promise<void> {
  const stored = await checkpoints.read();
  const mine = projections.filter(({ name, version }) => stored.get(name)?.version === version);
  if (mine.length === 0) return;
  const names = mine.map(({ name }) => name);
  await checkpoints.db.transaction(async (sql) => {
    await sql.query(REBUILD_LOCK);
    await sql.query(BESIDE);
    for (const { schema } of mine) await sql.query(schema);
    const long = await replay(mine, BEGINNING, await store.head(), store, sql);
    // From here on nobody else moves them: what came meanwhile is little.
    const { rows } = await sql.query<{ version: number; position: Position }>(
      'select version, position from checkpoints where name = any($1) order by name for update',
      [names],
    );
    const furthest = rows.reduce((far, { position }) => (comparePositions(position, far) > 0 ? position : far), long);
    const end = await replay(mine, long, furthest, store, sql);
    for (const table of mine.flatMap(({ tables }) => tables)) {
      await sql.query(`drop table public.${table} cascade`);
      await sql.query(`alter table rebuilding.${table} set schema public`);
    }
    await sql.query('update checkpoints set position = $2, error = null where name = any($1)', [names, end]);
  });
}

/** Applies the log after `from`, to `to` at least. @returns how far it came */
async function replay(
  projections: readonly Projection[],
  from: Position,
  to: Position,
  store: EventStore,
  sql: Sql,
): Promise<Position> {
  // prettier-ignore
  let at = from;
  while (comparePositions(at, to) < 0) {
    const { events, position } = await store.readAll(at, BATCH);
    for (const projection of projections) {
      const wanted = events.filter((event) => wants(projection, event, from));
      if (wanted.length > 0) await applied(projection, wanted, sql);
    }
    if (position === at) return at;
    at = position;
  }
  return at;
}
