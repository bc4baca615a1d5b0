import fc from 'fast-check';
import {
  plusMs,
  startClock,
  extendClock,
  remainingOf,
  resumeClock,
  rederive,
  CalendarHistory,
  dateOf,
  dayOf,
  WEEKDAYS,
  dueOf,
  durationMs,
  type CalendarChange,
  type CalendarVersion,
  type Hours,
  type Weekday,
} from './index.js';

const change = (type: string, data: object, revision: number, at = '2026-01-01T00:00:00.000Z') =>
  ({ type, data, revision, at, position: String(revision + 1) }) as CalendarChange;

const history = (version: Partial<CalendarVersion> = {}, ...closed: string[]) => {
  const week = Object.fromEntries(WEEKDAYS.map((day) => [day, day === 'thu' || day === 'fri' ? null : '07:30-14:30']));
  const base = {
    zone: 'Asia/Tehran',
    week: week as Record<Weekday, Hours | null>,
    holidays: [],
    validFrom: '2026-03-21',
  };
  const defined = new CalendarHistory('offices', [change('CalendarDefined', { ...base, ...version }, 0)]);
  return closed.length === 0
    ? defined
    : defined.with(change('ClosureDeclared', { dates: closed, reason: 'گرما', decree: '۱' }, 1));
};

describe('the working-day clock', () => {
  it('does not count the day of communication and ends at closing time', () => {
    // Tuesday 25 August 2026; the weekend is Thursday and Friday.
    const { dueAt } = startClock({ workingDays: 3 }, '2026-08-25T05:30:00.000Z', history().view());
    expect(dueAt).toBe('2026-08-30T11:00:00.000Z');
  });

  it('counts on local dates: half past nine at night in UTC is tomorrow in Tehran', () => {
    const { anchor } = startClock({ workingDays: 1 }, '2026-08-25T20:31:00.000Z', history().view());
    expect(anchor!.date).toBe('2026-08-26');
  });

  it('takes the version in force on each date; before the first, the first', () => {
    const all = Object.fromEntries(WEEKDAYS.map((day) => [day, '08:00-12:00'])) as Record<Weekday, Hours>;
    const two = history().with(
      change('CalendarDefined', { zone: 'Asia/Tehran', week: all, holidays: [], validFrom: '2026-09-01' }, 1),
    );
    expect(two.view().isWorking(dayOf('2026-08-27'))).toBe(false);
    expect(two.view().isWorking(dayOf('2026-09-03'))).toBe(true);
    expect(two.view().isWorking(dayOf('2025-01-02'))).toBe(false);
  });

  it('lets declared hours replace the hours of a working day, and never make one', () => {
    const hours = history()
      .with(change('HoursDeclared', { dates: ['2026-08-26', '2026-08-27'], hours: '09:00-11:00' }, 1))
      .view();
    expect(hours.closes(dayOf('2026-08-26'))).toBe('2026-08-26T07:30:00.000Z');
    expect(hours.isWorking(dayOf('2026-08-27'))).toBe(false);
  });

  it.each([
    ['as the doors open', '2026-08-25T04:00:00.000Z', '2026-08-25T04:00:00.000Z'],
    ['before noon', '2026-08-25T07:00:00.000Z', '2026-08-25T04:00:00.000Z'],
    ['a moment before', '2026-08-25T03:59:59.999Z', undefined],
    ['as they close', '2026-08-25T11:00:00.000Z', undefined],
    ['at night', '2026-08-24T21:00:00.000Z', undefined],
    ['on a weekend', '2026-08-27T07:00:00.000Z', undefined],
    ['on a day that is closed by decree', '2026-08-26T07:00:00.000Z', undefined],
  ])('says whether offices are open %s', (_, at, since) =>
    expect(history({}, '2026-08-26').view().openSince(at)).toBe(since),
  );

  it('never searches for ever', () => {
    const holidays = Array.from({ length: 41 * 366 }, (_, i) => ({ date: dateOf(dayOf('2026-01-01') + i), name: 'x' }));
    expect(() => startClock({ workingDays: 1 }, '2026-08-25T05:30:00.000Z', history({ holidays }).view())).toThrow(
      'no 1 working days',
    );
  });

  it('keeps the instant when a recount would be earlier, unless its day is no longer a working day', () => {
    const closed = history({}, '2026-08-26');
    const clock = startClock({ workingDays: 1 }, '2026-08-25T05:30:00.000Z', closed.view());
    expect(clock.dueAt).toBe('2026-08-29T11:00:00.000Z');
    const cancelled = closed.with(change('ClosureCancelled', { dates: ['2026-08-26'] }, 2));
    expect(rederive(clock, cancelled.view())).toBe('2026-08-29T11:00:00.000Z');
    const other = cancelled.with(change('ClosureDeclared', { dates: ['2026-08-29'], reason: 'x', decree: 'y' }, 3));
    expect(rederive(clock, other.view())).toBe('2026-08-30T11:00:00.000Z');
  });

  it('asks for the next table of holidays a quarter before the last one ends', () => {
    const table = history({ holidays: [{ date: '2027-03-21', name: 'نوروز' }] });
    expect(table.tableWarning('2026-12-19T06:00:00.000Z')).toBeUndefined();
    expect(table.tableWarning('2026-12-21T06:00:00.000Z')).toContain('knows no holiday after 2027-03-21');
    expect(history().tableWarning('2026-12-21T06:00:00.000Z')).toContain('no holidays at all');
  });

  it('reads durations of weeks, days, hours, minutes and seconds, and nothing else', () => {
    expect(durationMs('P1W2DT3H4M5S')).toBe((((9 * 24 + 3) * 60 + 4) * 60 + 5) * 1000);
    for (const wrong of ['P', 'PT', 'P1M', 'P1Y', 'PT1.5H', '72h', '-PT1H']) expect(durationMs(wrong)).toBeUndefined();
  });
});

