import { readFile } from 'node:fs/promises';
import { forgetKeyframes } from '#apps/api/keyframes';
import { Past, type Moment } from '#apps/api/past';
import { readLines } from '#apps/cli/lines';
import { recordProjections } from '#apps/read-models';
import { Simulation } from '#apps/simulation';
import { whyQuery } from '#apps/api/why';
import { caseQuery } from '#cases';
import { ERASED, type Projection, type RecordedEvent, type Sql } from '#kernel';
import { searchQuery } from '#search';
import { workingGroupSummaryQuery } from '#sessions';
import { createPool, createSql, MemoryEventStore, openSession } from '#stores';
import { as } from '#test/kit/given';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { readModels, type ReadModels } from '#test/kit/read-models';

/** The nine Economic Tuesdays, looked at from their end back. */
const DATA = 'apps/cli/data/economic-tuesdays';
/** So that the story has some. */
const EVENTS_A_KEYFRAME = 400;
const TABLES = recordProjections.flatMap(({ tables }) => tables);

let db: TestDatabase;
let models: ReadModels;
let events: RecordedEvent[];
let store: MemoryEventStore;
let past: Past;
/** The same, with what the first has kept and nothing in memory. */
let afresh: (projections?: readonly Projection[]) => Past;
let now: string;
let keyframes: () => Promise<{ axis: string; n: number }[]>;
let erased: () => Promise<void>;
let close: () => Promise<void>;

const append = ({ stream, revision, id, type, data, metadata, recordedAt }: RecordedEvent) => {
  now = recordedAt;
  return store.append(stream, revision - 1, [{ id, type, data, metadata }]);
};

beforeAll(async () => {
  events = [];
  const { until } = JSON.parse(await readFile(`${DATA}.expected.json`, 'utf8'));
  const simulation = new Simulation((event) => events.push(event));
  for await (const line of readLines(`${DATA}.ndjson`)) await simulation.send(line);
  await simulation.advance(until);
  store = new MemoryEventStore({ clock: { now: () => now } });
  for (const event of events) await append(event);
  [db, models] = await Promise.all([testDatabase(), readModels()]);
  const pool = createPool(db.url, { max: 8 });
  const made: Past[] = [];
  afresh = (projections = recordProjections) => {
    past?.close();
    past = new Past(store, { now: () => '2027-01-01T00:00:00.000Z' }, projections, createSql(pool), () => openSession(pool), EVENTS_A_KEYFRAME); // prettier-ignore
    made.push(past);
    return past;
  };
  afresh();
  keyframes = async () => (await pool.query('select axis, n from past.keyframes order by axis, n')).rows;
  erased = () => forgetKeyframes(createSql(pool));
  close = async () => (made.forEach((each) => each.close()), await pool.end());
});
afterAll(async () => {
  await close?.();
  await Promise.all([db?.close(), models?.close()]);
});

const endOf = (day: string) => `${day}T20:29:59.999Z`;
const rows = async (sql: Sql) => {
  const all: Record<string, string[]> = {};
  for (const table of TABLES) {
    all[table] = (await sql.query(`select t::text as row from ${table} t order by 1`)).rows.map(({ row }) => row);
  }
  return all;
};

it.each<Moment['axis']>(['asOf', 'validAt'])(
  'has the very rows that there were, whichever day is asked for first (%s)',
  async (axis) => {
    // Forth, back, beyond the end, and the same again: made anew, carried on, found.
    for (const [index, day] of ['2026-10-20', '2026-08-25', '2027-05-01', '2026-10-20'].entries()) {
      // The last time out of what was kept, by one who remembers nothing.
      if (index === 3) afresh();
      const at = endOf(day);
      await models.restart();
      await models.apply(
        events.filter(({ recordedAt, metadata }) => (axis === 'asOf' ? recordedAt : metadata.occurredAt) <= at),
      );
      const dump = await models.dump();
      const expected = Object.fromEntries(TABLES.map((table) => [table, dump[table]]));
      expect(await past.read({ axis, at }, rows)).toEqual(expected);
    }
    expect((await keyframes()).filter((one) => one.axis === axis).length).toBeGreaterThan(2);
  },
);

it('counts 14 cases a session and 10 in the ninth on the evening of the ninth, and fewer before', async () => {
  const expected = JSON.parse(await readFile(`${DATA}.expected.json`, 'utf8'));
  const summary = (day: string): Promise<any> =>
    past.ask(workingGroupSummaryQuery, { id: 'facilitation' }, as('deputy'), { axis: 'asOf', at: endOf(day) });
  const ninth = events.find(({ stream, type }) => type === 'SessionOpened' && stream === 'session-facilitation-9')!;
  const evening = await summary(ninth.recordedAt.slice(0, 10));
  expect(evening).toMatchObject({ held: 9, averageCasesPerSession: expected.averageCasesPerSession });
  expect(evening.bySession[8]).toMatchObject({ cases: expected.casesInNinth });
  const earlier = await summary('2026-09-30');
  expect(earlier.held).toBeLessThan(9);
  const found = async (day: string): Promise<number> =>
    ((await past.ask(searchQuery, { q: 'گاز', limit: '100' }, as('deputy'), { axis: 'asOf', at: endOf(day) })) as any).items.length; // prettier-ignore
  expect(await found('2026-08-01')).toBe(0);
  expect(await found('2026-09-10')).toBeGreaterThan(0);
  expect(await found('2026-09-10')).toBeLessThan(await found('2026-10-20'));
});

