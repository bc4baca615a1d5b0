import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#kernel';
import { disagreements, type Disagreement } from '#apps/check-upgrade';
import { at, communicated, obligation, say, tell } from '#test/kit/timeline';

const log = readFileSync(new URL('../test/data/recorded-log.ndjson', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedEvent);

async function differing(events: readonly RecordedEvent[]): Promise<Disagreement[]> {
  const found: Disagreement[] = [];
  const follow = async function* () {
    yield* events;
  };
  for await (const one of disagreements(follow())) found.push(one);
  return found;
}

describe('deciding a recorded log again', () => {
  it('gives every verdict as it was recorded', async () => {
    const types = new Set(log.map(({ type }) => type));
    // The log is worth keeping only as long as it holds every verdict of the clock.
    for (const type of ['DeadlineMoved', 'MissRetracted', 'DeadlineResumed', 'ExtensionGranted', 'DutyMissed']) {
      expect(types).toContain(type);
    }
    expect(await differing(log)).toEqual([]);
  });

  it('knows what a command was about although it also starts what waited for that', async () => {
    const evidence = [{ name: 'a.pdf', sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];
    const gas = { role: 'agency' as const, agency: 'gas' };
    const { events, of } = await tell([
      ...communicated(at('2026-08-25'), [obligation(), obligation({ id: 'o2', dependsOn: ['o1'] })]),
      say(at('2026-08-26'), gas, 'ReportCompliance', 'r', { obligation: 'o1', evidence }),
      say(at('2026-08-27'), 'expert', 'VerifyCompliance', 'r', { obligation: 'o1' }),
    ]);
    expect(of('DeadlineStarted')).toHaveLength(1);
    expect(await differing(events)).toEqual([]);
  });

  it('names the verdict that would differ, and what it would be', async () => {
    const index = log.findIndex(({ type }) => type === 'ExtensionGranted');
    const other = { ...log[index]!, data: { ...log[index]!.data, dueAt: '2027-01-01T11:00:00.000Z' } };
    const [first] = await differing(log.with(index, other));
    expect(first).toMatchObject({
      stream: other.stream,
      position: other.position,
      command: 'GrantExtension',
      recorded: [{ data: { dueAt: '2027-01-01T11:00:00.000Z' } }],
      now: [{ data: { dueAt: log[index]!.data.dueAt } }],
    });
  });

  it('names a miss that the present rules would not record', async () => {
    const index = log.findIndex(({ type }) => type === 'DeadlineMissed');
    const early = structuredClone(log[index]!);
    early.metadata.occurredAt = '2026-08-26T05:00:00.000Z';
    expect((await differing(log.with(index, early))).map(({ command }) => command)).not.toEqual([]);
  });
});