describe('the algebra of the clock, with no calendar change in between', () => {
  const days = fc.integer({ min: 1, max: 60 });
  const instants = fc
    .integer({ min: Date.parse('2026-03-25'), max: Date.parse('2027-02-01') })
    .map((ms) => new Date(ms).toISOString());
  const closures = fc
    .uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 40 })
    .map((all) => all.map((i) => dateOf(dayOf('2026-03-25') + i)));
  const views = closures.map((dates) => history({}, ...dates).view());

  it('suspending and resuming at once before the due day changes nothing', () => {
    fc.assert(
      fc.property(views, instants, days, fc.nat({ max: 59 }), (view, start, term, on) => {
        const clock = startClock({ workingDays: term }, start, view);
        const at = plusMs(start, on * 86_400_000);
        fc.pre(view.localDay(at) < view.localDay(clock.dueAt));
        expect(resumeClock(remainingOf(clock, at, view), at, view).dueAt).toBe(clock.dueAt);
      }),
    );
  });

  it('a later communication never gives an earlier due instant', () => {
    fc.assert(
      fc.property(views, instants, instants, days, (view, a, b, term) => {
        const [first, second] = [a, b].sort();
        const dues = [first!, second!].map((start) => startClock({ workingDays: term }, start, view).dueAt);
        expect(dues[0]! <= dues[1]!).toBe(true);
      }),
    );
  });

  it('remaining and consumed add up to the term while more than one day remains', () => {
    fc.assert(
      fc.property(views, instants, days, fc.nat({ max: 80 }), (view, start, term, on) => {
        const clock = startClock({ workingDays: term }, start, view);
        const at = plusMs(start, on * 86_400_000);
        const left = remainingOf(clock, at, view) as { workingDays: number };
        fc.pre(left.workingDays > 1 && at < clock.dueAt);
        expect(view.workingDaysBetween(dayOf(clock.anchor!.date), view.localDay(at)) + left.workingDays).toBe(term);
      }),
    );
  });

  it('extending twice is extending once by the sum', () => {
    fc.assert(
      fc.property(views, instants, days, days, days, (view, start, term, a, b) => {
        const clock = startClock({ workingDays: term }, start, view);
        const twice = extendClock(extendClock(clock, { workingDays: a }, view), { workingDays: b }, view);
        expect(twice).toEqual(extendClock(clock, { workingDays: a + b }, view));
      }),
    );
  });

  it('moving by a closure and counting afresh agree when the closure came first', () => {
    fc.assert(
      fc.property(closures, instants, days, (dates, start, term) => {
        const before = history();
        const after = before.with(change('ClosureDeclared', { dates, reason: 'x', decree: 'y' }, 1));
        const clock = startClock({ workingDays: term }, start, before.view());
        fc.pre(dates.every((date) => dayOf(date) > before.view().localDay(start)));
        expect(rederive(clock, after.view())).toBe(dueOf(clock.anchor!, after.view()));
      }),
    );
  });
});
