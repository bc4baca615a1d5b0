export * from './tree.js';
export * from './note.js';
export * from './tiles.js';
export * from './proof.js';
