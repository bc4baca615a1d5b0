export * from './erasure.commands.js';
export * from './erasure.js';
export * from './erasures.projection.js';
