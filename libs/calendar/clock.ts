import { later, type Instant } from '#kernel';
import type { CalendarView, DayOff } from './calendar.js';
import { dateOf, dayOf, durationMs, plusMs, type LocalDate } from './dates.js';

/** How long an agency has: working days of its calendar, or a duration that runs continuously. */
export type Term = { workingDays: number; duration?: undefined } | { duration: string; workingDays?: undefined };

export const MAX_TERM_DAYS = 750;

/** Why a term cannot be: exactly one of 1 to 750 working days, or a duration longer than nothing. */
export function termFault({
  workingDays,
  duration,
}: {
  workingDays?: unknown;
  duration?: unknown;
}): string | undefined {
  if ((workingDays === undefined) === (duration === undefined)) return 'must be either workingDays or a duration';
  if (workingDays !== undefined) {
    const days = workingDays as number;
    if (Number.isInteger(days) && days >= 1 && days <= MAX_TERM_DAYS) return undefined;
    return `must be 1 to ${MAX_TERM_DAYS} working days`;
  }
  if (typeof duration === 'string' && durationMs(duration)) return undefined;
  return 'must be an ISO 8601 duration of weeks, days, hours, minutes, seconds, such as PT72H';
}

/** The term of a body that has passed {@link termFault}. */
export const termOf = ({ workingDays, duration }: { workingDays?: number; duration?: string }): Term =>
  workingDays === undefined ? { duration: duration! } : { workingDays };

/** A working-day clock is stored as the day from which it counts and how many working days after it the due day comes. */
export interface Anchor {
  date: LocalDate;
  days: number;
}

/** Where a clock stands: what it counts from (absent for durations) and the instant it falls due. */
export interface Setting {
  dueAt: Instant;
  anchor?: Anchor;
}

/** A day on the way to the due day: the how-manieth it counts, or why it does not. */
export type CountedDay = { date: LocalDate } & (
  { counts: number; off?: undefined } | { off: DayOff; counts?: undefined }
);

/**
 * The count itself: every day after the anchor's date up to the Nth working day, and the closing time of that day. The
 * due instant and the account of it are one function, so they cannot disagree.
 * @throws Refused `no-working-day` when the calendar has too few
 */
export function count({ date, days }: Anchor, view: CalendarView): { days: CountedDay[]; dueAt: Instant } {
  const from = dayOf(date);
  const due = view.workingDay(from, days);
  const counted: CountedDay[] = [];
  let counts = 0;
  for (let day = from + 1; day <= due; day++) {
    const off = view.dayOff(day);
    counted.push(off ? { date: dateOf(day), off } : { date: dateOf(day), counts: ++counts });
  }
  return { days: counted, dueAt: view.closes(due) };
}

/** Due = the closing time of the Nth working day after the anchor's date (CONTRACT section 4). */
export const dueOf = (anchor: Anchor, view: CalendarView): Instant => count(anchor, view).dueAt;

/** A fresh clock that starts at `at`: communication, directive, reassignment. The day of starting does not count. */
export function startClock(term: Term, at: Instant, view: CalendarView): Setting {
  if (term.workingDays === undefined) return { dueAt: plusMs(at, durationMs(term.duration)!) };
  const anchor = { date: dateOf(view.localDay(at)), days: term.workingDays };
  return { anchor, dueAt: dueOf(anchor, view) };
}

/** The due moves to the Mth working day after the present due date; the anchor stays and counts further. */
export function extendClock({ anchor, dueAt }: Setting, by: Term, view: CalendarView): Setting {
  if (by.workingDays === undefined) return { dueAt: plusMs(dueAt, durationMs(by.duration)!) };
  const days = view.workingDaysBetween(dayOf(anchor!.date), view.localDay(dueAt)) + by.workingDays;
  const extended = { date: anchor!.date, days };
  return { anchor: extended, dueAt: dueOf(extended, view) };
}

export type Remaining = { workingDays: number } | { milliseconds: number };

/** What a suspension at `at` keeps: working days strictly after its local date up to the due date, at least 1; or the exact rest. */
export function remainingOf({ anchor, dueAt }: Setting, at: Instant, view: CalendarView): Remaining {
  if (!anchor) return { milliseconds: Date.parse(dueAt) - Date.parse(at) };
  return { workingDays: Math.max(1, view.workingDaysBetween(view.localDay(at), view.localDay(dueAt))) };
}

export function resumeClock(remaining: Remaining, at: Instant, view: CalendarView): Setting {
  if ('milliseconds' in remaining) return { dueAt: plusMs(at, remaining.milliseconds) };
  return startClock(remaining, at, view);
}

/**
 * The due instant after a change of the calendar: counted afresh from the anchor, but never earlier than before; and if
 * the instant that is kept falls on a day that is no longer a working day, the next closing time.
 */
export function rederive({ anchor, dueAt }: Setting, view: CalendarView): Instant {
  if (!anchor) return dueAt;
  const counted = dueOf(anchor, view);
  if (counted >= dueAt) return counted;
  const day = view.localDay(dueAt);
  return view.isWorking(day) ? dueAt : later(dueAt, view.closes(view.workingDay(day, 1)));
}
