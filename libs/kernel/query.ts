import { IsOptional, Matches } from 'class-validator';
import type { Clock } from './clock.js';
import type { DataClass, Reads } from './decider.js';
import type { EventStore } from './event-store.js';
import type { Actor } from './messages.js';
import type { Sql } from './projection.js';
import { Refused } from './refused.js';
import { compile, conjunction, raw, sql, type Fragment, type Kind } from './sql.js';

/** One question that may be asked of the read models, declared beside their tables. Routes are made from these. */
export interface Query<Params extends object = any> {
  /** Below `/v1/`, as in `agencies/:id/scorecard`. */
  path: string;
  /** One line for the OpenAPI document. */
  summary: string;
  /** The shape of what the path and the query string bring, together; both are texts. Unknown ones are refused (400). */
  params: DataClass<Params>;
  /** The projections it reads from: what `minPosition` waits for. */
  projections: readonly string[];
  /** The media type of the answer; JSON when left out. */
  type?: string;
  /**
   * What this reader may see; undefined (404) when there is no such thing for them: whether it exists is not betrayed.
   * @throws Refused `forbidden` (403) when the whole kind is closed to the reader.
   */
  run(params: Params, reader: Actor, database: Sql): Promise<object | undefined>;
  /** The same question of the log as it was, for what reads the log beside the read models. */
  past?: (log: PastLog) => Query<Params>;
}

/** The log and the clock as they were at an instant. */
export interface PastLog {
  store: Pick<EventStore, 'readStream'>;
  loader: Reads;
  clock: Clock;
}

/** A query's way to the tables: {@link Scoped} is all that it gets, so that it cannot read what the reader may not. */
export const query = <Params extends object>({
  find,
  ...rest
}: Omit<Query<Params>, 'run'> & {
  find(params: Params, scoped: Scoped): Promise<object | undefined>;
}): Query<Params> => ({
  ...rest,
  run: (params, reader, database) => find(params, new Scoped(reader, database)),
});

export const DEFAULT_LIMIT = 50;

/** The parameters of every list. */
export class ListParams {
  /** Items a page, 1 to 1000; 50 when not given. */
  @IsOptional()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'limit must be a whole number from 1 to 1000' })
  limit?: string;
  /** `next` of the page before. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{1,2000}$/, { message: 'cursor must be the `next` of an earlier answer' })
  cursor?: string;
}

export interface Page<Item = object> {
  items: Item[];
  /** Absent on the last page. */
  next?: string;
}

export interface Listing<Row, Item> {
  kind: Kind;
  /** What to read of each row, which is called `r`; one row type for `item`. */
  select?: Fragment;
  /** Of `r`; see {@link matching}. */
  where?: readonly Fragment[];
  /** Text columns of `r` that order the list and are unique together. */
  order: readonly [string, ...string[]];
  descending?: boolean;
  item(row: Row): Item;
}

/** The read models as one reader sees them. */
export class Scoped {
  constructor(
    private readonly reader: Actor,
    private readonly database: Sql,
  ) {}

  /** Rows of a statement in which every {@link Kind} stands for what the reader may see of it. */
  async rows<Row extends object = any>(statement: Fragment): Promise<Row[]> {
    const { text, values } = compile(statement, this.reader);
    return (await this.database.query<Row>(text, values)).rows;
  }

  async row<Row extends object = any>(statement: Fragment): Promise<Row | undefined> {
    return (await this.rows<Row>(statement))[0];
  }

  /** One page, by keyset: stable while rows are added, and as fast on the last page as on the first. */
  async page<Row extends object, Item>(
    { limit, cursor }: ListParams,
    { kind, select = raw('r.*'), where = [], order, descending = false, item }: Listing<Row, Item>,
  ): Promise<Page<Item>> {
    const size = limit === undefined ? DEFAULT_LIMIT : Number(limit);
    const keys = order.map((column) => `r.${column}`);
    const conditions = [...where];
    if (cursor !== undefined) conditions.push(beyond(keys, decoded(cursor, keys.length), descending));
    const direction = descending ? ' desc' : '';
    const rows = await this.rows<Row & { page_keys: string[] }>(
      sql`select ${select}, array[${raw(keys.join(', '))}] as page_keys from ${kind} r where ${conjunction(conditions)}
          order by ${raw(keys.map((key) => key + direction).join(', '))} limit ${size + 1}`,
    );
    const items = rows.slice(0, size).map((row) => item(row));
    return rows.length > size ? { items, next: encoded(rows[size - 1]!.page_keys) } : { items };
  }
}

/** Conditions on columns of `r`, of those parameters that were given; a list means any of them. */
export const matching = (columns: Readonly<Record<string, string | readonly string[] | undefined>>): Fragment[] =>
  Object.entries(columns).flatMap(([column, value]) => {
    if (value === undefined) return [];
    return [typeof value === 'string' ? sql`r.${raw(column)} = ${value}` : sql`r.${raw(column)} = any(${value})`];
  });

const beyond = (keys: readonly string[], values: readonly string[], descending: boolean): Fragment =>
  sql`(${raw(keys.join(', '))}) ${raw(descending ? '<' : '>')} (${values
    .map((value) => sql`${value}`)
    .reduce((a, b) => sql`${a}, ${b}`)})`;

const encoded = (keys: readonly string[]): string => Buffer.from(JSON.stringify(keys)).toString('base64url');

function decoded(cursor: string, length: number): string[] {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const whole = Array.isArray(keys) && keys.length === length;
    if (whole && keys.every((key) => typeof key === 'string' && key.isWellFormed() && !key.includes('\0'))) return keys;
  } catch {
    // Not JSON: refused below.
  }
  const reason = 'must be the `next` of an earlier answer to the same question';
  throw Refused.invalid(`cursor ${reason}.`, [{ path: 'cursor', reason }]);
}
