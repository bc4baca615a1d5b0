import type { Instant } from './messages.js';

/** Time is always injected: nothing in the engine asks the machine what time it is except {@link systemClock}. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => new Date().toISOString() };

export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
export const earlier = (a: Instant, b: Instant): Instant => (a < b ? a : b);

const INSTANT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * An ISO 8601 instant with its offset, in UTC with milliseconds, so that instants compare as texts; undefined when the text
 * names none. Without an offset it would mean something else on every machine.
 */
export function parseInstant(text: string): Instant | undefined {
  const day = INSTANT.exec(text)?.[1];
  const time = Date.parse(text);
  // Date.parse takes the 30th of February for the 2nd of March: the day itself is checked.
  if (!day || Number.isNaN(time) || !new Date(`${day}T00:00Z`).toJSON()?.startsWith(day)) return undefined;
  return new Date(time).toISOString();
}
