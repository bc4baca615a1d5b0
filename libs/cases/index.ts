export * from './case.commands.js';
export * from './case.js';
export * from './case.policy.js';
export * from './case.watch.js';
export * from './tracking-code.js';
export * from './receipt.js';
export * from './cases.projection.js';
