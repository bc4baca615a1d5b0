import { allProjections, allQueries } from '#apps/read-models';
import { Checkpoints, shaped, type Actor, type RecordedEvent } from '#kernel';
import { createSql } from '#stores';
import { testDatabase } from './postgres.js';

export interface ReadModels {
  /** Applies a run of the log to every projection, in one transaction as their runner does. */
  apply(events: readonly RecordedEvent[]): Promise<void>;
  /** Drops and makes every table anew. */
  restart(): Promise<void>;
  /** Every row of every table, as text. */
  dump(): Promise<Record<string, string[]>>;
  /** `GET /v1/<url>` as this reader: `obligations?agency=gas`. */
  get(url: string, reader: Actor): Promise<any>;
  close(): Promise<void>;
}

export const queries = allQueries();

/** The read models on a PostgreSQL database of their own. */
export async function readModels(): Promise<ReadModels> {
  const db = await testDatabase();
  const database = createSql(db.pool);
  const restart = () =>
    database.transaction(async (sql) => {
      for (const { tables, schema } of allProjections) {
        for (const table of tables) await sql.query(`drop table if exists ${table} cascade`);
        await sql.query(schema);
      }
    });
  await restart();
  await new Checkpoints(database).prepare();
  return {
    restart,
    apply: (events) =>
      database.transaction(async (sql) => {
        for (const projection of allProjections) {
          const { on } = projection;
          const wanted = events.filter(({ type }) => on === '*' || on.includes(type));
          if (wanted.length > 0) await projection.apply(wanted, sql);
        }
      }),
    async dump() {
      const tables = allProjections.flatMap((projection) => projection.tables);
      const all = tables.map(async (table) => {
        const { rows } = await database.query(`select t::text as row from ${table} t order by 1`);
        return [table, rows.map(({ row }) => row)] as const;
      });
      return Object.fromEntries(await Promise.all(all));
    },
    async get(url, reader) {
      const [path, search] = url.split('?');
      for (const query of queries) {
        const named = new RegExp(`^${query.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`).exec(path!);
        if (!named) continue;
        const params = shaped(query.params, { ...Object.fromEntries(new URLSearchParams(search)), ...named.groups });
        const found = await query.run(params, reader, database);
        // As it goes over the wire: what is undefined is not there.
        return found && JSON.parse(JSON.stringify(found));
      }
      throw new Error(`no query answers ${url}`);
    },
    close: () => db.close(),
  };
}
