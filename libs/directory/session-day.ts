import type { Instant } from '#kernel';
import { dateOf, dayOf, type CalendarView, type Day } from '#calendar';

/** A session's date on which the province does not work, and the day that takes its place when the secretary confirms it. */
export interface ProposedDay {
  from: string;
  date: string;
  /** Of the closure, or the name of the holiday. */
  reason: string;
  decree?: string;
}

/** How many weeks on the session's own weekday is looked for. */
const WEEKS = 4;

/**
 * Another day for a session that fell on a closure or a holiday: the next free working day of the same weekday within
 * four weeks, else the next free working day; never a day that has passed. Free: no other session of the group (`taken`)
 * is on it. Undefined when the day is as good as it was, or a weekend that somebody chose.
 */
export function proposedDay(
  date: string,
  taken: ReadonlySet<string>,
  view: CalendarView,
  now: Instant,
): ProposedDay | undefined {
  const off = view.dayOff(dayOf(date));
  if (!off || off.kind === 'weekend') return undefined;
  const after = Math.max(dayOf(date), view.localDay(now));
  const free = (day: Day) => day > after && view.isWorking(day) && !taken.has(dateOf(day));
  const sameWeekday = Array.from(
    { length: Math.ceil((after - dayOf(date)) / 7) + WEEKS },
    (_, week) => dayOf(date) + 7 * (week + 1),
  );
  let day = sameWeekday.find(free);
  for (let next = after; day === undefined;) {
    next = view.workingDay(next, 1);
    if (free(next)) day = next;
  }
  const why = off.kind === 'holiday' ? { reason: off.name } : { reason: off.reason, decree: off.decree };
  return { from: date, date: dateOf(day), ...why };
}
