import fc from 'fast-check';
import { story, why } from '#resolutions';
import { CalendarHistory } from '#calendar';
import { factOf } from '#kernel';
import { at, communicated, obligation, say, tell, type Told } from '#test/kit/timeline';

/** Tuesday 25 August 2026. Weekends are Thursday and Friday. */
const START = at('2026-08-25');
const evidence = [{ name: 'letter.pdf', sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];
const land = obligation({ id: 'land' });
const gas = obligation({ id: 'gas', agency: 'power', term: { workingDays: 3 }, dependsOn: 'land' });
const GAS = { role: 'agency', agency: 'power' } as const;

const met = (when: string, id: string, agency = 'gas') => [
  say(when, { role: 'agency', agency }, 'ReportCompliance', 'r', { obligation: id, evidence }),
  say(when, 'secretary', 'VerifyCompliance', 'r', { obligation: id }),
];
const revoked = (when: string, id: string) =>
  say(when, 'governor', 'RevokeObligation', 'r', { obligation: id, reason: 'منتفی' });
const directed = (when: string, id: string) =>
  say(when, 'governor', 'IssueDirective', 'r', { obligation: id, text: 'فوری', workingDays: 2 });

const account = (told: Told, id: string, now: string) => {
  const calendars = Object.fromEntries(
    ['offices', 'banks'].map((calendar) => {
      const changes = told.events.filter(({ stream }) => stream === `calendar-${calendar}`);
      const history = changes.reduce(
        (h, { type, data, revision, position, metadata }) =>
          h.with({ type, data, revision, position, at: metadata.occurredAt } as Parameters<typeof h.with>[0]),
        new CalendarHistory(calendar),
      );
      return [calendar, history];
    }),
  );
  const facts = told.events.filter(({ stream }) => stream === 'resolution-r').map(factOf);
  return why('r', id, facts, calendars, 'offices', now);
};

describe('an obligation that depends on another', () => {
  it('has no clock until the other is met; then it is counted from that day', async () => {
    const told = await tell([...communicated(START, [land, gas]), ...met(at('2026-08-30'), 'land')], at('2026-09-03'));
    expect(told.of('ResolutionCommunicated')[0]!.data.deadlines).toMatchObject([{ obligation: 'land' }]);
    const [started] = told.of('DeadlineStarted');
    expect(started).toMatchObject({
      metadata: { occurredAt: at('2026-08-30') },
      data: { obligation: 'gas', after: ['land'], dueAt: at('2026-09-02', '14:30'), anchor: { days: 3 } },
    });
    const missed = told.of('DeadlineMissed').map(({ data }) => [data.obligation, data.dueAt]);
    expect(missed).toEqual([['gas', at('2026-09-02', '14:30')]]);
    expect(told.events.some(({ type }) => type === 'ResolutionFulfilled')).toBe(false);
  });

  it('is issued and says what it waits for, and its agency may speak but claims nothing yet', async () => {
    const speaks = [
      say(at('2026-08-26'), GAS, 'AcknowledgeObligation', 'r', { obligation: 'gas' }),
      say(at('2026-08-26'), GAS, 'ReportCompliance', 'r', { obligation: 'gas', evidence }),
      say(at('2026-08-26'), GAS, 'RequestExtension', 'r', { obligation: 'gas', workingDays: 2, reason: 'زود' }),
      say(at('2026-08-26'), 'secretary', 'ResumeDeadline', 'r', { obligation: 'gas', ground: 'الف', document: 'ب' }),
      say(at('2026-08-26'), 'expert', 'VerifyCompliance', 'r', { obligation: 'gas' }),
    ];
    const told = await tell([...communicated(START, [land, gas]), ...speaks], at('2026-08-26'));
    expect(told.codes).toEqual(['dependency-not-met', 'dependency-not-met', 'not-suspended', 'no-claim']);
    expect(told.of('ObligationAcknowledged')).toHaveLength(1);
    expect(told.status('gas')).toBe('issued');
    const said = account(told, 'gas', at('2026-08-26'));
    expect(said).toMatchObject({ dependsOn: ['land'], waitsFor: ['land'], blockedBy: [], chapters: [] });
    expect(story(said, 'fa').join('\n')).toContain('پس از انجام land آغاز می‌شود');
  });

  it('tells in its story what started its clock', async () => {
    const told = await tell([...communicated(START, [land, gas]), ...met(at('2026-08-30'), 'land')], at('2026-08-31'));
    const said = account(told, 'gas', at('2026-08-31'));
    expect(said.chapters).toMatchObject([{ startedBy: { type: 'DeadlineStarted' }, dueAt: at('2026-09-02', '14:30') }]);
    expect(story(said, 'en').join('\n')).toContain('the clock started, because land is met');
    expect(story(said, 'fa').join('\n')).toContain('با انجام land مهلت آغاز شد');
  });

  it('waits for all of several, and starts also when they are met late', async () => {
    const both = obligation({ id: 'last', dependsOn: ['land', 'gas'] });
    const late = at('2026-09-15');
    const told = await tell(
      [...communicated(START, [both, land, gas]), ...met(late, 'land'), ...met(at('2026-09-16'), 'gas', 'power')],
      at('2026-09-16'),
    );
    expect(told.of('DeadlineStarted').map(({ data, metadata }) => [data.obligation, metadata.occurredAt])).toEqual([
      ['gas', late],
      ['last', at('2026-09-16')],
    ]);
    expect(told.status('land')).toBe('met-late');
  });

  it('that can never be met becomes a duty of the secretary, until a directive or a reassignment gives a term', async () => {
    const lines = [...communicated(START, [land, gas]), revoked(at('2026-08-26'), 'land')];
    const told = await tell(lines, at('2026-09-10'));
    expect(account(told, 'gas', at('2026-09-10'))).toMatchObject({ waitsFor: ['land'], blockedBy: ['land'] });
    expect(story(account(told, 'gas', at('2026-09-10')), 'fa').join('\n')).toContain('land است که لغو شده');
    const duties = (events: Told) =>
      events.of('DutyMissed').map(({ data }) => [data.duty, data.obligation, data.dueAt]);
    // Three working days after Wednesday 26 August, and five more.
    expect(duties(told)).toEqual([
      ['decide-dependency', 'gas', at('2026-08-31', '14:30')],
      ['decide-dependency', 'gas', at('2026-09-07', '14:30')],
    ]);
    const decided = await tell([...lines, directed(at('2026-08-30'), 'gas')], at('2026-09-10'));
    expect(duties(decided)).toEqual([]);
    expect(decided.of('DeadlineMissed')).toMatchObject([
      { data: { obligation: 'gas', dueAt: at('2026-09-01', '14:30') } },
    ]);
  });

  it('revoked before the letter, the other leaves the same duty, from the letter on', async () => {
    const [issue, communicate] = communicated(START, [land, gas]);
    const told = await tell([issue!, revoked(START, 'land'), communicate!], at('2026-09-01'));
    expect(told.codes).toEqual([]);
    expect(told.of('DutyMissed')).toMatchObject([{ data: { duty: 'decide-dependency', obligation: 'gas' } }]);
  });

  it('is refused when it names nobody, itself or a circle', async () => {
    const adopt = async (...obligations: object[]) =>
      (await tell(communicated(START, obligations), START)).refusals[0]!;
    expect((await adopt(obligation({ dependsOn: ['o2'] }))).refused).toBe('invalid');
    expect((await adopt(obligation({ dependsOn: ['o1'] }))).refused).toBe('invalid');
    expect((await adopt(land, obligation({ id: 'b', dependsOn: 'c' }), obligation({ id: 'c', dependsOn: 'b' }))).refused).toBe('invalid'); // prettier-ignore
    expect((await adopt(obligation({ dependsOn: 7 }))).refused).toBe('invalid');
  });

  it('whatever hangs on what, each clock starts when the last it waits for is met, and all are met in the end', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(ids, { minLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 31 }), { minLength: 5, maxLength: 5 }),
        async (places, masks) => {
          const needs = (id: string) =>
            ids.filter((other, i) => i < ids.indexOf(id) && masks[ids.indexOf(id)]! & (1 << i));
          const obligations = places.map((id) => obligation({ id, dependsOn: needs(id) }));
          const day = (id: string) => at(`2026-08-${26 + ids.indexOf(id)}`);
          const told = await tell(
            [...communicated(START, obligations), ...ids.flatMap((id) => met(day(id), id))],
            day('e'),
          );
          expect(told.codes).toEqual([]);
          const startedAt = new Map(told.of('DeadlineStarted').map(({ data, metadata }) => [data.obligation, metadata.occurredAt])); // prettier-ignore
          for (const id of ids) expect(startedAt.get(id)).toBe(needs(id).map(day).at(-1));
          expect(told.of('ResolutionFulfilled')).toHaveLength(1);
        },
      ),
      { numRuns: 25 },
    );
  });
});
