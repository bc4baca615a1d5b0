export * from './handover.commands.js';
export * from './handover.js';
export * from './handing.policy.js';
export * from './handovers.projection.js';
