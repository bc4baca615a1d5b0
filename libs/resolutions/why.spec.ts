import fc from 'fast-check';
import { factOf } from '#kernel';
import { dueOf, plusMs } from '#calendar';
import { at, communicated, obligation, say, tell } from '#test/kit/timeline';
import { story, why, type Chapter } from '#resolutions';

const START = at('2026-08-25');
const on = { obligation: 'o1' };

async function explained(lines: ReturnType<typeof say>[], now: string, owed?: object[]) {
  const told = await tell([...communicated(START, owed), ...lines], now);
  const facts = told.events.filter(({ stream }) => stream === 'resolution-r').map(factOf);
  const calendars = {
    offices: await told.simulation.history('offices'),
    banks: await told.simulation.history('banks'),
  };
  return { told, account: why('r', 'o1', facts, calendars, 'offices', now), calendars };
}

const close = (when: string, date: string) =>
  say(when, 'governor', 'DeclareClosure', 'offices', { dates: [date], reason: 'آلودگی هوا', decree: 'م/۱' });

describe('why this date', () => {
  it('names every counted day and every skipped one with its reason, and they add up to the term', async () => {
    const { account } = await explained([close(at('2026-08-26'), '2026-08-30')], at('2026-08-27'));
    const [chapter] = account.chapters;
    expect(chapter!.days!.map(({ date, counts, off }) => `${date} ${counts ?? off!.kind}`)).toEqual([
      '2026-08-26 1',
      '2026-08-27 weekend',
      '2026-08-28 weekend',
      '2026-08-29 2',
      '2026-08-30 closure',
      '2026-08-31 3',
      '2026-09-01 4',
      '2026-09-02 5',
    ]);
    expect(chapter!.dueAt).toBe(at('2026-09-02', '14:30'));
    expect(chapter!.moves).toHaveLength(1);
    expect(account.rungs.map(({ rung, plannedAt, at: real }) => [rung, plannedAt, real])).toEqual([
      ['remind', at('2026-08-29', '07:30'), undefined],
      ['due', at('2026-09-02', '14:30'), undefined],
    ]);
  });

  it('says nothing of what other agencies owe by the same resolution', async () => {
    const owed = [obligation(), obligation({ id: 'o2', agency: 'bank', action: 'وام', acceptance: 'واریز' })];
    const { account } = await explained([], at('2026-08-27'), owed);
    const [issued, letter] = account.steps;
    expect(issued!.data.obligations.map(({ id }: { id: string }) => id)).toEqual(['o1']);
    expect(letter!.data.deadlines.map((deadline: typeof on) => deadline.obligation)).toEqual(['o1']);
    expect(JSON.stringify(account)).not.toMatch(/o2|وام|واریز/);
  });

  it('gives the due instant that the log has, chapter by chapter', async () => {
    const { account, calendars } = await explained(
      [
        say(at('2026-08-26'), 'deputy', 'GrantExtension', 'r', { ...on, workingDays: 4, reason: 'تجهیزات' }),
        say(at('2026-08-30'), 'secretary', 'SuspendDeadline', 'r', {
          ...on,
          ground: 'دیوان',
          document: 'ق-۱',
          reviewAfter: 9,
        }),
        say(at('2026-09-06'), 'secretary', 'ResumeDeadline', 'r', { ...on, ground: 'رفع', document: 'ق-۲' }),
      ],
      at('2026-10-20'),
    );
    expect(account.chapters.map(({ epoch, startedBy }) => [epoch, startedBy.type])).toEqual([
      [1, 'ResolutionCommunicated'],
      [2, 'ExtensionGranted'],
      [3, 'DeadlineResumed'],
    ]);
    for (const { anchor, dueAt } of account.chapters) expect(dueOf(anchor!, calendars.offices.view())).toBe(dueAt);
    expect(account.chapters[1]!.suspended).toMatchObject({ remaining: { workingDays: 6 } });
    // A chapter that was stopped tells only the days it really ran.
    expect(account.chapters[1]!.days!.at(-1)!.date).toBe('2026-08-30');
    expect(account.status).toBe('missed');
    const last = account.rungs.slice(-2).map(({ rung, plannedAt, at: real }) => [rung, plannedAt, real]);
    expect(last).toEqual([
      ['inspection+1', at('2026-10-19', '07:30'), at('2026-10-19', '07:30')],
      ['inspection+2', at('2026-11-02', '07:30'), undefined],
    ]);
  });

  it('does not let a holiday that was added later change the account of a miss', async () => {
    const { account } = await explained([close(at('2026-09-01', '15:00'), '2026-09-01')], at('2026-09-02'));
    expect(account.chapters[0]!.days!.at(-1)).toEqual({ date: '2026-09-01', counts: 5 });
  });

  it('nor of a claim that was verified after the due day', async () => {
    const evidence = [{ name: 'a', sha256: 'a'.repeat(64), mediaType: 'text/plain', bytes: 1 }];
    const { account } = await explained(
      [
        say(at('2026-08-30'), { role: 'agency', agency: 'gas' }, 'ReportCompliance', 'r', { ...on, evidence }),
        close(at('2026-09-01', '15:00'), '2026-09-01'),
        say(at('2026-09-05'), 'expert', 'VerifyCompliance', 'r', { ...on }),
      ],
      at('2026-09-06'),
    );
    expect(account.status).toBe('met');
    expect(account.chapters[0]!.dueAt).toBe(at('2026-09-01', '14:30'));
    expect(account.chapters[0]!.days!.at(-1)).toEqual({ date: '2026-09-01', counts: 5 });
  });

  it('tells it in Persian with Jalali dates and Persian digits, and in English', async () => {
    const { account } = await explained([close(at('2026-08-26'), '2026-08-30')], at('2026-09-08'));
    const fa = story(account, 'fa').join('\n');
    expect(fa).toContain('یکشنبه ۸ شهریور ۱۴۰۵: تعطیلی به سبب آلودگی هوا (م/۱)');
    expect(fa).toContain('چهارشنبه ۱۱ شهریور ۱۴۰۵: روز کاری ۵');
    expect(fa).not.toMatch(/\d{2}:\d{2}/);
    const en = story(account, 'en').join('\n');
    expect(en).toContain('Sunday 30 August 2026: closed, آلودگی هوا (decree م/۱)');
    expect(en).toContain('deputy: escalation to the deputy governor, Sunday 6 September 2026, 07:30');
  });
});

describe('the account of any clock', () => {
  it('has days that add up to the term, whatever is closed', async () => {
    const dates = Array.from({ length: 40 }, (_, i) => plusMs('2026-08-26T12:00:00.000Z', i * 86_400_000).slice(0, 10));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.uniqueArray(fc.constantFrom(...dates)),
        async (term, closed) => {
          const closures = closed.map((date) => close(at('2026-08-25', '10:00'), date));
          const { account } = await explained(closures, at('2026-08-25', '11:00'), [
            obligation({ term: { workingDays: term } }),
          ]);
          const [{ days, dueAt }] = account.chapters as [Chapter];
          expect(days!.filter(({ counts }) => counts !== undefined)).toHaveLength(term);
          expect(days!.at(-1)!.counts).toBe(term);
          expect(dueAt).toBe(at(days!.at(-1)!.date, '14:30'));
        },
      ),
      { numRuns: 60 },
    );
  });
});
