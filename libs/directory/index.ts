export * from './agency.commands.js';
export * from './agency.js';
export * from './unit.commands.js';
export * from './unit.js';
export * from './working-group.commands.js';
export * from './working-group.js';
export * from './calendar.js';
export * from './ladder.js';
