export * from './memory.js';
export * from './embedded-postgres.js';
export * from './bullmq.js';
