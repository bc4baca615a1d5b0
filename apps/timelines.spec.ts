import fc from 'fast-check';
import type { RecordedEvent } from '#kernel';
import { plusMs } from '#calendar';
import { alarmsOfResolution, isFinal, isOpen } from '#resolutions';
import { at, communicated, obligation, say, tell } from '#test/kit/timeline';

/**
 * Timelines that nobody thought of. Each is a resolution with three obligations (working days, a bank's, a duration) and
 * commands at random instants, many of them at one instant, most of them refused.
 */
const START = at('2026-08-25');
const evidence = [{ name: 'a.pdf', sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];
const OWNERS: Record<string, string> = { o1: 'gas', o2: 'bank', o3: 'power' };
const NAMES = Object.keys(OWNERS);
const DATES = Array.from({ length: 60 }, (_, i) => plusMs('2026-08-25T12:00:00.000Z', i * 86_400_000).slice(0, 10));

const dayHours = fc.tuple(fc.nat({ max: 60 }), fc.constantFrom(4, 4.5, 7, 11, 11, 14));
const steps = fc.array(
  fc.record({
    when: dayHours,
    what: fc.constantFrom('claim', 'verify', 'verify', 'refute', 'extend', 'request', 'refuse', 'suspend', 'resume', 'direct', 'order', 'reassign', 'close', 'cancel', 'hours', 'late', 'revoke'), // prettier-ignore
    o: fc.constantFrom(...NAMES),
    n: fc.integer({ min: 1, max: 6 }),
    date: fc.constantFrom(...DATES),
    calendar: fc.constantFrom('offices', 'banks'),
  }),
  { maxLength: 60 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

const MIDNIGHT = '2026-08-25T00:00:00.000Z';
const instantOf = ({ when: [day, hour] }: Step) => plusMs(MIDNIGHT, day * 86_400_000 + hour * 3_600_000);

function line(step: Step) {
  const { what, o, n, date, calendar } = step;
  const when = instantOf(step);
  const term = o === 'o3' ? { duration: `PT${n * 10}H` } : { workingDays: n };
  const on = { obligation: o };
  switch (what) {
    case 'claim':
      return say(when, { role: 'agency', agency: OWNERS[o]! }, 'ReportCompliance', 'r', { ...on, evidence, note: '' });
    case 'late':
      return say(
        when,
        'registrar',
        'ReportCompliance',
        'r',
        { ...on, evidence, note: '' },
        {
          occurredAt: plusMs(when, -n * 3 * 86_400_000),
          document: 'د',
        },
      );
    case 'verify':
      return say(when, n > 4 ? 'oversight' : 'expert', 'VerifyCompliance', 'r', { ...on, note: '' });
    case 'refute':
      return say(when, 'expert', 'RefuteCompliance', 'r', { ...on, note: '' });
    case 'extend':
      return say(when, n > 3 ? 'governor' : 'deputy', 'GrantExtension', 'r', { ...on, ...term, reason: 'x' });
    case 'request':
      return say(when, { role: 'agency', agency: OWNERS[o]! }, 'RequestExtension', 'r', {
        ...on,
        ...term,
        reason: 'x',
      });
    case 'refuse':
      return say(when, 'deputy', 'RefuseExtension', 'r', { ...on, reason: 'x' });
    case 'suspend':
      return say(when, n > 3 ? 'governor' : 'secretary', 'SuspendDeadline', 'r', {
        ...on,
        ground: 'x',
        document: 'y',
        reviewAfter: n,
      });
    case 'resume':
      return say(when, 'secretary', 'ResumeDeadline', 'r', { ...on, ground: 'x', document: 'y' });
    case 'direct':
      return say(when, 'governor', 'IssueDirective', 'r', { ...on, text: 'x', ...term });
    case 'order':
      return say(when, 'governor', 'IssueDirective', 'r', { ...on, text: 'x' });
    case 'reassign':
      return say(when, 'secretary', 'ReassignObligation', 'r', { ...on, agency: n > 3 ? 'bank' : 'power', ...term });
    case 'revoke':
      return say(
        when,
        'governor',
        n === 6 ? 'RevokeResolution' : 'RevokeObligation',
        'r',
        n === 6 ? { reason: 'x' } : { ...on, reason: 'x' },
      );
    case 'close':
      return say(when, 'governor', 'DeclareClosure', calendar, { dates: [date], reason: 'x', decree: 'y' });
    case 'cancel':
      return say(when, 'governor', 'CancelClosure', calendar, { dates: [date] });
    default:
      return say(when, 'governor', 'DeclareHours', calendar, { dates: [date], hours: '09:00-11:00', decree: 'y' });
  }
}

const timeline = (all: Step[]) => [
  ...communicated(START, [
    obligation({ id: 'o1' }),
    obligation({ id: 'o2', agency: 'bank', term: { workingDays: 8 } }),
    obligation({ id: 'o3', agency: 'power', term: { duration: 'P6D' } }),
  ]),
  ...all
    .map((step) => ({ step, when: instantOf(step) }))
    .filter(({ when }) => when >= START)
    .sort((a, b) => (a.when < b.when ? -1 : a.when > b.when ? 1 : 0))
    .map(({ step }) => line(step)),
];
const UNTIL = at('2026-12-01');

/** What history says, without ids and the place in the log. */
const facts = (events: readonly RecordedEvent[]) =>
  events
    .filter(({ stream }) => stream === 'resolution-r')
    .map(
      ({ type, data, metadata }) => `${metadata.occurredAt} ${type} ${JSON.stringify({ ...data, firedAt: undefined })}`,
    );

describe('on any timeline', () => {
  it('simulating is deterministic to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const [a, b] = [await tell(timeline(all), UNTIL), await tell(timeline(all), UNTIL)];
        expect(JSON.stringify(a.events)).toBe(JSON.stringify(b.events));
        expect(a.refusals).toEqual(b.refusals);
      }),
      { numRuns: 15 },
    );
  });

  it('settling at every instant or only when something comes gives the same history', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const lines = timeline(all);
        const prompt = await tell(lines, UNTIL);
        const lazy = await tell(lines, UNTIL, { alarms: false });
        expect(facts(lazy.events)).toEqual(facts(prompt.events));
        expect(lazy.codes).toEqual(prompt.codes);
      }),
      { numRuns: 40 },
    );
  });

  it('settling twice adds nothing', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { simulation, events } = await tell(timeline(all));
        const before = events.length;
        await simulation.wake('r');
        expect(events.length).toBe(before);
      }),
      { numRuns: 40 },
    );
  });

  it('a status that is not final always has an armed instant, and what is final has none', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { simulation } = await tell(timeline(all));
        const { state } = simulation.resolutions.get('resolution-r')!;
        const views = { offices: await simulation.history('offices'), banks: await simulation.history('banks') };
        const alarms = [...alarmsOfResolution(state, (id) => views[id as keyof typeof views].view(), 'offices')];
        for (const o of state.obligations) {
          expect(alarms.some((alarm) => alarm.obligation === o.id)).toBe(!isFinal(o));
        }
        expect(alarms.length > 0).toBe(isOpen(state));
      }),
      { numRuns: 40 },
    );
  });

  it('each rung fires at most once an epoch, no deadline ever moves to an earlier instant', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { of } = await tell(timeline(all), UNTIL);
        const fired = of('AgencyReminded', 'ObligationEscalated').map(
          ({ data }) => `${data.obligation} ${data.epoch} ${data.rung}`,
        );
        expect(new Set(fired).size).toBe(fired.length);
        for (const { data } of of('DeadlineMoved')) expect(data.to > data.from).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
