import { as } from '#test/kit/given';
import { readModels, type ReadModels } from '#test/kit/read-models';
import { at, communicated, obligation, say, tell } from '#test/kit/timeline';

/** What the nine Tuesdays do not contain, each on a timeline of its own. */
const governor = as('governor');
let models: ReadModels;

beforeAll(async () => {
  models = await readModels();
});
beforeEach(() => models.restart());
afterAll(() => models?.close());

type Lines = Parameters<typeof tell>[0];
async function after(lines: Lines, until?: string): Promise<void> {
  const { events, codes } = await tell(lines, until);
  expect(codes).toEqual([]);
  await models.apply(events);
}

describe('an agenda', () => {
  const opened = (id: string) => [
    say(at('2026-08-03'), 'secretary', 'OpenCase', id, { channel: 'desk', category: 'gas', title: id, statement: id }),
    say(at('2026-08-03'), 'expert', 'ReviewCase', id, { technicalNote: 'n', recommendation: 'r', checklist: [] }),
    say(at('2026-08-03'), 'secretary', 'TableCase', id, { session: 'group-1' }),
  ];
  const open = (date: string, id: string) => say(at(date), 'secretary', 'OpenSession', id, { attendance: [] });

  it('keeps what was heard, loses what was moved before, and a session to come does not dilute the average', async () => {
    await after([
      say(at('2026-08-02'), 'admin', 'EstablishWorkingGroup', 'group', { name: 'g', chair: 'c', secretary: 's' }),
      ...['2026-08-11', '2026-08-18', '2026-08-25'].map((date) =>
        say(at('2026-08-02'), 'secretary', 'ScheduleSession', 'group', { date }),
      ),
      ...['heard', 'heard-twice', 'moved', 'withdrawn'].flatMap(opened),
      say(at('2026-08-04'), 'secretary', 'TableCase', 'moved', { session: 'group-2' }),
      say(at('2026-08-04'), 'secretary', 'CloseCase', 'withdrawn', { outcome: 'withdrawn' }),
      open('2026-08-11', 'group-1'),
      say(at('2026-08-12'), 'secretary', 'TableCase', 'heard-twice', { session: 'group-2' }),
      open('2026-08-18', 'group-2'),
      say(at('2026-08-19'), 'secretary', 'TableCase', 'heard', { session: 'group-3' }),
      say(at('2026-08-19'), 'secretary', 'RescheduleSession', 'group', {
        number: 3,
        date: '2026-09-01',
        reason: 'closed',
      }),
    ]);
    const agenda = async (id: string) =>
      (await models.get(`sessions/${id}`, governor)).agenda.map((one: { id: string }) => one.id).sort();
    expect(await agenda('group-1')).toEqual(['heard', 'heard-twice']);
    expect(await agenda('group-2')).toEqual(['heard-twice', 'moved']);
    expect(await agenda('group-3')).toEqual(['heard']);
    expect(await models.get('working-groups/group/summary', governor)).toMatchObject({
      sessions: 3,
      held: 2,
      averageCasesPerSession: 2,
      bySession: [{ cases: 2 }, { cases: 2 }, { cases: 1, date: '2026-09-01', status: 'scheduled' }],
    });
  });
});

