/** The clock of a two-year obligation with 40 suspensions and 30 closures: from its events to the due instant. */
import { plusMs, type CalendarHistory } from '#calendar';
import { factOf, type Fact, type RecordedEvent } from '#kernel';
import { evolve, nextAlarm, why, type Resolution, type State } from '#resolutions';
import { Simulation } from '#apps/simulation';
import { communicated, obligation, PROVINCE, say } from '#test/kit/timeline';
import { inTurns, median, quantile, report } from './kit.js';

const ROUNDS = 500;
const TARGET_MS = 1;
const START = '2026-08-25T05:30:00.000Z';
const day = (n: number, hour = 0) => plusMs(START, n * 86_400_000 + hour * 3_600_000);

const pauses = Array.from({ length: 40 }, (_, n) => [
  say(day(10 + n * 15), 'secretary', 'SuspendDeadline', 'r', {
    obligation: 'o1',
    ground: 'ماده ۵',
    document: `نامه ${n}`,
    reviewAfter: 20,
  }),
  say(day(13 + n * 15), 'secretary', 'ResumeDeadline', 'r', { obligation: 'o1', ground: 'رفع مانع', document: `${n}` }),
]).flat();
const closures = Array.from({ length: 30 }, (_, n) =>
  say(day(5 + n * 20, 1), 'governor', 'DeclareClosure', 'offices', {
    dates: [day(7 + n * 20).slice(0, 10)],
    reason: 'آلودگی هوا',
    decree: `مصوبهٔ ${n}`,
  }),
);
const all = [...communicated(START, [obligation({ term: { workingDays: 500 } })]), ...pauses, ...closures];

const events: RecordedEvent[] = [];
const simulation = new Simulation((event) => events.push(event));
for (const [line, each] of [...PROVINCE, ...all.toSorted((a, b) => (a.at < b.at ? -1 : 1))].entries()) {
  const refusal = await simulation.send({ ...each, line });
  if (refusal) throw new Error(JSON.stringify(refusal));
}
const facts: Fact[] = events.filter(({ stream }) => stream === 'resolution-r').map(factOf);
const count = (type: string) => events.filter((event) => event.type === type).length;
if (count('DeadlineSuspended') !== 40 || count('ClosureDeclared') !== 30) throw new Error('not the clock meant');
const history: CalendarHistory = await simulation.history('offices');
const end = day(700);

/** As a node that has just started does it: nothing is cached but the calendar's own changes. */
function clock(): string {
  const calendar = new (history.constructor as typeof CalendarHistory)('offices', history.changes);
  const state = facts.reduce<State>((before, fact) => evolve(before, fact), undefined) as Resolution;
  return nextAlarm(state, () => calendar.view(), 'offices')!.at;
}
const account = () => why('r', 'o1', facts, { offices: history }, 'offices', end).dueAt;

function timed(work: () => unknown): number[] {
  for (let n = 0; n < 100; n++) work();
  return Array.from({ length: ROUNDS }, () => {
    const begin = performance.now();
    work();
    return performance.now() - begin;
  });
}
const texts = facts.map((fact) => JSON.stringify(fact));
const found = await inTurns(3, {
  clock: () => timed(clock),
  account: () => timed(account),
  limit: () => timed(() => texts.map((text) => JSON.parse(text) as unknown)),
});
const [clocks, accounts, limit] = [found.clock.flat(), found.account.flat(), found.limit.flat()];
const beside = (figure: readonly number[]) => ({
  what: 'JSON.parse of the same facts',
  figure: `${median(limit).toFixed(3)} ms`,
  ratio: median(limit) / median(figure),
});
report(
  `clock from ${facts.length} facts, calendar cold`,
  `${median(clocks).toFixed(3)} ms, p99 ${quantile(clocks, 0.99).toFixed(3)}`,
  { met: median(clocks) < TARGET_MS, is: `under ${TARGET_MS} ms` },
  beside(clocks),
);
report(
  'the whole account of it, day by day',
  `${median(accounts).toFixed(3)} ms, p99 ${quantile(accounts, 0.99).toFixed(3)}`,
  undefined,
  beside(accounts),
);
