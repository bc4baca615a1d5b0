import { as, fact, given } from '#test/kit/given';
import { caseDecider } from './case.js';
import { trackingCode } from './tracking-code.js';

const intake = { unit: 'u-7', channel: 'chamber', category: 'gas', title: 'گاز واحد ۷', statement: 'افزایش ظرفیت' };
const review = { technicalNote: 'بررسی شد', recommendation: 'افزایش ظرفیت', checklist: ['مدارک'] };
const id = 'c-1';
const [secretary, expert, engine] = (['secretary', 'expert', 'engine'] as const).map((role) => ({
  actor: as(role),
  id,
}));
const itsUnit = { actor: as('unit', { unit: 'u-7' }), id };
const otherUnit = { actor: as('unit', { unit: 'u-8' }), id };

const opened = fact('CaseOpened', { ...intake, trackingCode: trackingCode(id) });
const reviewed = fact('CaseReviewed', review);
const tabled = fact('CaseTabled', { session: 'facilitation-1', workingGroup: 'facilitation' });
const linked = fact('ResolutionLinked', { resolution: 'facilitation-1-1' });
const ended = fact('ResolutionEnded', { resolution: 'facilitation-1-1', outcome: 'fulfilled' });
const objected = fact('OutcomeObjected', { note: 'حل نشد' });
const closed = fact('CaseClosed', { outcome: 'حل شد' });

describe('opening a case', () => {
  it('gives a tracking code', () => {
    given(caseDecider)
      .when('OpenCase', intake, secretary!, {})
      .then([{ type: 'CaseOpened', data: { ...intake, trackingCode: trackingCode(id) } }]);
  });
  it('needs no unit: a sector or an investor has matters too', () => {
    const { unit: _, ...sector } = intake;
    given(caseDecider)
      .when('OpenCase', sector, expert!, {})
      .then([{ type: 'CaseOpened' }]);
  });
  it('happens once', () => {
    given(caseDecider, opened).when('OpenCase', intake, secretary!, {}).thenNothing();
    given(caseDecider, opened)
      .when('OpenCase', { ...intake, title: 'دیگر' }, secretary!, {})
      .thenRefused('already-open');
  });
  it('is refused for a unit that nobody registered', () => {
    given(caseDecider)
      .when('OpenCase', intake, secretary!, { unknown: 'There is no unit "u-7".' })
      .thenRefused('invalid');
  });
  it('lets a unit speak for itself only', () => {
    given(caseDecider)
      .when('OpenCase', intake, itsUnit, {})
      .then([{ type: 'CaseOpened' }]);
    given(caseDecider).when('OpenCase', intake, otherUnit, {}).thenRefused('forbidden');
    const { unit: _, ...sector } = intake;
    given(caseDecider)
      .when('OpenCase', sector, { actor: as('unit') }, {})
      .thenRefused('forbidden');
  });
  it.each([{ category: 'weather' }, { channel: 'pigeon' }, { title: '' }, { statement: 'x'.repeat(20_001) }])(
    'is refused with %j',
    (wrong) =>
      given(caseDecider)
        .when('OpenCase', { ...intake, ...wrong }, secretary!, {})
        .thenRefused('invalid'),
  );
});

describe('the tracking code', () => {
  it('is short, the same for one case, and shows a slip of the tongue', () => {
    const code = trackingCode(id);
    expect(code).toMatch(/^\d{4}-\d{4}-\d{4}$/);
    expect(trackingCode('c-2')).not.toBe(code);
    const digits = [...code.replaceAll('-', '')].map(Number);
    const luhn = (numbers: number[]) =>
      numbers.toReversed().reduce((sum, n, i) => sum + (i % 2 === 0 ? n : n * 2 > 9 ? n * 2 - 9 : n * 2), 0) % 10;
    expect(luhn(digits)).toBe(0);
    digits.forEach((digit, at) => expect(luhn(digits.with(at, (digit + 1) % 10))).not.toBe(0));
  });
});

