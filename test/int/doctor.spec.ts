import { randomUUID } from 'node:crypto';
import type { Projection } from '#kernel';
import { Checkpoints, comparePositions, NO_STREAM, Sealed, sealing, StoreUnavailable, systemClock } from '#kernel';
import { noticesProjection } from '#notices';
import { createSql, openEsdb, PostgresEventStore, SealedEventStore, Vault } from '#stores';
import { Imports } from '#apps/api/imports';
import { examine, repair, type DoctorDeps } from '#apps/doctor';
import { allProjections } from '#apps/read-models';
import { newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, PATIENCE_MS, silent, workshop } from '#test/kit/worker';

const counts = { waiting: 0, active: 0, delayed: 0, failed: 0 };
let db: TestDatabase;
let deps: DoctorDeps;
let worker: Awaited<ReturnType<ReturnType<typeof workshop>['start']>>;

/** Two resolutions that run and one that is met, on a province whose worker has seen everything. */
beforeAll(async () => {
  db = await testDatabase();
  const database = createSql(db.pool);
  const store = new PostgresEventStore(db.pool);
  const checkpoints = new Checkpoints(database);
  const shop = workshop({ store, database, clock: systemClock });
  await new Imports(database).prepare();
  await establish(shop);
  for (const id of ['r-1', 'r-2', 'r-3']) await communicate(shop, id);
  await shop.say('governor', 'resolution', 'r-3', 'RevokeObligation', { obligation: 'o1', reason: 'x' });
  worker = await shop.start({ checkpoints, projections: allProjections });
  const names = [...allProjections.map(({ name }) => name), 'deadlines', 'policies'];
  await checkpoints.waitFor(names, await store.head(), PATIENCE_MS);
  deps = { store, checkpoints, jobs: { counts: async () => counts }, projections: allProjections, subscribers: ['policies'], running: true, log: silent }; // prettier-ignore
});
afterAll(async () => {
  await worker.stop();
  await db.close();
});

it('finds nothing off where nothing is', async () => {
  const { faults, notes, rebuild } = await examine(deps);
  expect({ faults, rebuild }).toEqual({ faults: [], rebuild: [] });
  expect(notes[0]).toMatch(/^2 open obligations, 2 armed alarms, compared with the log up to \d+\.$/);
});

it('takes nobody to be past the end where events of others end the log', async () => {
  const [own, log] = await Promise.all([testDatabase(), new EsdbDouble(true).start()]);
  const database = createSql(own.pool);
  const checkpoints = new Checkpoints(database);
  const store = await openEsdb(log.url, { aggregates: ['agency', 'calendar', 'ladder', 'resolution'], pollMs: 50 });
  const shop = workshop({ store, database, clock: systemClock });
  await new Imports(database).prepare();
  await establish(shop);
  await communicate(shop, 'r-1');
  const started = await shop.start({ checkpoints });
  try {
    const head = await store.head();
    await eventually(async () => comparePositions((await checkpoints.read()).get('deadlines')!.position, head) > 0);
    const { faults } = await examine({ ...deps, store, checkpoints, projections: [] });
    expect(faults.filter((fault) => fault.includes('the end of the log'))).toEqual([]);
  } finally {
    await started.stop();
    await store.close();
    log.kill();
    await own.close();
  }
});

