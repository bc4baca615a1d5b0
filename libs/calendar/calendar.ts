import { type Instant, Refused } from '#kernel';
import { dateOf, dayOf, instantAt, localDay, type Day, type LocalDate, type Weekday, weekdayOf } from './dates.js';

/** `"07:30-14:30"` */
export type Hours = string;

export interface CalendarVersion {
  zone: string;
  week: Record<Weekday, Hours | null>;
  holidays: { date: LocalDate; name: string }[];
  validFrom: LocalDate;
}

/** One event of a calendar's stream, as far as clocks care. `revision` is its place in the stream. */
export type CalendarChange = { at: Instant; revision: number; position: string } & (
  | { type: 'CalendarDefined'; data: CalendarVersion }
  | { type: 'ClosureDeclared'; data: { dates: LocalDate[]; reason: string; decree: string } }
  | { type: 'ClosureCancelled'; data: { dates: LocalDate[]; reason?: string; decree?: string } }
  | { type: 'HoursDeclared'; data: { dates: LocalDate[]; hours: Hours; reason?: string; decree?: string } }
);

/** Why a day does not count. */
export type DayOff =
  { kind: 'weekend' } | { kind: 'holiday'; name: string } | { kind: 'closure'; reason: string; decree: string };

/** Calendars with a fifth of a working day a month would still end inside this. Beyond it there is no working day. */
const SEARCH_DAYS = 40 * 366;

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
const holidayTables = new WeakMap<CalendarVersion, Map<Day, string>>();

function holidaysOf(version: CalendarVersion): Map<Day, string> {
  let table = holidayTables.get(version);
  if (!table)
    holidayTables.set(version, (table = new Map(version.holidays.map(({ date, name }) => [dayOf(date), name]))));
  return table;
}

/**
 * A calendar as it is known after a number of its changes: which days are working days, and when offices open and close.
 *
 * A working day (CONTRACT section 4): its weekday has office hours in the version in force on that date (the latest with
 * validFrom ≤ date; before the first, the first), and it is neither a holiday of that version nor a declared closure.
 * Declared hours replace the hours of a working day; they never make one.
 */
export class CalendarView {
  /** The calendar's zone: that of its newest version. */
  readonly zone: string;
  private readonly versions: { from: Day; version: CalendarVersion }[];
  private readonly closures = new Map<Day, { reason: string; decree: string }>();
  private readonly hours = new Map<Day, Hours>();

  constructor(
    readonly id: string,
    changes: readonly CalendarChange[],
  ) {
    const versions: { from: Day; version: CalendarVersion }[] = [];
    for (const change of changes) {
      switch (change.type) {
        case 'CalendarDefined':
          versions.push({ from: dayOf(change.data.validFrom), version: change.data });
          break;
        case 'ClosureDeclared':
          for (const date of change.data.dates) this.closures.set(dayOf(date), change.data);
          break;
        case 'ClosureCancelled':
          for (const date of change.data.dates) this.closures.delete(dayOf(date));
          break;
        case 'HoursDeclared':
          for (const date of change.data.dates) this.hours.set(dayOf(date), change.data.hours);
      }
    }
    const newest = versions.at(-1);
    if (!newest) throw new Refused('invalid', `The calendar "${id}" is not defined.`);
    this.zone = newest.version.zone;
    // Stable: of two versions with one validFrom the one recorded later is in force.
    this.versions = versions.sort((a, b) => a.from - b.from);
  }

  versionOn(day: Day): CalendarVersion {
    for (let i = this.versions.length - 1; i > 0; i--) {
      if (this.versions[i]!.from <= day) return this.versions[i]!.version;
    }
    return this.versions[0]!.version;
  }

  isWorking(day: Day): boolean {
    return this.dayOff(day) === undefined;
  }

  isClosed(day: Day): boolean {
    return this.closures.has(day);
  }

