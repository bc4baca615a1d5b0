import { as, fact, given } from '#test/kit/given';
import { agencyDecider } from './agency.js';

const gas = { name: 'شرکت گاز', kind: 'utility' };
const admin = { actor: as('admin'), id: 'gas' };
const known = { calendarKnown: true };

describe('an agency', () => {
  it('is registered on the province’s calendar unless it has its own', () => {
    given(agencyDecider)
      .when('RegisterAgency', gas, admin, known)
      .then([{ type: 'AgencyRegistered', data: { ...gas, calendar: 'offices' } }]);
    given(agencyDecider)
      .when('RegisterAgency', { ...gas, calendar: 'banks' }, admin, known)
      .then([{ type: 'AgencyRegistered', data: { calendar: 'banks' } }]);
  });

  const registered = given(agencyDecider, fact('AgencyRegistered', { ...gas, calendar: 'offices' }));
  it('is registered once', () => {
    registered.when('RegisterAgency', gas, admin, known).thenNothing();
    registered.when('RegisterAgency', { ...gas, calendar: 'offices' }, admin, known).thenNothing();
    registered.when('RegisterAgency', { ...gas, kind: 'bank' }, admin, known).thenRefused('already-registered');
  });

  it('is refused with a calendar that nobody defined, without particulars, or by somebody else', () => {
    given(agencyDecider).when('RegisterAgency', gas, admin, { calendarKnown: false }).thenRefused('invalid');
    given(agencyDecider).when('RegisterAgency', { name: ' ', kind: 'bank' }, admin, known).thenRefused('invalid');
    given(agencyDecider)
      .when('RegisterAgency', gas, { actor: as('agency') }, known)
      .thenRefused('forbidden');
  });

  it.each([
    [undefined, 'offices'],
    ['banks', 'banks'],
  ])('looks for the calendar %s in the stream of %s', async (calendar, wanted) => {
    const asked: string[] = [];
    const reads = {
      state: async (decider: { aggregate: string }, id: string) => {
        asked.push(`${decider.aggregate}-${id}`);
        return { state: undefined as never, revision: -1 };
      },
    };
    const context = await agencyDecider.context!({ data: { ...gas, calendar } } as never, { status: 'unknown' }, reads);
    expect(asked).toEqual([`calendar-${wanted}`]);
    expect(context).toEqual({ calendarKnown: false });
  });
});