describe('an obligation', () => {
  const START = at('2026-08-25');
  const one = async () => models.get('obligations/r/o1', governor);
  const claim = { obligation: 'o1', note: 'done', evidence: [] };

  it('has no due instant before communication and while it is suspended, and comes last then', async () => {
    const suspend = { obligation: 'o1', ground: 'court', document: 'd', reviewAfter: 10 };
    await after([
      ...communicated(START, [obligation(), obligation({ id: 'o2' })]),
      say(at('2026-08-26'), 'secretary', 'SuspendDeadline', 'r', suspend),
    ]);
    const { dueAt, suspension, status } = await one();
    expect({ dueAt, status, suspension }).toEqual({
      status: 'suspended',
      suspension: { remaining: { workingDays: 4 }, by: 'secretary', reviewAfter: 10 },
    });
    const { items } = await models.get('obligations', governor);
    expect(items.map((o: { obligation: string }) => o.obligation)).toEqual(['o2', 'o1']);
    expect((await models.get('offices/secretary/duties', governor)).items).toMatchObject([
      { duty: 'review-suspension', resolution: 'r', obligation: 'o1', since: at('2026-08-26'), missed: 0 },
    ]);
  });

  it('that gets a new term after a miss has left the governor’s desk, but not the record', async () => {
    const directive = { obligation: 'o1', text: 'at once', workingDays: 30 };
    await after(communicated(START), at('2026-09-20'));
    expect(await one()).toMatchObject({
      status: 'missed',
      escalatedTo: 'governor',
      missedAt: at('2026-09-01', '14:30'),
    });
    await models.restart();
    await after([...communicated(START), say(at('2026-09-20'), 'governor', 'IssueDirective', 'r', directive)]);
    const { status, epoch, escalatedTo, missedAt } = await one();
    expect({ status, epoch, escalatedTo, missedAt }).toEqual({ status: 'running', epoch: 2 });
    expect(await models.get('agencies/gas/scorecard', governor)).toMatchObject({
      missed: 1,
      escalated: 2,
      open: 1,
      overdue: 0,
    });
  });

  it('whose miss is taken back has a clean record', async () => {
    const late = { occurredAt: at('2026-08-29'), document: 'letter' };
    await after([
      ...communicated(START),
      say(at('2026-09-03'), 'registrar', 'ReportCompliance', 'r', claim, late),
      say(at('2026-09-05'), 'oversight', 'VerifyCompliance', 'r', { obligation: 'o1' }),
    ]);
    const { status, open, missedAt } = await one();
    expect({ status, open, missedAt }).toEqual({ status: 'met', open: false });
    expect(await models.get('agencies/gas/scorecard', governor)).toMatchObject({
      kept: 1,
      late: 0,
      missed: 0,
      open: 0,
    });
  });

  it('refuted and revoked is closed, and no office owes an answer any more', async () => {
    await after([
      ...communicated(START),
      say(at('2026-08-26'), { role: 'agency', agency: 'gas' }, 'ReportCompliance', 'r', claim),
      say(at('2026-08-27'), 'expert', 'RefuteCompliance', 'r', { obligation: 'o1', note: 'not so' }),
      say(at('2026-08-29'), 'governor', 'RevokeResolution', 'r', { reason: 'void' }),
    ]);
    expect(await one()).toMatchObject({ status: 'revoked', open: false });
    expect(await models.get('resolutions/r', governor)).toMatchObject({ status: 'revoked' });
    expect(await models.get('offices/secretary/duties', governor)).toEqual({ items: [] });
    expect(await models.get('agencies/gas/scorecard', governor)).toMatchObject({ revoked: 1, refuted: 1, open: 0 });
  });
});

describe('a list', () => {
  it('goes on where it was while rows come and go before and after', async () => {
    const many = Array.from({ length: 5 }, (_, i) => obligation({ id: `o${i}`, term: { workingDays: 10 + i } }));
    const { events } = await tell(communicated(at('2026-08-25'), many));
    await models.apply(events);
    const first = await models.get('obligations?limit=2', governor);
    const early = obligation({ id: 'early', term: { workingDays: 1 } });
    const other = await tell(communicated(at('2026-08-25'), [early]));
    await models.apply(
      other.events.filter(({ stream }) => stream === 'resolution-r').map((e) => ({ ...e, stream: 'resolution-s' })),
    );
    const second = await models.get(`obligations?limit=2&cursor=${first.next}`, governor);
    const third = await models.get(`obligations?limit=2&cursor=${second.next}`, governor);
    expect([first, second, third].map(({ items }) => items.map((o: { obligation: string }) => o.obligation))).toEqual([
      ['o0', 'o1'],
      ['o2', 'o3'],
      ['o4'],
    ]);
    expect(third.next).toBeUndefined();
  });
});
