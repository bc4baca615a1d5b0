import type { Instant } from '#kernel';
import { dateOf, localDay, type LocalDate } from './dates.js';

export const LANGUAGES = ['fa', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const dates: Record<Language, Intl.DateTimeFormat> = {
  fa: new Intl.DateTimeFormat('fa-IR-u-ca-persian', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }), // prettier-ignore
  en: new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }), // prettier-ignore
};
const times = new Map<string, Intl.DateTimeFormat>();

/** A date as people say it: «سه‌شنبه ۳ شهریور ۱۴۰۵» (Jalali) or "Tuesday 25 August 2026". Node orders the full date oddly, so from parts. */
export function spokenDate(date: LocalDate, language: Language): string {
  const parts = dates[language].formatToParts(new Date(`${date}T00:00:00Z`));
  const part = (type: string) => parts.find((p) => p.type === type)!.value;
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}`;
}

/** Date and time of day in a zone. */
export function spokenInstant(at: Instant, zone: string, language: Language): string {
  const key = `${zone} ${language}`;
  let format = times.get(key);
  if (!format) {
    const locale = language === 'fa' ? 'fa-IR' : 'en-GB';
    format = new Intl.DateTimeFormat(locale, { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    times.set(key, format);
  }
  const time = format.format(new Date(at));
  const date = spokenDate(dateOf(localDay(at, zone)), language);
  return language === 'fa' ? `${date}، ساعت ${time}` : `${date}, ${time}`;
}

/** A number in the digits of the language, without grouping. */
export const spokenNumber = (n: number | string, language: Language): string =>
  language === 'fa' ? String(n).replace(/\d/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'[Number(digit)]!) : String(n);

const years = new Intl.DateTimeFormat('en-u-ca-persian-nu-latn', { year: 'numeric', timeZone: 'UTC' });
/** The Jalali year of a date: 1405. */
export const jalaliYear = (date: LocalDate): number =>
  Number(years.formatToParts(new Date(`${date}T00:00:00Z`)).find(({ type }) => type === 'year')!.value);
