import { factOf, type Instant, type RecordedEvent } from '#kernel';
import type { CalendarHistory } from '#calendar';
import { DEFAULT_CALENDAR } from '#directory';
import { why, type Why } from '#resolutions';

/**
 * The account of one clock, from the events of its resolution and the calendars that they name. `now` is asked for once
 * these are read: for a document it is the latest instant that any of them knows.
 */
export async function accountOf(
  resolution: string,
  obligation: string,
  events: readonly RecordedEvent[],
  calendarOf: (id: string) => Promise<CalendarHistory | undefined>,
  now: () => Instant,
): Promise<Why> {
  const named = new Set([DEFAULT_CALENDAR]);
  for (const { type, data } of events) {
    if (type === 'ResolutionIssued') for (const o of data.obligations) named.add(o.calendar);
    if (type === 'ObligationReassigned') named.add(data.calendar);
  }
  const histories = await Promise.all([...named].map(async (id) => [id, (await calendarOf(id))!] as const));
  return why(resolution, obligation, events.map(factOf), Object.fromEntries(histories), DEFAULT_CALENDAR, now());
}