describe('rows broken on purpose are found, and rebuilt beside the running worker', () => {
  it.each([
    ['an alarm that is lost', `delete from due where stream = 'resolution-r-1'`, /^obligation o1 of resolution-r-1 has no alarm; rung remind at .* would never fire\.$/], // prettier-ignore
    ['an alarm at another instant', `update due set at = at + interval '1 day' where stream = 'resolution-r-2'`, /^The alarm of obligation o1 of resolution-r-2 says rung remind at .*; the log gives rung remind at/], // prettier-ignore
    ['an alarm of nothing', `insert into due (stream, obligation, at, what, next_attempt_at) values ('resolution-x', 'o9', '2030-01-01', 'due', '2030-01-01')`, /^The alarm of obligation o9 of resolution-x \(due, .*\) is orphaned/], // prettier-ignore
    ['an alarm put off for ever', `update due set next_attempt_at = at + interval '1 year' where stream = 'resolution-r-1'`, /^The alarm of obligation o1 of resolution-r-1 would not be tried before/], // prettier-ignore
    ['an alarm that waits for an import that never was', `update due set import = '${randomUUID()}'`, /^The alarm of obligation o1 of resolution-r-1 says/], // prettier-ignore
    ['a clock that is lost', `delete from clocks where stream = 'resolution-r-2'`, /^resolution-r-2 has no clock\.$/],
    ['a clock of nothing', `insert into clocks select 'resolution-y', revision, state, calendars, open, import from clocks limit 1`, /^The clock of resolution-y is orphaned/], // prettier-ignore
    ['a clock that is closed', `update clocks set open = false where stream = 'resolution-r-1'`, /^The clock of resolution-r-1 is not what the log gives\.$/], // prettier-ignore
    ['a clock that says something else', `update clocks set state = replace(state::text, 'running', 'met')::json`, /^The clock of resolution-r-1 is not what the log gives\.$/], // prettier-ignore
    ['tables that are gone', 'drop table due', /^Tables of the deadlines are missing: due\.$/],
    ['what is waited for is gone', 'drop table read_watches', /^The table of what is waited for is missing\.$/],
    ['a checkpoint past the end', `update checkpoints set position = '99999' where name = 'deadlines'`, /^The subscriber deadlines stands at 99999, after the end of the log/], // prettier-ignore
    ['a read model that is stuck', `update checkpoints set error = 'cannot apply' where name = 'cases'`, /^The subscriber cases cannot get on at position \d+: cannot apply$/], // prettier-ignore
    ['a read model of an older release', `update checkpoints set version = 0 where name = 'cases'`, /^The tables of cases belong to an older release/], // prettier-ignore
    ['a read model that never ran', `delete from checkpoints where name = 'visits'`, /^The subscriber visits has never run\.$/], // prettier-ignore
  ])('%s', async (_, breaking, sentence) => {
    await db.pool.query(breaking);
    const found = await examine(deps);
    expect(found.faults).toContainEqual(expect.stringMatching(sentence));
    await repair(found, deps);
    const { faults, notes } = await examine(deps);
    expect(faults).toEqual([]);
    expect(notes[0]).toContain('2 open obligations, 2 armed alarms');
  });
});

describe('what no rebuilding mends is said', () => {
  const faultsWith = async (more: Partial<DoctorDeps>) => (await examine({ ...deps, ...more })).faults;

  it('a duty that no worker holds', async () => {
    expect(await faultsWith({ subscribers: ['policies'], running: true })).toEqual([]);
    await db.pool.query(`insert into checkpoints values ('notary', 1, '${await deps.store.head()}')`);
    expect(await faultsWith({ subscribers: ['policies', 'notary'] })).toEqual(['No worker runs notary.']);
  });

  it('a subscriber that is behind, which is no fault where nobody should be at work', async () => {
    const late: Projection = { name: 'late', version: 1, schema: '', tables: [], on: [], apply: async () => {} };
    await db.pool.query(`insert into checkpoints values ('late', 1, '2')`);
    const ago = (store: DoctorDeps['store']): DoctorDeps['store'] => ({
      ...store,
      head: () => store.head(),
      readStream: (...args) => store.readStream(...args),
      readAll: async (after, limit) => {
        const { events, position } = await store.readAll(after, limit);
        return { position, events: events.map((event) => ({ ...event, recordedAt: new Date(Date.now() - 600_000).toISOString() })) }; // prettier-ignore
      },
    });
    const behind = /^The subscriber late is behind: at 2 of \d+, by 10 minutes\.$/;
    const store = ago(deps.store);
    expect(await faultsWith({ store, projections: [late] })).toContainEqual(expect.stringMatching(behind));
    const { faults, notes } = await examine({ ...deps, store, projections: [late], running: false });
    expect(faults).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(behind));
  });

  it('an alarm that is due and did not fire, unless its import is open', async () => {
    const overdue = /^1 alarms are due and have not fired; the oldest, resolution-r-1, for 3 hours, tried 0 times\.$/;
    await db.pool.query(`update due set at = now() - interval '3 hours' where stream = 'resolution-r-1'`);
    expect(await faultsWith({})).toContainEqual(expect.stringMatching(overdue));
    const imports = new Imports(deps.checkpoints.db);
    const { id } = await imports.open('registrar');
    await db.pool.query('update due set import = $1', [id]);
    const { faults, notes } = await examine(deps);
    expect(faults).not.toContainEqual(expect.stringMatching(overdue));
    expect(notes).toContainEqual(`The import ${id} is open; the alarms of what it touched wait for it.`);
    await imports.end(id);
    await repair(await examine(deps), deps);
  });

  it('a queue that is away; jobs that gave up and refused policies are noted', async () => {
    const away = { counts: () => Promise.reject(new StoreUnavailable('The queue cannot be reached: ECONNREFUSED')) };
    expect(await faultsWith({ jobs: away })).toEqual([
      'The queue cannot be reached: ECONNREFUSED. No alarm fires until it is back.',
    ]);
    await db.pool.query(
      `insert into policy_refusals values ('minutes-issue', $1, 'resolution-z', 'IssueResolution', 'not-found', 'x')`,
      [randomUUID()],
    );
    const { faults, notes } = await examine({ ...deps, jobs: { counts: async () => ({ ...counts, failed: 3 }) } });
    expect(faults).toEqual([]);
    expect(notes).toContainEqual('3 jobs gave up in the last week; a later pass has tried their alarms anew.');
    expect(notes).toContainEqual('  minutes-issue: IssueResolution to resolution-z, not-found');
  });

  it('a channel that fails again and again; one bad moment, and what is the secretary’s already, is noted', async () => {
    await db.pool.query(noticesProjection.schema);
    const waits = (state: string, failing: string | null, attempts: number) =>
      db.pool.query(
        `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, notice,
           state, failing, attempts, queued_at)
         values (gen_random_uuid(), 'governor', 1, 'DeadlineMissed', 'r', 'o1', '', '', gen_random_uuid(), $1, $2, $3,
           now() - interval '3 hours')`,
        [state, failing, attempts],
      );
    await waits('waiting', null, 0);
    await waits('waiting', 'email: unreachable', 1);
    await waits('undelivered', 'sms: unreachable', 9);
    const bad = 'The channel email is failing (unreachable): 1 notices wait to be sent again, the oldest for 3 hours.';
    const { faults, notes } = await examine(deps);
    expect(faults).toEqual([]);
    expect(notes).toContain(bad);
    expect(notes).toContain('1 notices could not be delivered; the secretary finds them among the duties.');
    await waits('waiting', 'sms: unreachable', 4);
    expect(await faultsWith({})).toEqual([bad.replace('email', 'sms')]);
    await db.pool.query('drop table notice_outbox, notice_subjects');
  });

  it('only the first of many', async () => {
    await db.pool.query(`insert into due (stream, obligation, at, what, next_attempt_at)
      select 'resolution-s-' || n, 'o1', '2030-01-01', 'due', '2030-01-01' from generate_series(1, 30) n`);
    const { faults } = await examine(deps);
    expect(faults).toHaveLength(11);
    expect(faults.at(-1)).toBe('… and 20 more of this kind.');
  });
});

