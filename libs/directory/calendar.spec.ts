import { as, fact, given } from '#test/kit/given';
import { calendarDecider } from '#directory';

const week = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30', thu: null, fri: null }; // prettier-ignore
const definition = {
  zone: 'Asia/Tehran',
  week,
  holidays: [{ date: '2027-03-21', name: 'نوروز' }],
  validFrom: '2026-03-21',
};
const admin = { actor: as('admin') };
const governor = { actor: as('governor'), now: '2026-08-25T20:31:00.000Z' };
const closure = (...dates: string[]) => ({ dates, reason: 'گرما', decree: 'م/۱' });

describe('a calendar', () => {
  it('is defined, and defined again in a new version', () => {
    const defined = given(calendarDecider, fact('CalendarDefined', definition));
    defined
      .when('DefineCalendar', { ...definition, validFrom: '2027-03-21' }, admin)
      .then([{ type: 'CalendarDefined' }]);
  });

  it.each([
    ['no working day at all', { week: Object.fromEntries(Object.keys(week).map((day) => [day, null])) }],
    ['a weekday missing', { week: { ...week, fri: undefined } }],
    ['a weekday that is none', { week: { ...week, someday: null } }],
    ['hours that end before they begin', { week: { ...week, sat: '14:30-07:30' } }],
    ['hours that are none', { week: { ...week, sat: 'morning' } }],
    ['an unknown zone', { zone: 'Asia/Tabriz' }],
    ['a date that does not exist', { validFrom: '2026-02-30' }],
    ['a holiday without a name', { holidays: [{ date: '2027-03-21', name: ' ' }] }],
    ['a list as a holiday', { holidays: [[]] }],
  ])('is refused with %s', (_, wrong) => {
    given(calendarDecider)
      .when('DefineCalendar', JSON.parse(JSON.stringify({ ...definition, ...wrong })), admin)
      .thenRefused('invalid');
  });

  it('is closed from today on, never in the past: today is the day of its own zone', () => {
    const defined = given(calendarDecider, fact('CalendarDefined', definition));
    // 20:31 UTC is past midnight in Tehran.
    defined
      .when('DeclareClosure', closure('2026-08-26'), governor)
      .then([{ type: 'ClosureDeclared', data: closure('2026-08-26') }]);
    defined.when('DeclareClosure', closure('2026-08-25', '2026-08-27'), governor).thenRefused('invalid');
    defined.when('DeclareClosure', closure('2026-08-27', '2026-08-27'), governor).thenRefused('invalid');
    defined.when('DeclareClosure', closure(), governor).thenRefused('invalid');
    given(calendarDecider).when('DeclareClosure', closure('2026-08-26'), governor).thenRefused('not-found');
  });

  it('takes a closure back only where there is one', () => {
    const closed = given(
      calendarDecider,
      fact('CalendarDefined', definition),
      fact('ClosureDeclared', closure('2026-08-30')),
    );
    closed.when('CancelClosure', { dates: ['2026-08-30'] }, governor).then([{ type: 'ClosureCancelled' }]);
    closed.when('CancelClosure', { dates: ['2026-08-31'] }, governor).thenNothing();
  });

  it('has other hours by decree, if they open before they close', () => {
    const defined = given(calendarDecider, fact('CalendarDefined', definition));
    defined
      .when('DeclareHours', { dates: ['2026-08-26'], hours: '09:00-11:00' }, governor)
      .then([{ type: 'HoursDeclared' }]);
    defined.when('DeclareHours', { dates: ['2026-08-26'], hours: '11:00-09:00' }, governor).thenRefused('invalid');
  });
});
