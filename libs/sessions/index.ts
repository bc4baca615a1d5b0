export * from './session.commands.js';
export * from './session.js';
export * from './session.policy.js';
export * from './sessions.projection.js';
