export * from './contacts.js';
export * from './mail.js';
export * from './notice.js';
export * from './notices.projection.js';
export * from './sender.js';
