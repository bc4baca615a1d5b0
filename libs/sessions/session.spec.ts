import { CalendarHistory } from '#calendar';
import { IssueResolution, type References } from '#resolutions';
import { STANDARD } from '#directory';
import { shaped, type RecordedEvent } from '#kernel';
import { as, fact, given } from '#test/kit/given';
import { sessionDecider } from './session.js';
import { signedMinutesIssueResolutions } from './session.policy.js';

const id = 'facilitation-9';
const secretary = { actor: as('secretary'), id };
const governor = { actor: as('governor'), id };
const opened = fact('SessionOpened', {
  workingGroup: 'facilitation',
  number: 9,
  date: '2026-10-20',
  attendance: ['gas'],
});
const obligation = { id: 'o1', agency: 'gas', action: 'وصل گاز', acceptance: 'تحویل', term: { workingDays: 5 } };
const resolution = { case: 'c-1', text: 'متن مصوبه', legalBasis: 'ماده ۶۱', obligations: [obligation] };
/** Small enough to be sent; too large with twenty ladders pinned. */
const twenty = Array.from({ length: 20 }, (_, index) => ({ ...obligation, id: `o${index}` }));
const adopted = (ordinal: number) =>
  fact('ResolutionAdopted', { ordinal, resolution: `${id}-${ordinal}`, number: `9/${ordinal}`, ...resolution });
const signed = fact('MinutesSigned', { workingGroup: 'facilitation', number: 9, adopted: 1 });

const refs: References = {
  province: 'offices',
  agencies: { gas: { calendar: 'offices' } },
  calendars: { offices: new CalendarHistory('offices') },
  ladders: { standard: { ...STANDARD, version: 1 } },
};
const context = { caseKnown: true, refs };

describe('opening a session', () => {
  it('needs the working group to have scheduled it', () => {
    given(sessionDecider)
      .when('OpenSession', { attendance: ['gas'] }, secretary, { date: '2026-10-20' })
      .then([{ type: 'SessionOpened', data: { workingGroup: 'facilitation', number: 9, date: '2026-10-20' } }]);
    given(sessionDecider).when('OpenSession', { attendance: [] }, secretary, {}).thenRefused('not-found');
  });
  it('happens once', () => {
    given(sessionDecider, opened)
      .when('OpenSession', { attendance: ['gas'] }, secretary, {})
      .thenNothing();
    given(sessionDecider, opened).when('OpenSession', { attendance: [] }, secretary, {}).thenRefused('already-open');
  });
  it.each([
    ['facilitation-9', '2026-10-20'],
    ['facilitation-10', undefined],
    ['energy-1', undefined],
    ['facilitation', undefined],
  ])('finds the date of %s', async (session, date) => {
    const group = { status: 'established', sessions: Array(9).fill('2026-10-20') };
    const reads = {
      state: async (_: unknown, of: string) => ({
        state: (of === 'facilitation' ? group : { status: 'unknown' }) as never,
        revision: 0,
      }),
    };
    const asked = { name: 'OpenSession', id: session, data: {} } as never;
    expect(await sessionDecider.context!(asked, sessionDecider.initial, reads)).toEqual({ date });
  });
});

describe('adopting a resolution', () => {
  it('counts the ordinals', () => {
    given(sessionDecider, opened)
      .when('AdoptResolution', resolution, secretary, context)
      .then([{ type: 'ResolutionAdopted', data: { ...resolution, ordinal: 1, resolution: `${id}-1`, number: '9/1' } }]);
    given(sessionDecider, opened, adopted(1))
      .when('AdoptResolution', resolution, secretary, context)
      .then([{ type: 'ResolutionAdopted', data: { ordinal: 2, number: '9/2' } }]);
  });

  it.each(['agency', 'acceptance', 'term'])('is refused without its %s', (field) => {
    const { [field as 'agency']: _, ...lacking } = obligation;
    given(sessionDecider, opened)
      .when('AdoptResolution', { ...resolution, obligations: [lacking] }, secretary, context)
      .thenRefused('invalid');
  });

  it.each([
    ['no obligations', { ...resolution, obligations: [] }, context],
    ['an unknown agency', { ...resolution, obligations: [{ ...obligation, agency: 'nobody' }] }, context],
    ['an unknown case', resolution, { ...context, caseKnown: false }],
    ['more than its event could hold', { ...resolution, text: 'م'.repeat(20_000), obligations: twenty }, context],
  ])('is refused with %s', (_, body, known) => {
    given(sessionDecider, opened).when('AdoptResolution', body, secretary, known).thenRefused('invalid');
  });

  it('happens in an open session only', () => {
    given(sessionDecider).when('AdoptResolution', resolution, secretary, context).thenRefused('session-not-open');
    given(sessionDecider, opened, signed)
      .when('AdoptResolution', resolution, secretary, context)
      .thenRefused('minutes-signed');
  });
});

describe('signing the minutes', () => {
  it('happens once, by the governor or the deputy', () => {
    given(sessionDecider, opened, adopted(1))
      .when('SignMinutes', {}, governor)
      .then([{ type: 'MinutesSigned', data: { workingGroup: 'facilitation', number: 9, adopted: 1 } }]);
    given(sessionDecider, opened, signed).when('SignMinutes', {}, governor).thenNothing();
    given(sessionDecider).when('SignMinutes', {}, governor).thenRefused('session-not-open');
    given(sessionDecider, opened).when('SignMinutes', {}, secretary).thenRefused('forbidden');
    given(sessionDecider, opened).when('SignMinutes', { seal: 'x' }, governor).thenRefused('invalid');
  });

  it('issues every resolution, in order, in a shape that is accepted', async () => {
    const { state } = given(sessionDecider, opened, adopted(1), adopted(2), signed);
    const reads = { state: async () => ({ state: state as never, revision: 3 }) };
    const event = { stream: `session-${id}`, type: 'MinutesSigned', data: signed.data } as RecordedEvent;
    const wanted = await signedMinutesIssueResolutions.react(event, reads as never);
    expect(wanted).toMatchObject([
      {
        aggregate: 'resolution',
        id: `${id}-1`,
        name: 'IssueResolution',
        data: { session: id, number: '9/1', ...resolution },
      },
      { aggregate: 'resolution', id: `${id}-2`, data: { case: 'c-1', number: '9/2' } },
    ]);
    expect(() => wanted.forEach(({ data }) => shaped(IssueResolution, data))).not.toThrow();
  });
});
