import { deciders, liveDeciders } from '#apps/province';
import type { Config } from '#apps/config';
import { Evidence, postgresBytes, s3Bytes } from '#evidence';
import { sealing, type Database } from '#kernel';
import {
  createPool,
  createSql,
  migrate,
  openEsdb,
  PostgresEventStore,
  SealedEventStore,
  Vault,
  type DatabaseAddress,
  type QueueHome,
} from '#stores';

type Pool = ReturnType<typeof createPool>;
type Homes = Pick<Config, 'eventStoreUrl' | 'redisUrl'>;

/** Whose streams are in the log. */
const aggregates = [...deciders, ...liveDeciders].map(({ aggregate }) => aggregate);
const seal = sealing([...deciders, ...liveDeciders]);

/**
 * The log, where EVENT_STORE_URL says; else in the database of `pool`. The vault of its sealed fields lies in the log's
 * own database, and in that of `pool` when the log has none. What must be closed is added to `closing`.
 * @throws StoreUnavailable
 */
export async function openLog(
  { eventStoreUrl }: Homes,
  pool: Pool,
  closing: (() => Promise<unknown>)[],
): Promise<SealedEventStore> {
  if (eventStoreUrl?.startsWith('esdb')) {
    const store = await openEsdb(eventStoreUrl, { aggregates });
    closing.push(() => store.close());
    await store.head();
    return new SealedEventStore(store, new Vault(createSql(pool)), seal, false);
  }
  let home = pool;
  if (eventStoreUrl) {
    await migrate(eventStoreUrl);
    const own = createPool(eventStoreUrl);
    closing.push(() => own.end());
    home = own;
  }
  const store = new PostgresEventStore(home);
  closing.push(() => store.close());
  return new SealedEventStore(store, new Vault(createSql(home)), seal, true);
}

/** The queue, where REDIS_URL says; else in the database. */
export const queueHome = ({ redisUrl }: Homes, database: DatabaseAddress): QueueHome =>
  redisUrl ? { redis: redisUrl } : { postgres: database };

/** Evidence, its bytes where EVIDENCE_URL says; else in the database. Its tables are there then. */
export async function openEvidence(
  { evidenceBucket, evidenceMaxBytes }: Pick<Config, 'evidenceBucket' | 'evidenceMaxBytes'>,
  database: Database,
): Promise<Evidence> {
  const bytes = evidenceBucket ? s3Bytes(database, evidenceBucket) : postgresBytes(database);
  const evidence = new Evidence(database, evidenceMaxBytes, bytes);
  await evidence.prepare();
  return evidence;
}