it('tells the story of a clock as far as it had gone', async () => {
  const asked = { resolution: 'facilitation-9-3', obligation: 'o1' };
  const why = (at: string): Promise<any> =>
    past.ask(whyQuery({} as never), asked, as('secretary'), { axis: 'asOf', at });
  const missed = events.find(
    ({ stream, type }) => type === 'DeadlineMissed' && stream === 'resolution-facilitation-9-3',
  )!;
  expect((await why(missed.recordedAt)).status).toBe('missed');
  const before = new Date(Date.parse(missed.recordedAt) - 1).toISOString();
  expect((await why(before)).status).toBe('running');
  expect(await why('2026-08-02T00:00:00.000Z')).toBeUndefined();
});

it('is for those who read the province', async () => {
  const moment: Moment = { axis: 'asOf', at: endOf('2026-10-20') };
  for (const reader of [as('agency', { agency: 'gas' }), as('unit', { unit: 'u-001' }), as('admin')]) {
    await expect(past.ask(caseQuery, { id: 'c-001' }, reader, moment)).rejects.toMatchObject({ code: 'forbidden' });
  }
});

it('learns what is registered late of a day that it has shown already', async () => {
  const moment: Moment = { axis: 'validAt', at: endOf('2026-09-15') };
  const visit = (id: string) => past.read(moment, async (sql) => (await sql.query('select 1 from read_visits where id = $1', [id])).rows.length); // prettier-ignore
  expect(await visit('late')).toBe(0);
  const before = await keyframes();
  const like = events.find(({ type }) => type === 'VisitPlanned')!;
  await append({ ...like, id: crypto.randomUUID(), stream: 'visit-late', revision: 0, recordedAt: '2026-12-31T00:00:00.000Z' }); // prettier-ignore
  expect(await visit('late')).toBe(1);
  // What was kept of the days before it stands; what was kept without it is made anew.
  expect((await keyframes()).length).toBeLessThan(before.length);
  expect(await afresh().read({ axis: 'validAt', at: endOf('2026-11-20') }, async (sql) => (await sql.query('select 1 from read_visits where id = $1', ['late'])).rows.length)).toBe(1); // prettier-ignore
  expect(
    await past.read({ ...moment, axis: 'asOf' }, async (sql) => (await sql.query('select 1 from read_visits where id = $1', ['late'])).rows.length), // prettier-ignore
  ).toBe(0);
});

it('keeps nothing that was erased, neither in a table nor in a frame that somebody has open', async () => {
  const moment: Moment = { axis: 'asOf', at: endOf('2026-11-20') };
  const statement = (of: Past) => of.read(moment, async (sql) => (await sql.query(`select doc from read_cases where id = 'c-001'`)).rows[0].doc.state.intake.statement); // prettier-ignore
  const open = past;
  const said = await statement(open);
  expect(said).toMatch(/./);
  expect((await keyframes()).filter((one) => one.axis === 'asOf')).not.toEqual([]);
  const { readAll } = store;
  store.readAll = async (after, limit) => {
    const { events: page, ...rest } = await readAll.call(store, after, limit);
    const gone = (event: RecordedEvent) => (event.type === 'CaseOpened' && event.stream === 'case-c-001' ? { ...event, data: { ...event.data, statement: ERASED } } : event); // prettier-ignore
    return { ...rest, events: page.map(gone) };
  };
  await erased();
  expect(await keyframes()).toEqual([]);
  expect(await statement(open)).toBe(ERASED);
  expect(await statement(afresh())).toBe(ERASED);
  store.readAll = readAll;
});

it('makes its tables anew for another release, and one of before goes on without them', async () => {
  const moment: Moment = { axis: 'asOf', at: endOf('2026-10-20') };
  const cases = (of: Past) => of.read(moment, async (sql) => (await sql.query('select id from read_cases')).rows.length); // prettier-ignore
  const before = afresh();
  const many = await cases(before);
  past = undefined as never; // stays open
  expect(await cases(afresh(recordProjections.map((each) => ({ ...each, version: each.version + 1 }))))).toBe(many);
  const made = await keyframes();
  expect(made.length).toBeGreaterThan(0);
  expect(await cases(before)).toBe(many);
  expect(await keyframes()).toEqual(made);
});
