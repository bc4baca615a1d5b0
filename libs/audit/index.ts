export * from './tree.js';
export * from './note.js';
export * from './tiles.js';
export * from './proof.js';
export * from './leaf.js';
export * from './log.projection.js';
export * from './policy.js';
export * from './witness.js';
