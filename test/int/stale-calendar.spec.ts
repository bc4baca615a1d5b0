import { splitStream, type EventStore, type Instant } from '#kernel';
import { createSql, openEsdb, PostgresEventStore } from '#stores';
import { at, communicated, PROVINCE } from '#test/kit/timeline';
import { EsdbDouble } from '#test/kit/esdb-double';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { workshop } from '#test/kit/worker';
import { aggregateOf, deciders } from '#apps/province';

const DUE = at('2026-09-01', '14:30');

/** A node that read the calendars once and has heard nothing of them since. */
const frozenCalendars = (store: EventStore): EventStore => {
  const seen = new Map<string, Awaited<ReturnType<EventStore['readStream']>>>();
  return Object.assign(Object.create(store) as EventStore, {
    async readStream(stream: string, from = 0) {
      if (splitStream(stream)[0] !== 'calendar') return store.readStream(stream, from);
      if (!seen.has(stream)) seen.set(stream, await store.readStream(stream));
      return seen.get(stream)!.slice(from);
    },
  });
};

describe.each(['PostgreSQL', 'EventStoreDB'])('a node with stale knowledge of a calendar, the log in %s', (home) => {
  let database: TestDatabase;
  let store: EventStore;
  let double: EsdbDouble | undefined;
  let now: Instant;

  beforeEach(async () => {
    database = await testDatabase();
    double = home === 'EventStoreDB' ? await new EsdbDouble(true).start() : undefined;
    const aggregates = deciders.map(({ aggregate }) => aggregate);
    store = double ? await openEsdb(double.url, { aggregates }) : new PostgresEventStore(database.pool);
  });
  afterEach(async () => {
    await store.close();
    double?.kill();
    await database.close();
  });

  /** No worker runs: the policy that would move deadlines is as good as frozen. */
  const node = (of: EventStore) =>
    workshop({ store: of, database: createSql(database.pool), clock: { now: () => now } });

  async function begun(...nodes: ReturnType<typeof node>[]) {
    for (const { at: when, as, command, id, data } of PROVINCE) {
      now = when;
      await nodes[0]!.say(as, aggregateOf.get(command)!, id, command, data);
    }
    now = at('2026-08-25');
    const [issue] = communicated(now);
    await nodes[0]!.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'IssueResolution', issue!.data);
    for (const { say } of nodes.toReversed())
      await say('secretary', 'resolution', 'r', 'CommunicateResolution', { letterNumber: '1' });
  }
  const close = (date: string) => ({ dates: [date], reason: 'آلودگی هوا', decree: 'م/۱' });
  const story = async () =>
    (await store.readStream('resolution-r'))
      .slice(2)
      .map(({ type, metadata, data }) => [type, metadata.occurredAt, data.to ?? data.dueAt]);

  it('judges wrongly, and the next who knows better takes the miss back and moves the deadline', async () => {
    const fresh = node(store);
    const stale = node(frozenCalendars(store));
    await begun(fresh, stale);
    now = at('2026-08-31');
    await fresh.say('governor', 'calendar', 'offices', 'DeclareClosure', close('2026-09-01'));
    now = at('2026-09-01', '15:00');
    await stale.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    expect((await story()).at(-1)).toEqual(['DeadlineMissed', DUE, DUE]);

    now = at('2026-09-01', '15:01');
    await fresh.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    expect((await story()).slice(-2)).toEqual([
      ['MissRetracted', DUE, DUE],
      ['DeadlineMoved', DUE, at('2026-09-02', '14:30')],
    ]);

    // The clock really runs on, and a real miss is a new fact although its epoch is the same.
    now = at('2026-09-02', '14:30');
    await fresh.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    expect((await story()).at(-1)).toEqual(['DeadlineMissed', now, now]);
    const before = await story();
    await fresh.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    expect(await story()).toEqual(before);
  });

  it('lets a closure that came after the due instant change nothing', async () => {
    const fresh = node(store);
    const stale = node(frozenCalendars(store));
    await begun(fresh, stale);
    now = DUE;
    await fresh.say('governor', 'calendar', 'offices', 'DeclareClosure', close('2026-09-01'));
    await stale.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    await fresh.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'FireRung');
    expect((await story()).map(([type]) => type)).toEqual(['AgencyReminded', 'DeadlineMissed']);
  });

  it('sets a due instant by an old calendar, and whoever reaches the resolution next moves it', async () => {
    const fresh = node(store);
    const stale = node(frozenCalendars(store));
    await begun(fresh, stale);
    now = at('2026-08-26');
    await fresh.say('governor', 'calendar', 'offices', 'DeclareClosure', close('2026-09-05'));
    await stale.say('deputy', 'resolution', 'r', 'GrantExtension', { obligation: 'o1', workingDays: 3, reason: 'x' });
    expect((await story()).at(-1)).toEqual(['ExtensionGranted', now, at('2026-09-06', '14:30')]);
    await fresh.say({ id: 'engine', role: 'engine' }, 'resolution', 'r', 'ReprojectDeadline');
    expect((await story()).at(-1)).toEqual(['DeadlineMoved', now, at('2026-09-07', '14:30')]);
  });
});