  /** Why `day` does not count; undefined when it does. */
  dayOff(day: Day): DayOff | undefined {
    const version = this.versionOn(day);
    const holiday = holidaysOf(version).get(day);
    const closure = this.closures.get(day);
    if (holiday !== undefined) return { kind: 'holiday', name: holiday };
    if (version.week[weekdayOf(day)] === null) return { kind: 'weekend' };
    return closure && { kind: 'closure', reason: closure.reason, decree: closure.decree };
  }

  localDay(at: Instant): Day {
    return localDay(at, this.zone);
  }

  private time(day: Day, part: 0 | 1): Instant {
    const hours = this.hours.get(day) ?? this.versionOn(day).week[weekdayOf(day)]!;
    return instantAt(day, minutesOf(hours.split('-')[part]!), this.zone);
  }
  /** Opening time of a working day. */
  opens(day: Day): Instant {
    return this.time(day, 0);
  }
  /** Closing time of a working day. */
  closes(day: Day): Instant {
    return this.time(day, 1);
  }

  /** Since when offices are open at `at`; undefined when they are closed. */
  openSince(at: Instant): Instant | undefined {
    const day = this.localDay(at);
    if (!this.isWorking(day)) return undefined;
    const opened = this.opens(day);
    return opened <= at && at < this.closes(day) ? opened : undefined;
  }

  /**
   * The `count`th working day after `day` (`count` ≥ 1), or before it (`count` ≤ -1).
   * @throws Refused `no-working-day` when there is none within 40 years: no search is ever endless
   * @throws RangeError for a count that is none
   */
  workingDay(day: Day, count: number): Day {
    if (!Number.isInteger(count) || count === 0) throw new RangeError(`There is no ${count}th working day.`);
    const step = Math.sign(count);
    let left = Math.abs(count);
    for (let d = day + step; Math.abs(d - day) <= SEARCH_DAYS; d += step) {
      if (this.isWorking(d) && --left === 0) return d;
    }
    throw new Refused(
      'no-working-day',
      `The calendar "${this.id}" has no ${count} working days from ${dateOf(day)} on.`,
    );
  }

  /** Working days after `from` up to and including `to`; 0 when `to` is not after `from`. */
  workingDaysBetween(from: Day, to: Day): number {
    let count = 0;
    for (let d = from + 1; d <= to; d++) if (this.isWorking(d)) count++;
    return count;
  }
}

/** A quarter of a year: how long before its end a table of holidays is asked for again. */
const TABLE_NOTICE_DAYS = 91;

/** A calendar's whole stream, and what was known of it when. */
export class CalendarHistory {
  private readonly views = new Map<number, CalendarView>();

  constructor(
    readonly id: string,
    readonly changes: readonly CalendarChange[] = [],
  ) {}

  with(change: CalendarChange): CalendarHistory {
    return new CalendarHistory(this.id, [...this.changes, change]);
  }

  get revision(): number {
    return this.changes.at(-1)?.revision ?? -1;
  }

  /** The calendar after its first `count` changes. */
  view(count = this.changes.length): CalendarView {
    let view = this.views.get(count);
    if (!view) this.views.set(count, (view = new CalendarView(this.id, this.changes.slice(0, count))));
    return view;
  }

  /**
   * A sentence when the newest table of holidays ends within a quarter, or has ended: lunar holidays follow
   * announcements, so what is counted beyond the table may come out too early.
   */
  tableWarning(now: Instant): string | undefined {
    const view = this.view();
    const { holidays } = view.versionOn(Number.MAX_SAFE_INTEGER);
    const last = holidays
      .map(({ date }) => date)
      .sort()
      .at(-1);
    if (last === undefined) return `The calendar "${this.id}" has no holidays at all.`;
    if (dayOf(last) - view.localDay(now) >= TABLE_NOTICE_DAYS) return undefined;
    return `The calendar "${this.id}" knows no holiday after ${last}; define its next version (DefineCalendar).`;
  }

  /** How many changes were recorded before `at` (`inclusive`: or at it). */
  countAt(at: Instant, inclusive: boolean): number {
    let count = this.changes.length;
    while (count > 0 && (inclusive ? this.changes[count - 1]!.at > at : this.changes[count - 1]!.at >= at)) count--;
    return count;
  }
}
