export * from './bytes.js';
export * from './evidence.js';
export * from './media.js';
export * from './s3.js';
