import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
} from 'class-validator';
import { DateText, ListOf, Refused, Text, type AnyDecider, type Asked, type Decided } from '#kernel';
import {
  CalendarHistory,
  dateOf,
  dayOf,
  isZone,
  WEEKDAYS,
  type CalendarChange,
  type Hours,
  type Weekday,
} from '#calendar';

const HOURS = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;
const hoursFault = (hours: unknown): string | undefined => {
  if (typeof hours !== 'string' || !HOURS.test(hours)) return 'must be hours such as "07:30-14:30"';
  const [opens, closes] = hours.split('-');
  return opens! < closes! ? undefined : 'must open before it closes';
};

class Holiday {
  @DateText() date!: string;
  @Text(200) name!: string;
}

export class DefineCalendar {
  /** An IANA time zone, such as Asia/Tehran. */
  @Text(64) zone!: string;
  /** For each weekday, sat to fri, the office hours `"07:30-14:30"` or null when closed. */
  @IsObject() week!: Record<Weekday, Hours | null>;
  @ListOf(() => Holiday, 1000) holidays!: Holiday[];
  /** The first date on which this version is in force. */
  @DateText() validFrom!: string;
}

class ForDates {
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(60) @ArrayUnique() @DateText(true) dates!: string[];
}

export class DeclareClosure extends ForDates {
  @Text(500) reason!: string;
  @Text(200) decree!: string;
}

export class CancelClosure extends ForDates {
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
  @IsOptional() @IsString() @MaxLength(200) decree?: string;
}

export class DeclareHours extends ForDates {
  @IsString() @Matches(HOURS) hours!: string;
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
  @IsOptional() @IsString() @MaxLength(200) decree?: string;
}

const CLOSERS = ['governor', 'deputy', 'admin'] as const;

/** A calendar's events are themselves the calendar: what is known of it grows by one change an event. */
export const calendarDecider: AnyDecider<CalendarHistory | undefined> = {
  aggregate: 'calendar',
  initial: undefined,
  evolve(state, fact, event) {
    const history = state ?? new CalendarHistory(event ? event.stream.slice('calendar-'.length) : '');
    const revision = event?.revision ?? history.changes.length;
    const { type, data, at } = fact;
    return history.with({ type, data, at, revision, position: event?.position ?? '0' } as CalendarChange);
  },
  commands: {
    DefineCalendar: {
      data: DefineCalendar,
      roles: ['admin'],
      decide({ data }: Asked<DefineCalendar>) {
        checkVersion(data);
        return [{ type: 'CalendarDefined', data }];
      },
    },
    DeclareClosure: {
      data: DeclareClosure,
      roles: CLOSERS,
      decide: (asked: Asked<DeclareClosure>, state) => onDates(asked, state, 'ClosureDeclared'),
    },
    CancelClosure: {
      data: CancelClosure,
      roles: CLOSERS,
      decide(asked: Asked<CancelClosure>, state) {
        const decided = onDates(asked, state, 'ClosureCancelled');
        const closed = asked.data.dates.some((date) => state!.view().isClosed(dayOf(date)));
        return closed ? decided : [];
      },
    },
    DeclareHours: {
      data: DeclareHours,
      roles: CLOSERS,
      decide(asked: Asked<DeclareHours>, state) {
        const fault = hoursFault(asked.data.hours);
        if (fault) throw new Refused('invalid', `hours ${fault}.`, 422, [{ path: 'hours', reason: fault }]);
        return onDates(asked, state, 'HoursDeclared');
      },
    },
  },
};

function checkVersion({ zone, week }: DefineCalendar): void {
  const errors = isZone(zone) ? [] : [{ path: 'zone', reason: 'must be a known time zone, such as Asia/Tehran' }];
  for (const key of Object.keys(week)) {
    if (!WEEKDAYS.includes(key as Weekday))
      errors.push({ path: `week.${key}`, reason: 'is not a weekday (sat … fri)' });
  }
  for (const weekday of WEEKDAYS) {
    const hours = week[weekday];
    const fault =
      hours === null ? undefined : hours === undefined ? 'is missing; write null for a day off' : hoursFault(hours);
    if (fault) errors.push({ path: `week.${weekday}`, reason: fault });
  }
  if (errors.length === 0 && WEEKDAYS.every((weekday) => week[weekday] === null)) {
    errors.push({ path: 'week', reason: 'must have at least one working day; no deadline could ever be counted' });
  }
  if (errors.length > 0) {
    throw Refused.invalid(errors.map(({ path, reason }) => `${path} ${reason}`).join('; '), errors);
  }
}

function onDates({ data, now }: Asked<ForDates>, state: CalendarHistory | undefined, type: string): Decided[] {
  if (!state) throw Refused.notFound('There is no such calendar.');
  const today = dateOf(state.view().localDay(now));
  const past = data.dates.filter((date) => date < today);
  if (past.length > 0) {
    throw new Refused(
      'invalid',
      `${past.join(', ')} is before today, ${today}: what has been counted stays counted.`,
      422,
      [{ path: 'dates', reason: 'must be today or later' }],
    );
  }
  return [{ type, data }];
}
