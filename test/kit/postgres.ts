import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createPool, migrate, shareEmbeddedPostgres, type Connection } from '#stores';

export interface TestDatabase {
  /** The owner's connection; pools of the application's role come from `createPool(connection)`. */
  connection: Connection;
  url: string;
  /** In the application's role. */
  pool: pg.Pool;
  /** Ends the pool and drops the database, whoever still uses it. */
  close(): Promise<void>;
}

const TEMPLATE = 'peygir_template';

/** A fresh migrated database on the one PostgreSQL of this run, cloned from a template: `const db = await testDatabase()`. */
export async function testDatabase(): Promise<TestDatabase> {
  return cloned(async (client, server, database) => {
    await client.query('select pg_advisory_lock(1)'); // one makes the template; cloning wants nobody else on it
    const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE]);
    if (!rowCount) {
      await client.query(`create database ${TEMPLATE}_new`);
      await migrate({ ...server, database: `${TEMPLATE}_new` });
      await client.query(`alter database ${TEMPLATE}_new rename to ${TEMPLATE}`);
    }
    await client.query(`create database ${database} template ${TEMPLATE}`);
  });
}

/** What a dump taken now would bring back. Cuts whoever is connected. */
export async function snapshotOf({ connection }: TestDatabase): Promise<TestDatabase> {
  return cloned(async (client, _, database) => {
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      connection.database,
    ]);
    await client.query(`create database ${database} template ${connection.database}`);
  });
}

async function cloned(
  clone: (client: pg.Client, server: Connection, database: string) => Promise<void>,
): Promise<TestDatabase> {
  const server = await sharedServer();
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(server, (client) => clone(client, server, database));
  const connection = { ...server, database };
  const pool = createPool(connection);
  return {
    connection,
    url: `postgres://${server.user}@/${database}?host=${encodeURIComponent(server.host)}&port=${server.port}`,
    pool,
    async close() {
      await pool.end();
      await administer(server, (client) => client.query(`drop database if exists ${database} with (force)`));
    },
  };
}

let shared: Promise<Connection> | undefined;

/** Started by whichever test asks first, stopped when the run ends: see postgres-setup.mjs. */
export function sharedServer(): Promise<Connection> {
  const folder = process.env.PEYGIR_TEST_POSTGRES;
  if (!folder) throw new Error('PEYGIR_TEST_POSTGRES is not set: run tests through jest, whose global setup names it.');
  shared ??= shareEmbeddedPostgres(folder, {
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' },
  });
  return shared;
}

async function administer<T>(server: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...server, database: 'postgres' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
