import type { Instant } from './messages.js';

/** Time is always injected: nothing in the engine asks the machine what time it is except {@link systemClock}. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => new Date().toISOString() };

export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
export const earlier = (a: Instant, b: Instant): Instant => (a < b ? a : b);