describe('the vault', () => {
  let own: TestDatabase;
  let sealed: SealedEventStore;
  const event = { ...newEvent({ note: 'الف' }), id: randomUUID() };
  const look = async () => {
    const { faults, notes, orphans } = await examine({ ...deps, store: sealed, vault: sealed.vault, keys: undefined });
    return { faults: faults.filter((one) => one.includes('sealed')), notes: notes.join(), orphans };
  };
  class Body {
    @Sealed() note?: string;
  }

  beforeAll(async () => {
    own = await testDatabase();
    const seal = sealing([{ aggregate: 'case', commands: { Do: { data: Body, roles: [], decide: () => [] } } }]);
    sealed = new SealedEventStore(new PostgresEventStore(own.pool), new Vault(createSql(own.pool)), seal, true);
    await sealed.append('case-1', NO_STREAM, [event]);
  });
  afterAll(() => own.close());

  it('has an opening or an erasure for every commitment of the log', async () => {
    expect(await look()).toMatchObject({ faults: [], notes: expect.stringContaining('1 sealed values, 0 of them erased.') }); // prettier-ignore
    await own.pool.query('create table away as select * from vault.openings; delete from vault.openings');
    expect((await look()).faults).toEqual(['What is sealed in case-1 revision 0, note, is neither in the vault nor erased.']); // prettier-ignore
    await own.pool.query('insert into vault.openings select * from away');
    await sealed.vault.erase([{ event: event.id, path: 'note' }], 'erasure-1');
    expect(await look()).toMatchObject({ faults: [], notes: expect.stringContaining('1 sealed values, 1 of them erased.') }); // prettier-ignore
  });

  it('holds nothing of an append that came to nothing, once it is repaired', async () => {
    const opening = { path: 'note', commitment: Buffer.alloc(32), salt: Buffer.alloc(16), value: 'x' };
    await sealed.vault.keep([{ ...newEvent(), openings: [opening] }]);
    expect((await look()).orphans).toEqual([]);
    await own.pool.query(`update vault.openings set at = at - interval '2 hours'`);
    const found = await look();
    expect(found.notes).toContain('1 values of appends that came to nothing');
    await repair({ faults: [], notes: [], rebuild: [], orphans: found.orphans }, { ...deps, vault: sealed.vault });
    expect((await own.pool.query('select from vault.openings')).rowCount).toBe(0);
  });
});
