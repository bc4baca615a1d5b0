export * from './template.commands.js';
export * from './template.js';
export * from './templates.projection.js';
