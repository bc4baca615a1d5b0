export * from './document.js';
export * from './pdf.js';
