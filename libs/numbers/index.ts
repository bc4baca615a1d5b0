export * from './tally.projection.js';
export * from './numbers.queries.js';
