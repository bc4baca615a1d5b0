import type { Instant } from '#kernel';

/** A local calendar date, `YYYY-MM-DD`. */
export type LocalDate = string;
/** Days since 1970-01-01, for counting. */
export type Day = number;

const DAY_MS = 86_400_000;
export const WEEKDAYS = ['sat', 'sun', 'mon', 'tue', 'wed', 'thu', 'fri'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export const dayOf = (date: LocalDate): Day => Date.parse(`${date}T00:00:00Z`) / DAY_MS;

const dateNames = new Map<Day, LocalDate>();
export function dateOf(day: Day): LocalDate {
  let name = dateNames.get(day);
  if (name === undefined) dateNames.set(day, (name = new Date(day * DAY_MS).toISOString().slice(0, 10)));
  return name;
}

/** 1970-01-01 was a Thursday. */
export const weekdayOf = (day: Day): Weekday => WEEKDAYS[(((day + 5) % 7) + 7) % 7]!;

/** Whether a text is a date that exists: 2026-02-30 does not. */
export const isLocalDate = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && dateOf(dayOf(text)) === text;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<number, number>>();

/** Minutes that the zone's clocks are ahead of UTC; kept per quarter of an hour, as no zone changes in between. */
function offsetMs(zone: string, at: number): number {
  let known = offsets.get(zone);
  if (!known) offsets.set(zone, (known = new Map()));
  const quarter = Math.floor(at / 900_000);
  let offset = known.get(quarter);
  if (offset === undefined) {
    let format = formats.get(zone);
    if (!format) {
      format = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      });
      formats.set(zone, format);
    }
    const part = Object.fromEntries(
      format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, Number(value)]),
    );
    offset =
      Date.UTC(part['year']!, part['month']! - 1, part['day']!, part['hour']!, part['minute']!, part['second']!) -
      quarter * 900_000;
    if (known.size > 50_000) known.clear();
    known.set(quarter, offset);
  }
  return offset;
}

export function isZone(zone: string): boolean {
  try {
    offsetMs(zone, 0);
    return true;
  } catch {
    return false;
  }
}

/** The local date on which an instant falls in a zone. */
export function localDay(at: Instant, zone: string): Day {
  const ms = Date.parse(at);
  return Math.floor((ms + offsetMs(zone, ms)) / DAY_MS);
}

/** The instant at which the zone's clocks show `minutes` past midnight of `day`. In a gap: as if it had not been skipped. */
export function instantAt(day: Day, minutes: number, zone: string): Instant {
  const local = day * DAY_MS + minutes * 60_000;
  const guess = local - offsetMs(zone, local);
  return new Date(local - offsetMs(zone, guess)).toISOString();
}

const DURATION = /^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/;

/** Milliseconds of an ISO 8601 duration of weeks, days (24 h), hours, minutes, seconds; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match || match.slice(1).every((part) => part === undefined)) return undefined;
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return ((((weeks! * 7 + days!) * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1000;
}

export const plusMs = (at: Instant, ms: number): Instant => new Date(Date.parse(at) + ms).toISOString();
