/** A worker in a process of its own, to be killed: `worker-child.ts '{"connection":{…},"now":"2026-…"}'`. Prints `ready`. */
import { createPool, createSql, openJobs, PostgresEventStore, type DatabaseAddress } from '#stores';
import { silent, TestClock, workshop } from './worker.js';

const { connection, now } = JSON.parse(process.argv[2]!) as { connection: DatabaseAddress; now: string };
const clock = new TestClock();
clock.set(now);
const pool = createPool(connection);
const store = new PostgresEventStore(pool);
const jobs = await openJobs({ postgres: connection }, silent);
const worker = await workshop({ store, database: createSql(pool), clock, jobs }).start();
process.on('SIGTERM', () => void worker.stop().then(() => pool.end()));
console.log('ready');
