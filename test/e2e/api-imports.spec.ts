import { Checkpoints, Decide, DecideHandler, type Database } from '#kernel';
import { casesProjection, casesQueries } from '#cases';
import { directoryProjection } from '#directory';
import { resolutionsProjection } from '#resolutions';
import { sessionsProjection } from '#sessions';
import { createSql, PostgresEventStore } from '#stores';
import { deciders, policies } from '#apps/province';
import { subscribersRun } from '#apps/api/health.controller';
import { Imports } from '#apps/api/imports';
import { startWorker, type RunningWorker } from '#apps/worker/worker';
import { startApi, type Reply, type TestApi } from '#test/kit/http';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';

const quiet = { info() {}, warn() {}, error() {} };

let db: TestDatabase;
let database: Database;
let api: TestApi;
let worker: RunningWorker;

beforeAll(async () => {
  db = await testDatabase();
  database = createSql(db.pool);
  await new Imports(database).prepare();
  const checkpoints = new Checkpoints(database);
  const store = new PostgresEventStore(db.pool);
  api = await startApi(deciders, {
    store,
    database,
    checkpoints,
    reads: casesQueries,
    ready: { subscribers: subscribersRun(database, ['projections', 'deadlines', 'policies']) },
    policies: {
      on: new Set(policies.flatMap(({ on }) => on)),
      passed: (position, timeoutMs) => checkpoints.waitFor(['policies'], position, timeoutMs),
    },
  });
  const door = new DecideHandler(api.deps.decide);
  worker = await startWorker({
    store,
    database,
    checkpoints,
    clock: api.deps.decide.clock,
    jobs: { addBulk: async () => {}, process() {}, close: async () => {} },
    decide: (order) => door.execute(new Decide(order)),
    reads: api.deps.decide.loader,
    policies,
    projections: [casesProjection, sessionsProjection, directoryProjection, resolutionsProjection],
    log: quiet,
    openImports: () => api.deps.imports.running(),
  });
});
afterAll(async () => {
  await worker?.stop();
  await api?.close();
  await db?.close();
});

let minute = 0;
const line = (role: string, command: string, id: string, data: object = {}, more: object = {}) => ({
  at: `2026-08-25T09:${String(minute++ % 60).padStart(2, '0')}:00+03:30`,
  as: { id: `${role}-of-then`, role },
  command,
  id,
  data,
  ...more,
});
const unit = (id: string) =>
  line('secretary', 'RegisterUnit', id, { name: 'ریسندگی', size: 'small', classes: [], sector: 'textile' });
const caseOf = (id: string, about: string) =>
  line('secretary', 'OpenCase', id, {
    unit: about,
    channel: 'desk',
    category: 'gas',
    title: 'گاز',
    statement: 'قطع گاز',
  });

const post = (url: string, body?: unknown): Promise<Reply> => api.as('registrar', 'POST', url, body);
const opened = async (): Promise<string> => (await post('/v1/imports')).body.id;
const send = (batch: string, body: unknown) => post(`/v1/imports/${batch}/commands`, body);
const events = (stream: string) => api.deps.decide.store.readStream(stream);

