import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints, StoreUnavailable, type Database, type EventStore, type Log, type Projection } from '#kernel';
import {
  createPool,
  createSql,
  embeddedConnection,
  migrate,
  startEmbeddedPostgres,
  type DatabaseAddress,
  type Vault,
} from '#stores';
import { merkleLog } from '#audit';
import { Imports } from '#apps/api/imports';
import { auditKey } from '#apps/audit';
import { projections } from '#apps/compose';
import { ConfigError, type Config } from '#apps/config';
import { openLog } from '#apps/homes';
import { POLICY_REFUSALS } from '#apps/worker/policies';

/** A deployment's data, for a tool that works beside the app or while it stands still. */
export interface Deployment {
  address: DatabaseAddress;
  database: Database;
  store: EventStore;
  vault: Vault;
  checkpoints: Checkpoints;
  /** Whether somebody else keeps the database running: then workers should be at work, too. */
  running: boolean;
  close(): Promise<void>;
}

/**
 * The database of DATABASE_URL; else the embedded one, which is started for as long as the tool works when it does not
 * run, and then nobody else can.
 * @param fresh there need be no data yet
 * @throws ConfigError when there is no data yet; StoreUnavailable
 */
export async function openDeployment(config: Config, log: Log, fresh = false): Promise<Deployment> {
  const { address, running, stop } = await addressOf(config, log, fresh);
  const closing = [stop];
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each();
  };
  try {
    await migrate(address);
    const pool = createPool(address, { max: 4 });
    const database = createSql(pool);
    closing.push(() => pool.end());
    const store = await openLog(config, pool, closing);
    const checkpoints = new Checkpoints(database);
    await checkpoints.prepare();
    await new Imports(database).prepare();
    await database.query(POLICY_REFUSALS);
    return { address, database, store, vault: store.vault, checkpoints, running, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function addressOf({ databaseUrl, dataDir }: Config, log: Log, fresh: boolean) {
  const nothing = async (): Promise<unknown> => undefined;
  if (databaseUrl) return { address: databaseUrl, running: true, stop: nothing };
  const there = existsSync(join(dataDir, 'postgres'));
  if (!there && !fresh) {
    throw new ConfigError(`There is no data in ${dataDir} yet; set PEYGIR_DATA, or DATABASE_URL.`);
  }
  const address = there && embeddedConnection(dataDir);
  if (address && (await answers(address))) return { address, running: true, stop: nothing };
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

/** Everybody who makes tables of the log, but the deadlines. The deployment's keys must be in their place. */
export const followersOf = async (config: Config): Promise<Projection[]> => [
  ...projections,
  merkleLog(await auditKey(config)),
];
