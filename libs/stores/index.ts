export * from './memory.js';
export * from './embedded-postgres.js';
export { createPool, createSql, unavailable, type Database, type DatabaseAddress } from './postgres/pool.js';
export { migrate } from './postgres/migrate.js';
export { PostgresEventStore } from './postgres/event-store.js';
export * from './bullmq.js';