describe('an import', () => {
  it('is for the registrar', async () => {
    const batch = await opened();
    for (const url of [
      '/v1/imports',
      `/v1/imports/${batch}/renew`,
      `/v1/imports/${batch}/end`,
      `/v1/imports/${batch}/commands`,
    ]) {
      expect(await api.as('secretary', 'POST', url, [])).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  it('brings a line as it was then: its date, its office, and who brought it', async () => {
    expect(await post('/v1/imports')).toMatchObject({
      status: 201,
      body: { id: expect.any(String), leaseSeconds: 60 },
    });
    const batch = await opened();
    const one = { ...unit('u-then'), as: { id: 's-of-then', role: 'secretary', agency: 'chamber' } };
    expect(await send(batch, one)).toMatchObject({
      status: 200,
      body: { stream: 'unit-u-then', events: [{ type: 'UnitRegistered' }] },
    });
    const [event] = await events('unit-u-then');
    expect(event!.metadata).toMatchObject({
      import: batch,
      occurredAt: new Date(one.at).toISOString(),
      actor: {
        id: 'registrar-1',
        role: 'registrar',
        agency: 'chamber',
        onBehalfOf: { id: 's-of-then', role: 'secretary' },
      },
    });
    expect(Date.parse(event!.recordedAt)).toBeGreaterThan(Date.parse(one.at));
  });

  it('takes a list in order, tells what each line came to, and changes nothing when it is sent again', async () => {
    const batch = await opened();
    const lines = [
      unit('u-list'),
      caseOf('c-none', 'u-none'),
      line('agency', 'OpenCase', 'c-list', {}),
      line('secretary', 'Nothing', 'x'),
      caseOf('c-list', 'u-list'),
    ];
    const first = await send(batch, lines);
    expect(first.body.results.map((one: any) => one.refused ?? one.events.map((event: any) => event.type))).toEqual([
      ['UnitRegistered'],
      'invalid',
      'invalid',
      'unknown-command',
      ['CaseOpened'],
    ]);
    expect(first.body.results[3]).toMatchObject({
      status: 404,
      command: 'Nothing',
      id: 'x',
      detail: 'There is no command "Nothing".',
    });
    const head = await api.deps.decide.store.head();
    expect((await send(batch, lines)).body).toEqual(first.body);
    expect(await api.deps.decide.store.head()).toBe(head);
  });

  it('waits for what policies bring before the line that needs it', async () => {
    const batch = await opened();
    const needs = [
      { category: 'gas', statement: 'گاز' },
      { category: 'electricity', statement: 'برق' },
    ];
    const review = { technicalNote: 'دیده شد', recommendation: 'وصل شود', checklist: [] };
    for (const visit of ['v-1', 'v-2', 'v-3']) {
      const { body } = await send(batch, [
        unit(`u-${visit}`),
        line('secretary', 'PlanVisit', visit, { unit: `u-${visit}`, date: '2026-08-25', reason: 'بازدید' }),
        line('expert', 'RecordFindings', visit, { findings: 'خاموش', needs }),
        line('expert', 'ReviewCase', `${visit}-2`, review),
      ]);
      expect(body.results.map((one: any) => one.refused)).toEqual([undefined, undefined, undefined, undefined]);
      expect((await events(`case-${visit}-2`)).map(({ type, metadata }) => [type, metadata.import])).toEqual([
        ['CaseOpened', batch],
        ['CaseReviewed', batch],
      ]);
    }
  });

  it('holds what it touches until it ends; then it is over', async () => {
    const batch = await opened();
    await send(batch, [unit('u-held'), caseOf('c-held', 'u-held')]);
    const live = () => api.as('secretary', 'POST', '/v1/case/c-held/CloseCase', { outcome: 'حل شد' });
    expect(await live()).toMatchObject({
      status: 409,
      headers: { 'retry-after': '1' },
      body: { code: 'import-running' },
    });
    expect(await api.deps.imports.running()).toContain(batch);
    expect(await post(`/v1/imports/${batch}/renew`)).toMatchObject({ status: 200, body: { id: batch } });
    expect((await api.as('registrar', 'GET', `/v1/imports/${batch}`)).body).toEqual({
      id: batch,
      open: true,
      unsettled: 0,
    });
    expect(await post(`/v1/imports/${batch}/end`)).toMatchObject({ status: 204 });
    expect((await api.as('registrar', 'GET', `/v1/imports/${batch}`)).body).toMatchObject({ open: false });
    expect(await post(`/v1/imports/${batch}/end`)).toMatchObject({ status: 204 });
    expect(await live()).toMatchObject({ status: 200, body: { events: [{ type: 'CaseClosed' }] } });
    expect(await api.deps.imports.running()).not.toContain(batch);
    expect(await post(`/v1/imports/${batch}/renew`)).toMatchObject({ status: 409, body: { code: 'import-ended' } });
    expect(await send(batch, caseOf('c-late', 'u-held'))).toMatchObject({
      status: 409,
      body: { code: 'import-ended' },
    });
    expect(await send(await opened(), line('secretary', 'ReopenCase', 'c-held', { reason: 'باز' }))).toMatchObject({
      status: 422,
      body: { code: 'live-stream' },
    });
    expect(await post('/v1/imports/none/end')).toMatchObject({ status: 404 });
  });

  it('whose lease ran out is over, and never opens again', async () => {
    const short = new Imports(database, 0);
    const { id } = await short.open('r');
    expect(await short.isOpen(id)).toBe(false);
    await expect(new Imports(database).renew(id)).rejects.toMatchObject({ code: 'import-ended' });
  });

  it.each([
    ['at', { at: '2026-08-25T09:00:00' }],
    ['at', { at: '2100-01-01T00:00:00Z' }],
    ['as.role', { as: { id: 'e', role: 'engine' } }],
    ['as.role', { as: { id: 'e', role: 'king' } }],
    ['as', { as: undefined }],
    ['id', { id: 'a b' }],
    ['data', { data: 5 }],
    ['commandId', { commandId: 'a\tb' }],
    ['who', { who: 'me' }],
  ])('sends nothing of a list with a malformed %s', async (path, change) => {
    const batch = await opened();
    const head = await api.deps.decide.store.head();
    const bad = { ...unit('u-bad'), ...change };
    const answer = await send(batch, [unit('u-good'), bad, unit('u-good'), {}]);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(answer.body.errors.map((error: any) => error.path)).toEqual(
      expect.arrayContaining([`[1].${path}`, '[3].as', '[3].command']),
    );
    expect(await api.deps.decide.store.head()).toBe(head);
  });
});

describe('a read', () => {
  const read = (role: 'secretary' | 'admin', url: string) => api.as(role, 'GET', url);

  it('sees what the command before it did, when it asks to', async () => {
    const { body } = await api.as('expert', 'POST', '/v1/case/c-read/OpenCase', {
      channel: 'chamber',
      category: 'export',
      title: 'صادرات',
      statement: 'راه بسته است',
    });
    const found = await read('secretary', `/v1/cases/c-read?minPosition=${body.position}`);
    expect(found).toMatchObject({ status: 200, body: { id: 'c-read', status: 'opened' } });
    expect(found.headers).not.toHaveProperty('x-as-of');
    expect((await read('secretary', '/v1/cases?category=export&limit=1')).body.items).toMatchObject([{ id: 'c-read' }]);
  });

  it('that cannot wait so long says how old it is', async () => {
    const { status, headers } = await read('secretary', '/v1/cases?minPosition=999999999999999999');
    expect(status).toBe(200);
    expect(Date.parse(String(headers['x-as-of']))).toBeGreaterThan(Date.parse('2026-01-01'));
  });

  it('is refused to those it is not for, and when it is malformed', async () => {
    expect(await read('admin', '/v1/cases')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await read('secretary', '/v1/cases/none')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    for (const query of [
      'limit=0',
      'limit=1&limit=2',
      'colour=red',
      'minPosition=x',
      'cursor=%00',
      'category=tea',
      'unit=a%20b',
    ]) {
      expect(await read('secretary', `/v1/cases?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    }
  });
});

/** The last, because it stops the worker. */
describe('readiness', () => {
  const ready = async () => (await api.app.inject('/health/ready')).json();

  it('is there while somebody follows the log, and gone with them', async () => {
    expect(await ready()).toEqual({ status: 'ok', checks: { log: 'ok', database: 'ok', subscribers: 'ok' } });
    await database.query(`update checkpoints set error = 'stuck' where name = 'cases'`);
    expect(await ready()).toMatchObject({ status: 503, checks: { log: 'ok', subscribers: 'failing' } });
    await database.query(`update checkpoints set error = null where name = 'cases'`);
    expect(await ready()).toMatchObject({ status: 'ok' });
    await worker.stop();
    expect(await ready()).toMatchObject({ status: 503, code: 'not-ready', checks: { subscribers: 'failing' } });
  });
});
