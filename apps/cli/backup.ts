import { existsSync } from 'node:fs';
import { ERASER } from '#erasure';
import { StoreUnavailable, type Log } from '#kernel';
import { deadlines } from '#resolutions';
import { backup, isServed, restore, type Backed } from '#apps/backup';
import { BadBackup } from '#apps/backup-file';
import { logger } from '#apps/compose';
import { readConfig, type Config } from '#apps/config';
import { followersOf, openDeployment, type Deployment } from '#apps/deployment';
import { openEvidence } from '#apps/homes';
import { Failure } from './failure.js';

/** `peygir backup FILE` */
export async function save(file: string, { keep }: { keep?: number } = {}): Promise<void> {
  if (existsSync(file)) throw new Failure(`${file} exists already.`);
  await working(false, async (backed, _, { evidenceBucket: away }) => {
    const { events, head, logSha256, id, expiresAt } = await backup(file, backed, keep);
    console.error(`${file}: ${events} events up to position ${head}; the log's SHA-256 is ${logSha256}.`);
    console.error('Whoever has this file has the log, keys and evidence: keep it encrypted and elsewhere.');
    console.error(
      `What is personal in it opens with ${backed.keysDir}/${id}.json only, which is destroyed on ${expiresAt.slice(0, 10)}:`,
    );
    console.error('keep that folder on other storage than the database and than the backups.');
    if (away) console.error(`But evidence that lies in ${away.endpoint}/${away.bucket} is saved there, or nowhere.`);
  });
}

/** `peygir restore FILE` */
export async function fetchBack(file: string, options: { withoutSealed?: true } = {}): Promise<void> {
  if (!existsSync(file)) throw new Failure(`There is no file ${file}.`);
  await working(true, async (backed, { database }, config, log) => {
    if (await isServed(database)) {
      throw new Failure('Somebody is at work on this database; stop the server first.');
    }
    await openEvidence(config, database);
    const followers = {
      projections: async () => [...(await followersOf(config)), deadlines()],
      subscribers: ['policies', ERASER],
      log,
    };
    const found = await restore(file, backed, followers, options);
    const { events, head, logSha256, takenAt, opened, forgotten, rebuilt } = found;
    console.error(`Restored as of ${takenAt}: ${events} events up to position ${head}; SHA-256 ${logSha256}.`);
    if (!opened) console.error('What was sealed is not in it any more.');
    if (forgotten > 0) console.error(`${forgotten} sealed texts were erased since, and stay erased.`);
    if (rebuilt.length > 0) console.error(`The next start makes anew from the log: ${rebuilt.join(', ')}.`);
  });
}

async function working(
  fresh: boolean,
  work: (backed: Backed, deployment: Deployment, config: Config, log: Log) => Promise<void>,
): Promise<void> {
  const config = readConfig({ LOG_LEVEL: 'error', ...process.env });
  if (config.eventStoreUrl) {
    throw new Failure('The log lies in a store of its own; docs/operations.md says how to back up such a deployment.');
  }
  const log = logger(config);
  try {
    const deployment = await openDeployment(config, log, fresh);
    try {
      const { address, checkpoints } = deployment;
      const backed = {
        address,
        checkpoints,
        province: config.province,
        keysDir: config.backupKeys,
        ...(!config.secret && { dataDir: config.dataDir }),
      };
      await work(backed, deployment, config, log);
    } finally {
      await deployment.close();
    }
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof BadBackup) throw new Failure(error.message);
    throw error;
  }
}
