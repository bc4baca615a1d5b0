export * from './dates.js';
export * from './calendar.js';
export * from './clock.js';
export * from './speech.js';
export * from './rhythm.js';
