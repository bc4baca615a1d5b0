export * from './visit.commands.js';
export * from './visit.js';
export * from './visit.policy.js';
export * from './visit-list.js';
export * from './trace.js';
export * from './visits.projection.js';
