export * from './watch.js';
export * from './watches.projection.js';
export * from './asking.js';
