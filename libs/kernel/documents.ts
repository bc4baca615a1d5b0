import type { Projection, Sql } from './projection.js';
import { splitStream, type RecordedEvent } from './messages.js';

/**
 * A table of one document a row, folded from events. Columns that queries filter and sort by are generated from the
 * document by PostgreSQL, so they cannot disagree with it. Text is compared byte by byte: ISO instants and ids then sort
 * the same everywhere, whatever the locale of the server.
 */
export interface Documents<Doc extends object> {
  table: string;
  /** Column name → SQL type and expression over `doc`. */
  columns: Readonly<Record<string, string>>;
  /** What stands after `create index on <table>`. */
  indexes?: readonly string[];
  /**
   * The next document; undefined when the event says nothing to it. Keyed by event type: what is not listed is not read.
   * MUST NOT change `doc`.
   */
  on: Readonly<Record<string, (doc: Doc | undefined, event: RecordedEvent) => Doc | undefined>>;
  /** The document that an event is about; by default its stream's id. */
  idOf?(event: RecordedEvent): string;
}

export const textColumn = (expression: string): string => `text collate "C" generated always as (${expression}) stored`;
export const flagColumn = (expression: string): string => `boolean generated always as (${expression}) stored`;

export const schemaOf = ({
  table,
  columns,
  indexes = [],
}: Pick<Documents<object>, 'table' | 'columns' | 'indexes'>): string =>
  [
    `create table if not exists ${table} (id text collate "C" primary key, doc jsonb not null`,
    ...Object.entries(columns).map(([name, definition]) => `, ${name} ${definition}`),
    ');',
    ...indexes.map((on, index) => `create index if not exists ${table}_${index} on ${table} ${on};`),
  ].join('\n');

export async function loadDocuments<Doc>(sql: Sql, table: string, ids: readonly string[]): Promise<Map<string, Doc>> {
  const { rows } = await sql.query<{ id: string; doc: Doc }>(`select id, doc from ${table} where id = any($1)`, [ids]);
  return new Map(rows.map(({ id, doc }) => [id, doc]));
}

/**
 * One statement, however many documents: a rebuild is bounded by folding, not by round trips. What is as it was is not
 * written again: its generated columns and its places in the indexes cost more than the comparison.
 */
export async function saveDocuments(sql: Sql, table: string, docs: ReadonlyMap<string, object>): Promise<void> {
  if (docs.size === 0) return;
  await sql.query(
    `insert into ${table} as mine (id, doc) select id, doc from json_to_recordset($1::json) as r(id text, doc jsonb)
     on conflict (id) do update set doc = excluded.doc where mine.doc <> excluded.doc`,
    [JSON.stringify([...docs].map(([id, doc]) => ({ id, doc })))],
  );
}

async function fold(documents: Documents<any>, events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const { table, on, idOf = ({ stream }) => splitStream(stream)[1] } = documents;
  const mine = events.filter(({ type }) => Object.hasOwn(on, type)).map((event) => ({ id: idOf(event), event }));
  if (mine.length === 0) return;
  const docs = await loadDocuments<object>(sql, table, [...new Set(mine.map(({ id }) => id))]);
  const changed = new Map<string, object>();
  for (const { id, event } of mine) {
    const next = on[event.type]!(changed.get(id) ?? docs.get(id), event);
    if (next) changed.set(id, next);
  }
  await saveDocuments(sql, table, changed);
}

/** A projection that consists of such tables. */
export const documentsProjection = (name: string, version: number, all: readonly Documents<any>[]): Projection => ({
  name,
  version,
  schema: all.map(schemaOf).join('\n'),
  tables: all.map(({ table }) => table),
  on: [...new Set(all.flatMap(({ on }) => Object.keys(on)))],
  async apply(events, sql) {
    for (const documents of all) await fold(documents, events, sql);
  },
});