describe('the way to a session', () => {
  it('needs an expert review', () => {
    const table = { session: 'facilitation-1' };
    given(caseDecider, opened).when('TableCase', table, secretary!, {}).thenRefused('not-reviewed');
    given(caseDecider, opened, reviewed)
      .when('TableCase', table, secretary!, {})
      .then([{ type: 'CaseTabled', data: { ...table, workingGroup: 'facilitation' } }]);
    given(caseDecider, opened, reviewed, tabled).when('TableCase', table, secretary!, {}).thenNothing();
    given(caseDecider, opened, reviewed, tabled)
      .when('TableCase', { session: 'facilitation-2' }, secretary!, {})
      .then([{ type: 'CaseTabled' }]);
    given(caseDecider, opened, reviewed).when('TableCase', table, secretary!, { unknown: '…' }).thenRefused('invalid');
    given(caseDecider).when('TableCase', table, secretary!, {}).thenRefused('not-found');
  });

  it('takes a better review, and the same one only once', () => {
    given(caseDecider, opened, reviewed).when('ReviewCase', review, expert!).thenNothing();
    const better = given(caseDecider, opened, reviewed, tabled);
    better.when('ReviewCase', { ...review, checklist: [] }, expert!).then([{ type: 'CaseReviewed' }]);
    expect(given(caseDecider, opened, reviewed, tabled, reviewed).state).toMatchObject({ status: 'tabled' });
  });

  it('leads to another working group, which tables it anew without another review', () => {
    given(caseDecider, opened, reviewed, tabled)
      .when('TransferCase', { workingGroup: 'energy' }, secretary!, {})
      .then([{ type: 'CaseTransferred', data: { workingGroup: 'energy', from: 'facilitation' } }]);
    const moved = given(caseDecider, opened, reviewed, tabled, fact('CaseTransferred', { workingGroup: 'energy' }));
    moved.when('TransferCase', { workingGroup: 'energy' }, secretary!, {}).thenNothing();
    moved.when('TableCase', { session: 'energy-1' }, secretary!, {}).then([{ type: 'CaseTabled' }]);
    expect(moved.state).not.toHaveProperty('session');
  });
});

describe('the context of a case', () => {
  const group = { status: 'established', sessions: ['2026-08-25'] };
  const reads = {
    state: async (decider: { aggregate: string }, of: string) =>
      ['unit-u-7', 'workingGroup-facilitation'].includes(`${decider.aggregate}-${of}`)
        ? { state: group as never, revision: 0 }
        : { state: { status: 'unknown' } as never, revision: -1 },
  };
  it.each([
    ['OpenCase', { unit: 'u-7' }, true],
    ['OpenCase', { unit: 'u-8' }, false],
    ['OpenCase', {}, true],
    ['TransferCase', { workingGroup: 'facilitation' }, true],
    ['TransferCase', { workingGroup: 'energy' }, false],
    ['TableCase', { session: 'facilitation-1' }, true],
    ['TableCase', { session: 'facilitation-2' }, false],
    ['TableCase', { session: 'energy-1' }, false],
    ['TableCase', { session: 'facilitation' }, false],
  ])('%s %j: known %s', async (name, data, known) => {
    const context = await caseDecider.context!({ name, data } as never, caseDecider.initial, reads);
    expect(context.unknown === undefined).toBe(known);
  });
});

describe('resolutions of a case', () => {
  const resolution = 'facilitation-1-1';
  it('are linked and ended once, in whatever order they are brought', () => {
    given(caseDecider, opened)
      .when('LinkResolution', { resolution }, engine!)
      .then([{ type: 'ResolutionLinked' }]);
    given(caseDecider, opened, linked).when('LinkResolution', { resolution }, engine!).thenNothing();
    const end = { resolution, outcome: 'revoked' };
    given(caseDecider, opened)
      .when('EndResolution', end, engine!)
      .then([{ type: 'ResolutionEnded', data: end }]);
    given(caseDecider, opened, linked, ended).when('EndResolution', end, engine!).thenNothing();
    given(caseDecider, opened, ended).when('LinkResolution', { resolution }, engine!).thenNothing();
  });
  it('are brought by the engine, also to a closed case', () => {
    given(caseDecider, opened, closed)
      .when('LinkResolution', { resolution }, engine!)
      .then([{ type: 'ResolutionLinked' }]);
    given(caseDecider, opened).when('LinkResolution', { resolution }, secretary!).thenRefused('forbidden');
  });
});

