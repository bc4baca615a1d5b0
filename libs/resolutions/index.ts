export * from './resolution.js';
export * from './resolution.commands.js';
export * from './state.js';
export * from './alarms.js';
export * from './settle.js';
export * from './obligation.js';
export * from './calendar.policy.js';
export * from './deadlines.projection.js';
