import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { REBUILD_SHARED, type Sql } from '#kernel';
import { APP_ROLE, createOwnerPool, reached, type DatabaseAddress } from './pool.js';

/** A table, with its columns that are not generated from others. */
export interface CopiedTable {
  table: string;
  columns: string[];
}

export interface Snapshot extends Sql {
  /** The answer of a `select`, as the lines of PostgreSQL's COPY text format. */
  copyOut(select: string): Readable;
}

export interface Refilling extends Sql {
  /** Puts lines of the COPY text format into a table, in the place of what it holds. */
  copyIn(target: CopiedTable, lines: AsyncIterable<Buffer>): Promise<void>;
}

/** The text format of dates follows the session's settings. */
const SETTINGS = `set timezone to 'UTC'; set datestyle to 'ISO'; set intervalstyle to 'postgres'`;

/** Reads in one snapshot: whatever is appended meanwhile, all of it is as it was at one moment. @throws StoreUnavailable */
export const inSnapshot = <T>(address: DatabaseAddress, work: (snapshot: Snapshot) => Promise<T>): Promise<T> =>
  // Not while tables are exchanged for others: in this snapshot the new ones would be empty.
  asOwner(address, [REBUILD_SHARED, 'begin isolation level repeatable read, read only'], async (query, client) =>
    work({ query, copyOut: (select) => client.query(to(`copy (${select}) to stdout`)) }),
  );

/** Fills tables in one transaction: all of it, or nothing when `work` throws. @throws StoreUnavailable */
export const refill = <T>(address: DatabaseAddress, work: (refilling: Refilling) => Promise<T>): Promise<T> =>
  asOwner(address, ['begin', `set local maintenance_work_mem = '256MB'`], async (query, client) =>
    work({
      query,
      async copyIn({ table, columns }, lines) {
        // Read models belong to the application; the log to the owner alone.
        await query(table.startsWith('log.') ? 'reset role' : `set local role ${APP_ROLE}`);
        // Emptied like this, and filled in the same transaction, it may be written without a detour. What refers to it
        // comes after it.
        await query(`truncate ${table} cascade`);
        const putBack = await takeOff(query, table);
        const into: Writable = client.query(from(`copy ${table} (${columns.map((name) => `"${name}"`).join(', ')}) from stdin with (freeze)`)); // prettier-ignore
        await reached(pipeline(lines, into));
        for (const statement of putBack) await query(statement);
      },
    }),
  );

/**
 * Takes the indexes off a table that is about to be filled: to find a place in them for each row as it comes costs several
 * times what it costs to sort all rows once. What foreign keys rest on stays. @returns the statements that make them again
 */
async function takeOff(query: Sql['query'], table: string): Promise<string[]> {
  const { rows } = await query<{ off: string; again: string }>(
    `select case when c.oid is null then format('drop index %s', i.indexrelid::regclass)
              else format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) end as off,
            case when c.oid is null then pg_get_indexdef(i.indexrelid)
              else format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) end as again
     from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype in ('p', 'u')
     where i.indrelid = $1::regclass
       and not exists (select from pg_constraint f where f.contype = 'f' and f.confrelid = i.indrelid)`,
    [table],
  );
  for (const { off } of rows) await query(off);
  return rows.map(({ again }) => again);
}

/** Tables of the application, each after those it refers to, without what only lives while somebody runs. */
export async function applicationTables(sql: Sql): Promise<CopiedTable[]> {
  const { rows } = await sql.query<CopiedTable>(
    `select c.relname as table, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname not in ('leases', 'checkpoints')
     group by c.oid, c.relname order by c.oid`,
  );
  return rows;
}

async function asOwner<T>(
  address: DatabaseAddress,
  begin: readonly string[],
  work: (query: Sql['query'], client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const pool = createOwnerPool(address);
  try {
    const client = await reached(pool.connect());
    const query: Sql['query'] = (text, values) => reached(client.query(text, values as unknown[]));
    try {
      await query(SETTINGS);
      for (const statement of begin) await query(statement);
      const result = await work(query, client);
      await query('commit');
      return result;
    } finally {
      client.release(true); // what was not committed is gone with the session
    }
  } finally {
    await pool.end();
  }
}
