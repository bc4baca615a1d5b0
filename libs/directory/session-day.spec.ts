import { CalendarView, type CalendarChange } from '#calendar';
import { proposedDay } from './session-day.js';

const HOURS = '07:30-14:30';
const WEEK = { sat: HOURS, sun: HOURS, mon: HOURS, tue: HOURS, wed: HOURS, thu: null, fri: null };
const calendar = (...closed: string[]) => {
  const changes = [
    {
      type: 'CalendarDefined',
      data: {
        zone: 'Asia/Tehran',
        week: WEEK,
        holidays: [{ date: '2026-09-01', name: 'عید' }],
        validFrom: '2026-03-21',
      },
    },
    ...(closed.length > 0 ? [{ type: 'ClosureDeclared', data: { dates: closed, reason: 'گرما', decree: 'د-۱' } }] : []),
  ];
  return new CalendarView('offices', changes as CalendarChange[]);
};
const day = (date: string, view: CalendarView, { taken = [] as string[], now = '2026-08-20T05:00:00.000Z' } = {}) =>
  proposedDay(date, new Set(taken), view, now)?.date;

// 25 August 2026 is a Tuesday.
describe('a session on a day that was closed', () => {
  it('is proposed for the next free working day of the same weekday', () => {
    expect(proposedDay('2026-08-25', new Set(), calendar('2026-08-25'), '2026-08-20T05:00:00.000Z')).toEqual({
      from: '2026-08-25',
      date: '2026-09-08', // 1 September is a holiday.
      reason: 'گرما',
      decree: 'د-۱',
    });
    expect(day('2026-08-25', calendar('2026-08-25'), { taken: ['2026-09-08'] })).toBe('2026-09-15');
    expect(day('2026-09-01', calendar())).toBe('2026-09-08');
  });

  it('else for the next free working day, when four such weekdays are gone', () => {
    const closed = ['2026-08-25', '2026-09-08', '2026-09-15', '2026-09-22'];
    expect(day('2026-08-25', calendar(...closed))).toBe('2026-08-26');
    expect(day('2026-08-25', calendar(...closed), { taken: ['2026-08-26'] })).toBe('2026-08-29');
  });

  it('never for a day that has passed', () => {
    expect(day('2026-08-25', calendar('2026-08-25'), { now: '2026-10-13T05:00:00.000Z' })).toBe('2026-10-20');
  });

  it('stays where it is when its day is not closed, or was a weekend when it was chosen', () => {
    expect(day('2026-08-25', calendar())).toBeUndefined();
    expect(day('2026-08-28', calendar('2026-08-28'))).toBeUndefined();
  });
});
