import type { RecordedEvent } from './messages.js';

/** The little of SQL that read models need, so that kernel and features import no driver. Parameters are $1, $2, … */
export interface Sql {
  query<Row extends object = any>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** Whether there is such a table: whoever makes it may not have run here yet. */
export async function hasTable(sql: Sql, name: string): Promise<boolean> {
  const { rows } = await sql.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
  return rows[0]!.there;
}

/** A database whose work commits together or not at all. @throws StoreUnavailable when it cannot be reached. */
export interface Database extends Sql {
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

/**
 * A read model: tables, and how events change them. The runner calls `apply` with a run of events in global order
 * inside one transaction with the checkpoint (compare-and-set), so every event counts exactly once.
 */
export interface Projection {
  /** Stable; names the checkpoint and prefixes nothing: tables are named in `schema`. */
  name: string;
  /** Raise it when tables or handlers change: the projection is then rebuilt from the beginning of the log. */
  version: number;
  /** `create table if not exists …` for every table, and indexes. */
  schema: string;
  /** Tables to drop before a rebuild. */
  tables: readonly string[];
  /** Event types it wants; others only advance the checkpoint. `'*'` for all. */
  on: readonly string[] | '*';
  apply(events: readonly RecordedEvent[], sql: Sql): Promise<void>;
}
