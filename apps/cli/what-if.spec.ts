import { at, communicated, PROVINCE, say } from '#test/kit/timeline';
import type { CommandLine } from '#apps/cli/lines';
import { changed, compared } from '#apps/cli/what-if';

const START = at('2026-08-25');
const UNTIL = at('2026-09-30');
const TIMELINE: CommandLine[] = [
  ...PROVINCE,
  ...communicated(START),
  say(at('2026-08-30'), 'secretary', 'SuspendDeadline', 'r', {
    obligation: 'o1',
    ground: 'x',
    document: 'y',
    reviewAfter: 30,
  }),
  say(at('2026-09-06'), 'secretary', 'ResumeDeadline', 'r', { obligation: 'o1', ground: 'x', document: 'y' }),
].map((said, index) => ({ ...said, line: index + 1 }));

const withChanges = (...changes: object[]) =>
  changed(TIMELINE, changes.map((change) => JSON.stringify(change)).join('\n'), 'changes');
const brief = async (...changes: object[]) =>
  (await compared(TIMELINE, withChanges(...changes), UNTIL)).found.map((d) =>
    'what' in d ? `${d.difference} ${d.what}` : `${d.difference} ${d.from} → ${d.to}`,
  );

describe('what if', () => {
  it('nothing is changed: nothing differs', async () => {
    expect(await brief()).toEqual([]);
  });

  it('a suspension is left out: the deadline comes earlier and more rungs ring', async () => {
    const found = await brief(
      { omit: { command: 'SuspendDeadline' } },
      { omit: { command: 'ResumeDeadline', id: 'r' } },
    );
    expect(found[0]).toBe(`deadline ${at('2026-09-08', '14:30')} → ${at('2026-09-01', '14:30')}`);
    // Another epoch: its alarms are others, not the same ones moved.
    expect(found).toContain('appears inspection');
    expect(found).toContain('vanishes deputy');
  });

  it('another calendar, a closure that was not, a ladder with other rungs', async () => {
    const closure = say(at('2026-08-26'), 'governor', 'DeclareClosure', 'offices', {
      dates: ['2026-08-29'],
      reason: 'x',
      decree: 'y',
    });
    expect((await brief(closure))[0]).toContain('deadline');
    const rungs = [{ id: 'minister', when: { after: { workingDays: 1 } }, action: 'escalate', to: 'governor' }];
    const ladder = say(at('2026-08-24'), 'admin', 'DefineLadder', 'standard', { rungs });
    expect(await brief(ladder)).toEqual(expect.arrayContaining(['appears minister', 'vanishes governor']));
    const week = { ...(PROVINCE[0]!.data as { week: object }).week, thu: '07:30-12:00' };
    expect((await brief({ replace: 1, with: { data: { week } } }))[0]).toContain('deadline');
  });

  it('names the line of a change that cannot be', () => {
    const fails = (text: string, words: string) => expect(() => changed(TIMELINE, text, 'changes')).toThrow(words);
    fails('{"omit": 999}', 'changes, line 1, field "omit": 999 matches no line');
    fails('\n{"omit": {"colour": 1}}', 'changes, line 2, field "omit": must be');
    fails('{"replace": 1}', 'changes, line 1, field "with": must be an object');
    fails('nonsense', 'changes, line 1: is not JSON');
    fails('{"at": 1}', 'changes, line 1, field "at"');
    fails('{"replace": 1, "with": {"at": "yesterday"}}', 'line 1, field "at"');
  });
});
