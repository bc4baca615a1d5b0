import { createHash } from 'node:crypto';
import type { Database, Instant, Position, Projection, Sql } from '#kernel';
import type { Axis } from './log-days.js';

/** The record as it stood at the end of a day, kept. `n` counts from 1; 0 is the empty record before everything. */
export interface Keyframe {
  n: number;
  until: Instant;
  /** How far the log had been read: what was registered later of a day before `until` is not in it. */
  known: Position;
}

export const NOTHING: Keyframe = { n: 0, until: '', known: '0' };

const SCHEMAS: Readonly<Record<Axis, string>> = { asOf: 'past_as_of', validAt: 'past_valid_at' };

/**
 * Kept states of the record, so that no moment has to be folded from the beginning. A keyframe is no copy of all tables:
 * a row stands once for all keyframes from `first` until before `last` that have it, so that what no longer changes
 * costs nothing, however many there are. All of it can be made again from the log: backups leave it out, another shape
 * of the tables empties it, and an erasure does.
 *
 * MUST: whoever reads rows or writes them does so in one transaction that begins with {@link generation}, and gives up
 * what was made under another one. That is how nothing that was erased comes back.
 */
export class Keyframes {
  private readonly shape: string;

  constructor(
    private readonly database: Database,
    readonly projections: readonly Projection[],
  ) {
    const shapes = projections.map(({ name, version, schema }) => [name, version, schema]);
    this.shape = createHash('sha256').update(JSON.stringify(shapes)).digest('hex');
  }

  get tables(): string[] {
    return this.projections.flatMap(({ tables }) => tables);
  }

  /** Where the rows of a table are kept. */
  kept(axis: Axis, table: string): string {
    return `${SCHEMAS[axis]}.${table}`;
  }

  /** Makes the tables when they are not there in the shape of this release. */
  async prepare(): Promise<void> {
    await this.database.transaction(async (sql) => {
      await sql.query('lock table past.generation in access exclusive mode');
      if ((await this.generation(sql)) !== undefined) return;
      for (const schema of Object.values(SCHEMAS)) {
        // Tables of another release may be others than ours.
        await sql.query(
          `do $$ declare name text; begin
             for name in select relname from pg_class where relnamespace = '${schema}'::regnamespace and relkind = 'r'
             loop execute format('drop table ${schema}.%I cascade', name); end loop;
           end $$`,
        );
        await sql.query(`set local search_path = ${schema}`);
        for (const { schema: made } of this.projections) await sql.query(made);
        for (const table of this.tables) {
          await sql.query(
            `alter table ${table} drop constraint ${table}_pkey, add first int not null, add last int not null default ${FOR_GOOD};
             create index on ${table} (id, last)`,
          );
        }
      }
      await sql.query('delete from past.keyframes; delete from past.generation');
      await sql.query('insert into past.generation (shape) values ($1)', [this.shape]);
    });
  }

  /** Another one after whatever was kept was given up; undefined while another release keeps its own. */
  async generation(sql: Sql): Promise<string | undefined> {
    const { rows } = await sql.query<{ id: string }>('select id from past.generation where shape = $1', [this.shape]);
    return rows[0]?.id;
  }

  /** The latest that is not later than a moment. */
  async nearest(axis: Axis, at: Instant, sql: Sql = this.database): Promise<Keyframe> {
    const { rows } = await sql.query<Keyframe>(
      'select n, until, known from past.keyframes where axis = $1 and until <= $2 order by n desc limit 1',
      [axis, at],
    );
    return rows[0] ?? NOTHING;
  }

  /**
   * Keeps what a frame has made on top of keyframe `from`: `changed` holds its rows by table, `gone` the ids that are
   * not there any more, both as names of tables.
   * @returns undefined when the next one is there already
   */
  async keep(axis: Axis, from: Keyframe, until: Instant, known: Position, sql: Sql): Promise<Keyframe | undefined> {
    const n = from.n + 1;
    const { rowCount } = await sql.query(
      'insert into past.keyframes (axis, n, until, known) values ($1, $2, $3, $4) on conflict do nothing',
      [axis, n, until, known],
    );
    if (rowCount === 0) return undefined;
    for (const table of this.tables) {
      const kept = this.kept(axis, table);
      await sql.query(
        `update ${kept} set last = ${n} where last = ${FOR_GOOD} and id in
           (select id from ${changedOf(table)} union all select id from gone where source = '${table}')`,
      );
      await sql.query(`insert into ${kept} (id, doc, first) select id, doc, ${n} from ${changedOf(table)}`);
    }
    return { n, until, known };
  }

  /** Rows of a table as they stand on top of keyframe `n`; see {@link keep}. */
  standing(axis: Axis, table: string, columns: readonly string[], { n }: Keyframe): string {
    const list = columns.map((name) => `"${name}"`).join(', ');
    const changed = `select ${list} from ${changedOf(table)}`;
    if (n === 0) return changed;
    return `select ${list} from ${this.kept(axis, table)} k where k.first <= ${n} and k.last > ${n}
        and not exists (select from ${changedOf(table)} c where c.id = k.id)
        and not exists (select from gone g where g.source = '${table}' and g.id = k.id)
      union all ${changed}`;
  }

  /** Gives up those that end at `at` or later: something was registered late. */
  giveUp(axis: Axis, at: Instant): Promise<void> {
    return this.database.transaction(async (sql) => {
      await sql.query('lock table past.generation in access exclusive mode');
      const { rows } = await sql.query<{ n: number }>(
        'delete from past.keyframes where axis = $1 and until >= $2 returning n',
        [axis, at],
      );
      if (rows.length === 0) return;
      const n = Math.min(...rows.map((row) => row.n));
      for (const table of this.tables) {
        const kept = this.kept(axis, table);
        await sql.query(`delete from ${kept} where first >= ${n}`);
        await sql.query(`update ${kept} set last = ${FOR_GOOD} where last >= ${n} and last < ${FOR_GOOD}`);
      }
      await sql.query('update past.generation set id = gen_random_uuid()');
    });
  }
}

/** Above every number of a keyframe. */
const FOR_GOOD = 2_147_483_647;
export const changedOf = (table: string): string => `changed_${table}`;

/** Empties all of it, of whichever release: what was erased stands in it. */
export const forgetKeyframes = (database: Database): Promise<void> =>
  database.transaction(async (sql) => {
    await sql.query('lock table past.generation in access exclusive mode');
    const { rows } = await sql.query<{ name: string }>(
      `select relnamespace::regnamespace || '.' || quote_ident(relname) as name from pg_class
       where relnamespace::regnamespace::text = any($1) and relkind = 'r'`,
      [Object.values(SCHEMAS)],
    );
    if (rows.length > 0) await sql.query(`truncate ${rows.map(({ name }) => name).join(', ')}`);
    await sql.query('delete from past.keyframes; update past.generation set id = gen_random_uuid()');
  });
