import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { ENGINE, type RecordedEvent } from '#kernel';
import { readLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { as } from '#test/kit/given';
import { readModels, type ReadModels } from '#test/kit/read-models';

/** The nine Economic Tuesdays in the read models, against what an independent model of the contract makes of them. */
const DATA = 'apps/cli/data/economic-tuesdays';
const governor = as('governor');

let models: ReadModels;
let events: RecordedEvent[];
let expected: Record<string, any>;

beforeAll(async () => {
  expected = JSON.parse(await readFile(`${DATA}.expected.json`, 'utf8'));
  events = [];
  const simulation = new Simulation((event) => events.push(event));
  for await (const line of readLines(`${DATA}.ndjson`)) await simulation.send(line);
  await simulation.advance(expected.until);
  models = await readModels();
  await models.apply(events);
});
afterAll(() => models?.close());

/** Every item of a list, page by page. */
async function everything(url: string, limit = 500): Promise<any[]> {
  const items = [];
  for (let next: string | undefined = ''; next !== undefined;) {
    const cursor: string = next ? `&cursor=${next}` : '';
    const page: any = await models.get(`${url}${url.includes('?') ? '&' : '?'}limit=${limit}${cursor}`, governor);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    next = page.next;
  }
  return items;
}

const tally = (values: string[]) =>
  values.reduce<Record<string, number>>((counts, value) => ({ ...counts, [value]: (counts[value] ?? 0) + 1 }), {});

describe('a working group in numbers', () => {
  it('has 14 cases a session on average, 10 in the ninth, and 3 visits', async () => {
    const summary = await models.get('working-groups/facilitation/summary', governor);
    expect(summary).toMatchObject({
      sessions: expected.sessions,
      held: 9,
      cases: expected.cases,
      averageCasesPerSession: expected.averageCasesPerSession,
      obligations: 182,
      open: expected.obligationStatus.missed + expected.obligationStatus.suspended,
    });
    expect(summary.bySession).toHaveLength(9);
    const ninth = { id: 'facilitation-9', cases: expected.casesInNinth, visits: expected.visitsOfNinth };
    expect(summary.bySession[8]).toMatchObject(ninth);
    expect(summary.overdue).toBe(
      (await everything('obligations?status=missed,suspended')).filter((o) => o.missedAt).length,
    );
    expect(await models.get('working-groups/energy/summary', governor)).toMatchObject({
      sessions: 0,
      averageCasesPerSession: null,
    });
    expect(await models.get('working-groups/nobody/summary', governor)).toBeUndefined();
  });
});

describe('obligations', () => {
  it('stand where the decider says', async () => {
    const all = await everything('obligations');
    expect(tally(all.map(({ status }) => status))).toEqual(expected.obligationStatus);
    for (const [status, count] of Object.entries(expected.obligationStatus)) {
      expect(await everything(`obligations?status=${status}`)).toHaveLength(count as number);
    }
  });

  it('come by due instant, page by page, none twice and none left out', async () => {
    const whole = await everything('obligations');
    const inPages = await everything('obligations', 7);
    expect(inPages).toEqual(whole);
    const dues = whole.map(({ dueAt }) => dueAt ?? '~');
    expect(dues).toEqual(dues.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(whole.map((o) => `${o.resolution}/${o.obligation}`)).size).toBe(182);
  });

  it('are found by agency, rung, due instant, session, category and calendar', async () => {
    const whole = await everything('obligations');
    const where = async (filter: string, keep: (o: any) => boolean) => {
      const wanted = whole.filter(keep);
      expect(wanted.length).toBeGreaterThan(0);
      expect(wanted.length).toBeLessThan(whole.length);
      expect(await everything(`obligations?${filter}`)).toEqual(wanted);
    };
    await where('agency=gas', (o) => o.agency === 'gas');
    await where('escalatedTo=inspection', (o) => o.escalatedTo === 'inspection');
    await where('escalatedTo=governor&status=missed', (o) => o.escalatedTo === 'governor' && o.status === 'missed');
    await where('dueBefore=2026-10-01T00:00:00%2B03:30', (o) => o.dueAt < '2026-09-30T20:30:00.000Z');
    await where('session=facilitation-9', (o) => o.session === 'facilitation-9');
    await where('category=gas', (o) => o.category === 'gas');
    await where('calendar=banks', (o) => o.calendar === 'banks');
    await where('case=c-004', (o) => o.case === 'c-004');
  });

  it('tell the latest of their story', async () => {
    const [refuted] = (await everything('obligations')).filter(({ latest }) => latest.ComplianceRefuted);
    const one = await models.get(`obligations/${refuted.resolution}/${refuted.obligation}`, governor);
    expect(one).toEqual(refuted);
    expect(one.latest.ComplianceRefuted).toMatchObject({ by: 'expert-1', note: 'در بازدید انجام نشده بود' });
    expect(await models.get('obligations/facilitation-1-1/nothing', governor)).toBeUndefined();
  });

  it.each([
    ['status=late', 'status'],
    ['dueBefore=yesterday', 'dueBefore'],
    ['dueBefore=2026-02-30', 'dueBefore'],
    ['dueBefore=2026-02-03T10:00', 'dueBefore'],
    ['limit=1001', 'limit'],
    ['limit=0', 'limit'],
    ['cursor=abc', 'cursor'],
    ['colour=red', 'colour'],
    ['category=magic', 'category'],
  ])('refuse %s with the field', async (search, path) => {
    await expect(models.get(`obligations?${search}`, governor)).rejects.toMatchObject({
      status: 400,
      errors: [expect.objectContaining({ path })],
    });
  });
});

describe('the other read models', () => {
  it('the province in numbers agrees with the independent model', async () => {
    const { sessions, cases, obligationStatus, escalatedTo, events: counts } = await models.get('numbers', governor);
    expect({ sessions, cases, obligationStatus, escalatedTo }).toEqual({
      sessions: expected.sessions,
      cases: expected.cases,
      obligationStatus: expected.obligationStatus,
      escalatedTo: expected.escalatedTo,
    });
    expect(counts).toMatchObject(expected.events);
  });

  it('cases carry their visit, session, resolutions and tracking code', async () => {
    const cases = await everything('cases');
    expect(cases).toHaveLength(expected.cases);
    expect(new Set(cases.map(({ trackingCode }) => trackingCode)).size).toBe(expected.cases);
    expect(await models.get('cases/v-1-1-1', governor)).toMatchObject({
      visit: 'v-1-1',
      channel: 'visit',
      session: { id: 'facilitation-1', number: 1, date: '2026-08-25' },
      unitName: expect.stringContaining('واحد تولیدی'),
      resolutions: [{ id: 'facilitation-1-1', obligations: [{ obligation: 'o1', agency: 'science' }] }],
    });
    const [one] = cases;
    expect(await everything(`cases?trackingCode=${one.trackingCode}`)).toEqual([one]);
  });

  it('sessions carry agenda, attendance, resolutions and counts', async () => {
    expect(await everything('sessions')).toHaveLength(9);
    const ninth = await models.get('sessions/facilitation-9', governor);
    expect(ninth).toMatchObject({
      number: 9,
      status: 'signed',
      signedBy: 'governor',
      counts: { cases: 10, visits: 3 },
    });
    expect(ninth.agenda).toHaveLength(10);
    expect(ninth.attendance).toContain('chamber');
    expect(ninth.adopted.every(({ status }: any) => ['communicated', 'fulfilled'].includes(status))).toBe(true);
  });

  it('resolutions carry their obligations, visits their findings', async () => {
    const resolutions = await everything('resolutions');
    expect(resolutions).toHaveLength(expected.events.ResolutionIssued);
    expect(resolutions.filter(({ status }) => status === 'fulfilled')).toHaveLength(
      expected.events.ResolutionFulfilled,
    );
    expect(resolutions.flatMap(({ obligations }) => obligations)).toHaveLength(182);
    const visits = await everything('visits?session=facilitation-9');
    expect(visits).toHaveLength(3);
    for (const visit of visits) expect(visit).toMatchObject({ visited: true, needs: [{ case: `${visit.id}-1` }] });
  });

  it('scorecards add up to what happened', async () => {
    const { items: agencies } = await models.get('agencies?limit=1000', governor);
    expect(agencies).toHaveLength(15);
    const cards = await Promise.all(agencies.map(({ id }: any) => models.get(`agencies/${id}/scorecard`, governor)));
    const sum = (key: string) => cards.reduce((total, card) => total + card[key], 0);
    expect({
      obligations: sum('obligations'),
      kept: sum('kept'),
      late: sum('late'),
      missed: sum('missed'),
      refuted: sum('refuted'),
      extensions: sum('extensions'),
      escalated: sum('escalated'),
      open: sum('open'),
      suspended: sum('suspended'),
    }).toEqual({
      obligations: 182,
      kept: expected.obligationStatus.met,
      late: expected.obligationStatus['met-late'],
      missed: expected.events.DeadlineMissed,
      refuted: expected.events.ComplianceRefuted,
      extensions: expected.events.ExtensionGranted,
      escalated: expected.events.ObligationEscalated,
      open: expected.obligationStatus.missed + expected.obligationStatus.suspended,
      suspended: expected.obligationStatus.suspended,
    });
    expect(await models.get('agencies/gas', governor)).toEqual({
      id: 'gas',
      name: 'شرکت گاز استان',
      kind: 'utility',
      calendar: 'offices',
    });
  });

  it('an office’s duties are due when the engine says they were missed', async () => {
    const now = await models.get('offices/secretary/duties?limit=500', governor);
    expect(now.items.length).toBeGreaterThan(0);
    expect(now.items.every(({ nextAt }: any) => nextAt > expected.until)).toBe(true);
    expect(await models.get('offices/nobody/duties', governor)).toBeUndefined();

    const then = await readModels();
    try {
      for (const [from, to] of [0, ...missedDuties()].map((at, i, all) => [at, all[i + 1]])) {
        if (to === undefined) break;
        await then.apply(events.slice(from, to));
        const { stream, data } = events[to - 1]!;
        const { items } = await then.get(`offices/${data.owner}/duties?limit=500`, governor);
        const [duty] = items.filter(
          (one: any) =>
            stream === `resolution-${one.resolution}` && one.duty === data.duty && one.obligation === data.obligation,
        );
        expect(duty.missed).toBe(data.count);
        if (data.count === 1) expect(duty.dueAt).toBe(data.dueAt);
        expect(duty.nextAt > data.dueAt).toBe(true);
      }
    } finally {
      await then.close();
    }
  });
});

/** How much of the log was there when a duty had just been missed. */
const missedDuties = () => events.flatMap(({ type }, index) => (type === 'DutyMissed' ? [index + 1] : []));

describe('rebuilding', () => {
  it('gives the same rows in batches of any size', async () => {
    const whole = await models.dump();
    expect(whole['read_obligations']).toHaveLength(182);
    expect(whole['folded_resolutions']).toHaveLength(126);
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 5, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(sizes, async (batches) => {
        await models.restart();
        for (let at = 0, i = 0; at < events.length; at += batches[i++ % batches.length]!) {
          await models.apply(events.slice(at, at + batches[i % batches.length]!));
        }
        expect(await models.dump()).toEqual(whole);
      }),
      { numRuns: 3 },
    );
  });

  it('takes an event of a newer release without stumbling', async () => {
    const before = await models.dump();
    const strange = {
      ...events.findLast(({ stream }) => stream.startsWith('resolution-'))!,
      type: 'ObligationSung',
      data: {},
    };
    const engine = { ...strange, metadata: { ...strange.metadata, actor: ENGINE } };
    await models.apply([{ ...engine, revision: engine.revision + 1 }]);
    const { folded_resolutions: _, read_event_counts: counted, ...after } = await models.dump();
    const { folded_resolutions: __, read_event_counts: ___, ...same } = before;
    expect(after).toEqual(same);
    expect(counted).toContain('(ObligationSung,"",1)');
  });
});
