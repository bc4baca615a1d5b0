import type { DayOff } from '#calendar';
import { useRead, type Asked } from './api.js';

export interface CalendarDay {
  date: string;
  off?: DayOff;
  opens?: string;
  closes?: string;
}

/** The local date of an instant in the province, `YYYY-MM-DD`. */
export const today = (at = new Date()): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Tehran' }).format(at);

export const useDays = (
  calendar: string | undefined,
  from: string,
  to: string,
): Asked<{ zone: string; items: CalendarDay[] }> =>
  useRead(calendar && `calendars/${calendar}/days?from=${from}&to=${to}`);

const JALALI = new Intl.DateTimeFormat('en-US-u-ca-persian-nu-latn', {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  timeZone: 'UTC',
});
const DAY_MS = 86_400_000;

/** Year, month and day of a date in the Jalali calendar. */
export function jalali(date: string): { year: number; month: number; day: number } {
  const parts = JALALI.formatToParts(new Date(`${date}T00:00:00Z`));
  const part = (type: string) => Number(parts.find((one) => one.type === type)!.value);
  return { year: part('year'), month: part('month'), day: part('day') };
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Every date of a Jalali year, in order. Its first day is between the 19th and the 22nd of March. */
export function jalaliYear(year: number): string[] {
  let ms = Date.UTC(year + 621, 2, 18);
  while (jalali(dateOf(ms)).year < year) ms += DAY_MS;
  const dates: string[] = [];
  for (; jalali(dateOf(ms)).year === year; ms += DAY_MS) dates.push(dateOf(ms));
  return dates;
}

/** 0 for Saturday, the first day of the week. */
export const weekday = (date: string): number => (new Date(`${date}T00:00:00Z`).getUTCDay() + 1) % 7;
