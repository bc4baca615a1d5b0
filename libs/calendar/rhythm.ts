import type { Instant } from '#kernel';
import type { CalendarView } from './calendar.js';

/** Somebody is asked for something, from a first day on, again and again. */
export interface Rhythm {
  since: Instant;
  /** The first day: that many working days later, or the first working day from so many days on. */
  after: { workingDays: number } | { days: number };
  /** Working days between one asking and the next; left out, nobody is ever asked. */
  every?: number;
  /** When it was asked last. */
  lastAt?: Instant;
}

/** When it is due (the first day's closing time) and when it is asked for next (an opening), as the calendar is known. */
export function rhythmOf(
  { since, after, every, lastAt }: Rhythm,
  view: CalendarView,
): { dueAt: Instant; nextAt?: Instant } {
  const from = view.localDay(since);
  const first = 'days' in after ? view.workingDay(from + after.days - 1, 1) : view.workingDay(from, after.workingDays);
  const dueAt = view.closes(first);
  if (every === undefined) return { dueAt };
  return { dueAt, nextAt: view.opens(lastAt ? view.workingDay(view.localDay(lastAt), every) : first) };
}

const DAY_MS = 86_400_000;

/** Nobody is asked before this, whatever the calendar says; undefined when nobody ever is. */
export function askedNotBefore({ since, after, every, lastAt }: Rhythm): Instant | undefined {
  if (every === undefined) return undefined;
  const days = lastAt ? every : 'days' in after ? after.days : after.workingDays;
  // N working days take N days at least. One less, because days begin earlier in the province than in UTC.
  return new Date(Date.parse(lastAt ?? since) + (days - 1) * DAY_MS).toISOString();
}
