import pg from 'pg';
import { StoreUnavailable, type Sql } from '#kernel';

export const APP_ROLE = 'peygir_app';

/** Where a database is: a URL, or its parts. */
export type DatabaseAddress = string | Pick<pg.PoolConfig, 'host' | 'port' | 'user' | 'database' | 'password' | 'ssl'>;

/** SQL for read models, whose failed connections come as StoreUnavailable. */
export interface Database extends Sql {
  /** Runs `fn` in one transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(fn: (sql: Sql) => Promise<T>): Promise<T>;
}

/**
 * A pool in the application's role: it may append to the log and read it, never change it; read models are its own.
 * Nothing waits for ever: connecting, waiting for a free connection, statements and idle transactions have limits.
 */
export function createPool(address: DatabaseAddress, { max = 8 }: { max?: number } = {}): pg.Pool {
  return quiet(
    new pg.Pool({
      ...(typeof address === 'string' ? { connectionString: address } : address),
      max,
      options: `-c role=${APP_ROLE} -c idle_in_transaction_session_timeout=60s -c timezone=UTC`,
      statement_timeout: 30_000,
      query_timeout: 35_000,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: `peygir ${process.pid}`,
    }),
  );
}

/** A pool of the database's owner, for migrations only. */
export function createOwnerPool(address: DatabaseAddress): pg.Pool {
  return quiet(
    new pg.Pool({
      ...(typeof address === 'string' ? { connectionString: address } : address),
      max: 1,
      connectionTimeoutMillis: 5_000,
      application_name: `peygir ${process.pid} migrations`,
    }),
  );
}

/** Connections break when the server goes: whoever uses one is told by his query, so nobody need listen for it. */
function quiet(pool: pg.Pool): pg.Pool {
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

export function createSql(pool: pg.Pool): Database {
  return {
    query: (text, values) => reached(pool.query(text, values as unknown[])),
    async transaction(fn) {
      const client = await reached(pool.connect());
      let broken: Error | undefined;
      try {
        await client.query('begin');
        const result = await fn({ query: (text, values) => reached(client.query(text, values as unknown[])) });
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch((failure: Error) => (broken = failure));
        throw unavailable(error) ?? error;
      } finally {
        client.release(broken);
      }
    },
  };
}

/** A connection of one's own until it ends: what is temporary lives as long as it. */
export interface Session extends Sql {
  end(): void;
}

export async function openSession(pool: pg.Pool): Promise<Session> {
  const client = await reached(pool.connect());
  return {
    query: (text, values) => reached(client.query(text, values as unknown[])),
    end: () => client.release(true),
  };
}

export async function reached<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    throw unavailable(error) ?? error;
  }
}

/**
 * Classes of SQLSTATE that say nothing against what was asked: connection (08), rolled back to be tried again (40),
 * out of disk, memory or connections (53), shut down or cancelled (57), an I/O error (58); a lock not granted in time;
 * a server that has become read-only.
 */
const OUTAGE = /^(08|40|53|57|58)...$|^55P03$|^25006$/;
/** What the driver itself says has no code. */
const BROKEN = /terminated|timeout|not queryable|ended by|socket|closed/i;

/** StoreUnavailable when the database could not be reached or did not answer in time; otherwise undefined. */
export function unavailable(error: unknown): StoreUnavailable | undefined {
  if (error instanceof StoreUnavailable) return error;
  // By its members and not by its class: errors of Node and of another copy of the driver have classes of their own.
  const {
    code = '',
    message = '',
    severity,
    syscall,
  } = (error ?? {}) as Partial<pg.DatabaseError & NodeJS.ErrnoException>;
  const outage = severity
    ? OUTAGE.test(code)
    : syscall !== undefined || /^E[A-Z]+$/.test(code) || (code === '' && BROKEN.test(message));
  return outage ? new StoreUnavailable(`The database cannot be reached: ${message}`, { cause: error }) : undefined;
}
