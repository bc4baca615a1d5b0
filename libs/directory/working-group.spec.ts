import { as, fact, given } from '#test/kit/given';
import { dateOfSession, partsOfSession, workingGroupDecider } from './working-group.js';

const group = { name: 'کارگروه تسهیل', chair: 'governor', secretary: 'secretary', capacity: 14 };
const established = fact('WorkingGroupEstablished', group);
const first = fact('SessionScheduled', { number: 1, date: '2026-08-25', session: 'facilitation-1' });
const id = 'facilitation';
const admin = { actor: as('admin'), id };
const secretary = { actor: as('secretary'), id };

describe('a working group', () => {
  it('is established once, with an agenda of 14 unless told otherwise', () => {
    const { capacity: _, ...rest } = group;
    given(workingGroupDecider)
      .when('EstablishWorkingGroup', rest, admin)
      .then([{ type: 'WorkingGroupEstablished', data: group }]);
    const there = given(workingGroupDecider, established);
    there.when('EstablishWorkingGroup', rest, admin).thenNothing();
    there.when('EstablishWorkingGroup', { ...group, capacity: 10 }, admin).thenRefused('already-established');
  });

  it('has an id that leaves room for those of its sessions and resolutions', () => {
    given(workingGroupDecider)
      .when('EstablishWorkingGroup', group, { ...admin, id: 'g'.repeat(41) })
      .thenRefused('invalid');
  });

  it('numbers its sessions without gaps', () => {
    given(workingGroupDecider, established)
      .when('ScheduleSession', { date: '2026-08-25' }, secretary)
      .then([{ type: 'SessionScheduled', data: { number: 1, session: 'facilitation-1' } }]);
    given(workingGroupDecider, established, first)
      .when('ScheduleSession', { date: '2026-09-01' }, secretary)
      .then([{ type: 'SessionScheduled', data: { number: 2, date: '2026-09-01', session: 'facilitation-2' } }]);
    given(workingGroupDecider).when('ScheduleSession', { date: '2026-09-01' }, secretary).thenRefused('not-found');
  });

  it.each(['2026-02-30', '2026-9-1', '2026-09-01T00:00:00Z', 20260901, ' '])('refuses the date %j', (date) => {
    given(workingGroupDecider, established).when('ScheduleSession', { date }, secretary).thenRefused('invalid');
  });

  it('moves a session to another day and keeps its number', () => {
    const scheduled = given(workingGroupDecider, established, first);
    const move = { number: 1, date: '2026-08-26', reason: 'تعطیلی' };
    scheduled
      .when('RescheduleSession', move, secretary)
      .then([{ type: 'SessionRescheduled', data: { ...move, session: 'facilitation-1', from: '2026-08-25' } }]);
    scheduled.when('RescheduleSession', { ...move, date: '2026-08-25' }, secretary).thenNothing();
    scheduled.when('RescheduleSession', { ...move, number: 2 }, secretary).thenRefused('not-found');
    const { state } = given(workingGroupDecider, established, first, fact('SessionRescheduled', move));
    expect(dateOfSession(state, 1)).toBe('2026-08-26');
    expect(dateOfSession(state, 2)).toBeUndefined();
  });

  const term = { office: 'deputy', person: 'ب', from: '2026-09-01', to: '2026-09-10' };
  const substituted = given(workingGroupDecider, established, fact('SubstituteAppointed', term));

  it('appoints holders, each ending the one before', () => {
    const governor = { actor: as('governor'), id };
    const held = given(workingGroupDecider, established, fact('HolderAppointed', term));
    held.when('AppointHolder', term, governor).thenNothing();
    held.when('AppointHolder', { ...term, person: 'پ' }, governor).then([{ type: 'HolderAppointed' }]);
    held.when('AppointHolder', { ...term, to: '2026-08-31' }, governor).thenRefused('invalid');
  });

  it.each([
    ['the last day', { from: '2026-09-10', to: '2026-09-12' }],
    ['the first day', { from: '2026-08-20', to: '2026-09-01' }],
    ['all of it', { from: '2026-08-01' }],
  ])('refuses a second substitute of one office on %s', (_, days) => {
    const other = { office: 'deputy', person: 'پ', ...days };
    substituted.when('AppointSubstitute', other, admin).thenRefused('overlap');
  });

  it('takes substitutes one after the other, of another office, or the same again', () => {
    substituted
      .when('AppointSubstitute', { ...term, from: '2026-09-11', to: '2026-09-12' }, admin)
      .then([{ type: 'SubstituteAppointed' }]);
    substituted
      .when('AppointSubstitute', { ...term, office: 'governor' }, admin)
      .then([{ type: 'SubstituteAppointed' }]);
    substituted.when('AppointSubstitute', term, admin).thenNothing();
  });
});

describe('the id of a session', () => {
  it.each([
    ['facilitation-9', { group: 'facilitation', number: 9 }],
    ['north-west-12', { group: 'north-west', number: 12 }],
    ['facilitation', undefined],
    ['facilitation-0', undefined],
    ['facilitation-09', undefined],
    ['-9', undefined],
  ])('%s', (session, parts) => expect(partsOfSession(session)).toEqual(parts));
});
