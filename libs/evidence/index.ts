export * from './evidence.js';
export * from './media.js';
