import type { DayOff } from '#calendar';
import { useRead, type Asked } from './api.js';
import { plainDigits } from './digits.js';
import { nowMs } from './past.js';

export interface CalendarDay {
  date: string;
  off?: DayOff;
  opens?: string;
  closes?: string;
}

/** The local date of an instant in the province, `YYYY-MM-DD`. */
export const today = (at = new Date(nowMs())): string =>
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

/** The date that is written as `۱۴۰۵/۷/۱۴`, in any digits; undefined when there is no such day. */
export function fromJalali(text: string): string | undefined {
  const [, year, month, day] = /^(1[34]\d\d)[/.-](\d{1,2})[/.-](\d{1,2})$/.exec(plainDigits(text.trim())) ?? [];
  if (!day) return undefined;
  return jalaliYear(Number(year)).find((date) => {
    const there = jalali(date);
    return there.month === Number(month) && there.day === Number(day);
  });
}

/** A date as it is written in figures: `1405/7/14`. */
export const toJalali = (date: string): string => Object.values(jalali(date)).join('/');

/** 0 for Saturday, the first day of the week. */
export const weekday = (date: string): number => (new Date(`${date}T00:00:00Z`).getUTCDay() + 1) % 7;