describe('the check of the outcome', () => {
  const found = { unitOpen: true, jobs: 40, output: 70 };
  const day = (date: string, time = '06:00') => ({ ...expert!, now: `${date}T${time}:00.000Z` });
  const after = given(caseDecider, opened, closed);
  it('is made ninety days after the closing or later, by the day in Tehran', () => {
    // Closed on 25 August. The ninetieth day, 23 November, begins in Tehran at 20:30 UTC of the day before.
    after.when('RecordOutcomeCheck', found, day('2026-11-22', '20:29')).thenRefused('too-early');
    after.when('RecordOutcomeCheck', found, day('2026-11-22', '20:30')).then([{ type: 'OutcomeChecked', data: found }]);
    after.when('RecordOutcomeCheck', found, { ...day('2027-01-01'), actor: as('agency') }).thenRefused('forbidden');
    after.when('RecordOutcomeCheck', { jobs: 3 }, day('2027-01-01')).thenRefused('invalid');
  });
  it('is one fact however often it is sent, and may be made again later', () => {
    const checked = given(caseDecider, opened, closed, fact('OutcomeChecked', found));
    checked.when('RecordOutcomeCheck', found, day('2027-01-01')).thenNothing();
    checked.when('RecordOutcomeCheck', { unitOpen: false }, day('2027-06-01')).then([{ type: 'OutcomeChecked' }]);
  });
  it('is not made of a case that is open, or open again', () => {
    given(caseDecider, opened).when('RecordOutcomeCheck', found, day('2027-01-01')).thenRefused('not-closed');
    given(caseDecider, opened, closed, fact('CaseReopened', { reason: 'دوباره' }))
      .when('RecordOutcomeCheck', found, day('2027-01-01'))
      .thenRefused('not-closed');
    given(caseDecider).when('RecordOutcomeCheck', found, day('2027-01-01')).thenRefused('not-found');
  });
});

describe('the end of a case', () => {
  const outcome = { outcome: 'حل شد' };
  it('waits for its resolutions and for the unit’s consent', () => {
    given(caseDecider, opened, linked).when('CloseCase', outcome, secretary!).thenRefused('resolution-running');
    given(caseDecider, opened, linked, ended)
      .when('CloseCase', outcome, secretary!)
      .then([{ type: 'CaseClosed' }]);
    given(caseDecider, opened, objected).when('CloseCase', outcome, secretary!).thenRefused('objection-stands');
    given(caseDecider, opened, objected, fact('OutcomeConfirmed', { note: 'حل شد' }))
      .when('CloseCase', outcome, secretary!)
      .then([{ type: 'CaseClosed', data: outcome }]);
  });

  it('is said by the unit of this case or by the secretary', () => {
    const note = { note: 'حل نشد' };
    given(caseDecider, opened)
      .when('ObjectToOutcome', note, itsUnit)
      .then([{ type: 'OutcomeObjected', data: note }]);
    given(caseDecider, opened).when('ObjectToOutcome', note, otherUnit).thenRefused('forbidden');
    given(caseDecider, opened)
      .when('ConfirmOutcome', note, secretary!)
      .then([{ type: 'OutcomeConfirmed' }]);
    given(caseDecider, opened, objected).when('ObjectToOutcome', note, itsUnit).thenNothing();
    given(caseDecider).when('ObjectToOutcome', note, itsUnit).thenRefused('not-found');
  });

  it('can be taken back', () => {
    given(caseDecider, opened, closed).when('CloseCase', outcome, secretary!).thenNothing();
    given(caseDecider, opened, closed).when('CloseCase', { outcome: 'رد شد' }, secretary!).thenRefused('case-closed');
    given(caseDecider, opened, closed).when('ReviewCase', review, expert!).thenRefused('case-closed');
    given(caseDecider, opened, closed).when('ObjectToOutcome', { note: 'نه' }, itsUnit).thenRefused('case-closed');
    given(caseDecider, opened, closed)
      .when('ReopenCase', { reason: 'دوباره' }, secretary!)
      .then([{ type: 'CaseReopened' }]);
    given(caseDecider, opened).when('ReopenCase', { reason: 'دوباره' }, secretary!).thenNothing();
    given(caseDecider, opened, reviewed, tabled, closed, fact('CaseReopened', { reason: 'دوباره' }))
      .when('TableCase', { session: 'facilitation-2' }, secretary!, {})
      .then([{ type: 'CaseTabled' }]);
  });
});
