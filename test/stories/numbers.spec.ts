import { readFileSync } from 'node:fs';
import type { RecordedEvent } from '#kernel';
import { parseLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { as } from '#test/kit/given';
import { readModels, type ReadModels } from '#test/kit/read-models';

// Rows 17, 18 and 24 of FIELD: fourteen cases a session on average, ten in the ninth, three visits; what the press is
// given are numbers from the log, each with the event up to which it stands, so that a replay finds the same.

const TUESDAYS = 'apps/cli/data/economic-tuesdays.ndjson';
const governor = as('governor');

describe('the province in numbers, after nine Economic Tuesdays', () => {
  let all: RecordedEvent[];
  let models: ReadModels;
  let others: ReadModels;

  beforeAll(async () => {
    all = [];
    const simulation = new Simulation((event) => all.push({ ...event, recordedAt: event.metadata.occurredAt }));
    for (const line of parseLines(readFileSync(TUESDAYS, 'utf8'), TUESDAYS)) await simulation.send(line);
    await simulation.advance('2026-11-22T08:30:00.000Z');
    [models, others] = await Promise.all([readModels(), readModels()]);
    await models.apply(all);
  });
  afterAll(() => Promise.all([models?.close(), others?.close()]));

  const press = (asOf?: string) => models.get(`press${asOf ? `?asOf=${asOf}` : ''}`, governor);

  it('nine sessions, fourteen cases each; the ninth with ten, and three visits', async () => {
    expect(await press()).toMatchObject({
      totals: { sessions: { value: 9 }, cases: { value: 126 }, visits: { value: 23 } },
      outcomes: { opened: { value: 126 }, closed: { value: 0, position: '0' } },
      averageCasesPerSession: { value: 14 },
      latestSession: { session: 'facilitation-9', cases: { value: 10 }, visits: { value: 3 } },
    });
  });

  it('whoever replays the log up to the position that a number names finds that number', async () => {
    const { totals } = await press('2026-10-06');
    for (const what of ['obligations', 'kept', 'missed', 'cases'] as const) {
      const { value, position } = totals[what];
      await others.restart();
      await others.apply(all.filter((event) => BigInt(event.position) <= BigInt(position)));
      expect([what, (await others.get('press', governor)).totals[what]]).toEqual([what, { value, position }]);
    }
  });

  it('a day’s numbers are those that were told on that day', async () => {
    for (const day of ['2026-08-24', '2026-08-25', '2026-09-30', '2026-11-22']) {
      await others.restart();
      await others.apply(all.filter(({ metadata }) => metadata.occurredAt <= `${day}T20:29:59.999Z`));
      expect(await press(day)).toEqual({ ...(await others.get('press', governor)), asOf: day });
      const by = async (models: ReadModels, more = '') =>
        (await models.get(`scorecards?by=agency${more}`, governor)).items;
      expect(await by(models, `&asOf=${day}`)).toEqual(await by(others));
    }
  });

  it('what was told on a day leaves out what was recorded later, also of days before', async () => {
    const [day, late] = ['2026-09-30', '2026-11-22'];
    await others.restart();
    // That the first session was opened was put on record on the last day only.
    await others.apply(all.map((event) => (event.stream === 'session-facilitation-1' ? { ...event, recordedAt: `${late}T08:00:00.000Z` } : event))); // prettier-ignore
    const then = await others.get(`press?asOf=${day}&knownAt=${day}`, governor);
    const now = await others.get(`press?asOf=${day}`, governor);
    expect(now).toEqual({ ...(await press(day)), asOf: day });
    expect(then.totals.sessions.value).toBe(now.totals.sessions.value - 1);
    expect(then.totals.obligations).toEqual(now.totals.obligations);
  });

  it('before the first Tuesday there was nothing to tell', async () => {
    expect(await press('2026-08-01')).toMatchObject({
      totals: { sessions: { value: 0, position: '0' } },
      averageCasesPerSession: { value: null },
    });
  });

  it('scorecards agree with what each agency is shown of itself, however they are broken down', async () => {
    const { items } = await models.get('scorecards?by=agency', governor);
    expect(items.length).toBeGreaterThan(10);
    for (const { agency, position: _, ...scores } of items) {
      const { name: _name, ...own } = await models.get(`agencies/${agency}/scorecard`, governor);
      expect({ agency, ...own }).toMatchObject({ agency, ...scores });
    }
    const total = (list: any[], what: string) => list.reduce((sum, one) => sum + one[what], 0);
    for (const by of ['category', 'session']) {
      const broken = (await models.get(`scorecards?by=${by}`, governor)).items;
      for (const what of ['obligations', 'kept', 'late', 'missed', 'refuted']) {
        expect([by, what, total(broken, what)]).toEqual([by, what, total(items, what)]);
      }
    }
    const classes = (await models.get('scorecards?by=class', governor)).items;
    expect(classes.map((one: any) => one.class)).toContain('knowledge-based');
  });

  it('the press is told nobody’s name, an agency sees its own row only, a unit none', async () => {
    const text = JSON.stringify(await models.get('press', as('unit', { unit: 'u-002' })));
    const agencies = (await models.get('scorecards?by=agency', governor)).items.map((one: any) => `"${one.agency}"`);
    const categories = (await models.get('scorecards?by=category', governor)).items.map(
      (one: any) => `"${one.category}"`,
    );
    for (const secret of ['u-0', 'واحد', ...agencies.filter((one: string) => !categories.includes(one))])
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
    const gas = as('agency', { agency: 'gas' });
    expect((await models.get('scorecards?by=agency', gas)).items.map((one: any) => one.agency)).toEqual(['gas']);
    await expect(models.get('scorecards?by=agency', as('unit', { unit: 'u-002' }))).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
