import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints, StoreUnavailable, type Database, type EventStore, type Log } from '#kernel';
import {
  createPool,
  createSql,
  embeddedConnection,
  migrate,
  PostgresEventStore,
  startEmbeddedPostgres,
  type DatabaseAddress,
} from '#stores';
import { Imports } from '#apps/api/imports';
import { ConfigError, type Config } from '#apps/config';

/** A deployment's data, for a tool that works beside the app or while it stands still. */
export interface Deployment {
  address: DatabaseAddress;
  database: Database;
  store: EventStore;
  checkpoints: Checkpoints;
  /** Whether somebody else keeps the database running: then workers should be at work, too. */
  running: boolean;
  close(): Promise<void>;
}

/**
 * The database of DATABASE_URL; else the embedded one, which is started for as long as the tool works when it does not
 * run, and then nobody else can.
 * @throws ConfigError when there is no data yet; StoreUnavailable
 */
export async function openDeployment(config: Config, log: Log): Promise<Deployment> {
  const { address, running, stop } = await addressOf(config, log);
  try {
    await migrate(address);
    const pool = createPool(address, { max: 4 });
    const database = createSql(pool);
    const store = new PostgresEventStore(pool);
    const checkpoints = new Checkpoints(database);
    await checkpoints.prepare();
    await new Imports(database).prepare();
    const close = async () => {
      await store.close();
      await pool.end();
      await stop();
    };
    return { address, database, store, checkpoints, running, close };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function addressOf({ databaseUrl, dataDir }: Config, log: Log) {
  const nothing = async () => {};
  if (databaseUrl) return { address: databaseUrl, running: true, stop: nothing };
  if (!existsSync(join(dataDir, 'postgres'))) {
    throw new ConfigError(`There is no data in ${dataDir} yet; set PEYGIR_DATA, or DATABASE_URL.`);
  }
  const address = embeddedConnection(dataDir);
  if (await answers(address)) return { address, running: true, stop: nothing };
  const server = await startEmbeddedPostgres(dataDir, { log: (message) => log.info({}, message) }).catch(
    (error: Error) => Promise.reject(new ConfigError(error.message, { cause: error })),
  );
  return { address: server.connection as DatabaseAddress, running: false, stop: () => server.stop() };
}

async function answers(address: DatabaseAddress): Promise<boolean> {
  const pool = createPool(address, { max: 1 });
  try {
    await createSql(pool).query('select');
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  } finally {
    await pool.end();
  }
}
