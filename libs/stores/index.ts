import type { EventStore } from '#kernel';
import type { EsdbOptions } from './esdb.js';

export * from './memory.js';
export * from './vault.js';
export * from './embedded-postgres.js';
export {
  createPool,
  createSql,
  openSession,
  unavailable,
  type Database,
  type DatabaseAddress,
  type Session,
} from './postgres/pool.js';
export { migrate } from './postgres/migrate.js';
export { PostgresEventStore } from './postgres/event-store.js';
export * from './bullmq.js';

/** EventStoreDB or KurrentDB. Loaded only when it is asked for: the embedded default need not carry its client. */
export async function openEsdb(url: string, options: EsdbOptions): Promise<EventStore> {
  const { EsdbEventStore } = await import('./esdb.js');
  return new EsdbEventStore(url, options);
}
export * from './postgres/copy.js';
