import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { derivedId, type Database, type RecordedEvent } from '#kernel';
import { createSql, MemoryEventStore } from '#stores';
import { noticeDecider, NoticeSender, noticesProjection, type SenderDeps } from '#notices';
import { completeness } from '#apps/completeness';
import { deciders, watches } from '#apps/province';
import { allProjections } from '#apps/read-models';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import {
  establish,
  eventually,
  happened,
  PATIENCE_MS,
  silent,
  TestClock,
  workshop,
  type Workshop,
} from '#test/kit/worker';
import { askId, asking, Waitings, watchesProjection, watchRow } from './index.js';

// Whoever is silent is asked again, and what was solved is looked at again: by a worker that lives, on the province's
// calendar (here every day is a working day), once for each time, until somebody answers.

const projections = [...allProjections, noticesProjection];
const names = [...projections.map(({ name }) => name), 'deadlines'];

describe('what is waited for', () => {
  let db: TestDatabase;
  let database: Database;
  let clock: TestClock;
  let store: MemoryEventStore;
  let shop: Workshop;
  let worker: Awaited<ReturnType<Workshop['start']>>;
  let ask: () => Promise<void>;
  let openImports: string[];
  let letters: string[];

  beforeEach(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    clock = new TestClock();
    clock.set('2026-12-01T06:00:00.000Z');
    store = new MemoryEventStore({ clock });
    shop = workshop({ store, database, clock, deciders: [...deciders, noticeDecider] });
    openImports = [];
    letters = [];
    await establish(shop);
    worker = await shop.start({ projections });
    ask = asking({
      sql: database,
      clock,
      reads: shop.loader,
      province: 'offices',
      openImports: async () => openImports,
    });
  });
  afterEach(async () => {
    await worker.stop();
    await store.close();
    await db.close();
  });

  const settled = async () => {
    while (!(await worker.checkpoints.waitFor(names, await store.head(), PATIENCE_MS)));
  };
  const outbox = async () =>
    (
      await database.query(
        `select recipient, type, resolution, detail from notice_outbox where state = 'waiting' order by queued_at`,
      )
    ).rows;
  /** What is to be asked on this day, at this time of UTC; the offices open at 04:00 and close at 11:00. */
  const askedOn = async (day: string, time = '04:00') => {
    clock.set(`${day}T${time}:00.001Z`);
    await settled();
    await ask();
    return (await outbox()).length;
  };
  const recorded = async (type: string): Promise<RecordedEvent[]> =>
    (await store.readAll('0', 1_000)).events.filter((event) => event.type === type);
  /** Everything in the outbox is told by a sender of its own, and has been seen to be. */
  async function tell(more: Partial<SenderDeps> = {}): Promise<void> {
    const stopping = new AbortController();
    const sender = new NoticeSender({
      sql: database,
      store,
      checkpoints: worker.checkpoints,
      send: (order) => shop.decide(order) as ReturnType<SenderDeps['send']>,
      reads: shop.loader,
      clock,
      webhookSecret: async () => '',
      contacts: new Map([['secretary', ['secretary@p.ir']]]),
      post: { send: async ({ text }) => void letters.push(text), close() {} },
      settling: async () => false,
      log: silent,
      pollMs: 10,
      sweepMs: 100,
      ...more,
    });
    const running = sender.run(stopping.signal);
    await eventually(async () => (await outbox()).length === 0);
    stopping.abort();
    await running;
    await settled();
  }
  const refer = (id = 'r-1-o1-1', workingDays = 10) =>
    shop.say('secretary', 'nationalReferral', id, 'OpenReferral', {
      resolution: 'r-1',
      obligation: 'o1',
      addressee: 'وزارت نفت',
      basis: 'ماده ۶۱',
      chase: { workingDays },
    });
  const close = async (id: string, more: object = {}) => {
    const matter = { channel: 'desk', category: 'investment', title: 'سرمایه‌گذار', statement: 'زمین می‌خواهد.' };
    await shop.say('secretary', 'case', id, 'OpenCase', matter);
    await shop.say('secretary', 'case', id, 'CloseCase', { outcome: 'حل شد', ...more });
  };

  it('a silent ministry is asked every so many working days, each time in a letter that is recorded', async () => {
    await refer();
    expect(await askedOn('2026-12-11', '03:00')).toBe(0);
    expect(await askedOn('2026-12-11')).toBe(1);
    expect(await outbox()).toMatchObject([{ recipient: 'secretary', type: 'ask-again', detail: 'وزارت نفت' }]);
    await tell();
    expect(letters[0]).toContain('وزارت نفت');
    const [opened] = await recorded('ReferralOpened');
    expect((await recorded('NoticeSent')).map(({ data }) => data.events)).toEqual([[derivedId('ask', opened!.id, 1)]]);
    // The next one is counted from the day on which it was asked, however late that was.
    expect(await askedOn('2026-12-20', '10:59')).toBe(0);
    expect(await askedOn('2027-02-03')).toBe(1);
    await tell();
    expect(await askedOn('2027-02-13', '03:00')).toBe(0);
    expect(await askedOn('2027-02-13')).toBe(1);
  });

  it('a closure moves the next time, also when it is declared the evening before', async () => {
    await refer();
    expect(await askedOn('2026-12-10', '16:00')).toBe(0);
    await shop.say('governor', 'calendar', 'offices', 'DeclareClosure', {
      dates: ['2026-12-11'],
      reason: 'برف',
      decree: '۱',
    });
    expect(await askedOn('2026-12-11', '12:00')).toBe(0);
    expect(await askedOn('2026-12-12')).toBe(1);
  });

  it('an answer ends it, even when the letter is waiting already', async () => {
    await refer();
    await refer('r-1-o1-2');
    expect(await askedOn('2026-12-12')).toBe(2);
    await shop.say('secretary', 'nationalReferral', 'r-1-o1-1', 'RecordAnswer', { answer: 'تخصیص یافت' });
    await shop.say('secretary', 'nationalReferral', 'r-1-o1-2', 'CloseReferral', { outcome: 'منتفی شد' });
    expect(await askedOn('2026-12-13')).toBe(0);
    expect(await askedOn('2027-12-13')).toBe(0);
  });

  it('nothing is asked twice, and nothing that was lost stays lost', async () => {
    await refer();
    expect(await askedOn('2026-12-11')).toBe(1);
    // Many workers look at once, and look again.
    await Promise.all(Array.from({ length: 8 }, () => ask()));
    expect(await outbox()).toHaveLength(1);
    // The outbox is lost before anybody was told.
    await database.query('truncate notice_outbox');
    expect(await askedOn('2026-12-11', '05:00')).toBe(1);
    await tell();
    await Promise.all(Array.from({ length: 8 }, () => ask()));
    expect(await outbox()).toEqual([]);
    expect(await recorded('NoticeSent')).toHaveLength(1);
  });

  it('while it does not know yet what was told, it asks nothing', async () => {
    await refer();
    expect(await askedOn('2026-12-11')).toBe(1);
    await tell();
    // As when the table is being rebuilt: it says that nobody was asked, and stands behind the outbox.
    await worker.stop();
    await database.query(`update checkpoints set position = '1' where name = 'watches'`);
    await database.query(
      `update read_watches set doc = (doc - 'lastAt') || jsonb_build_object('ask', $1::text, 'notBefore', '')`,
      [randomUUID()],
    );
    await ask();
    expect(await outbox()).toEqual([]);
  });

  it('what nobody could be told of is recorded as such, and comes again at its time, not at once', async () => {
    await refer();
    expect(await askedOn('2026-12-11')).toBe(1);
    await tell({ contacts: new Map() });
    expect(await recorded('NoticeFailed')).toMatchObject([{ data: { reason: 'no-address', final: true } }]);
    expect(await askedOn('2026-12-20', '10:00')).toBe(0);
    expect(await askedOn('2026-12-21')).toBe(1);
  });

  it('ninety days after a case was closed its outcome is asked for, and again, until it was checked', async () => {
    await close('c-1');
    await close('c-twice', { solved: false });
    expect(await askedOn('2027-03-01', '03:00')).toBe(0);
    expect(await askedOn('2027-03-01')).toBe(1);
    expect(await outbox()).toMatchObject([{ recipient: 'secretary', type: 'check-outcome', resolution: 'c-1' }]);
    await tell();
    expect(letters[0]).toContain('پروندهٔ c-1');
    expect(await askedOn('2027-03-06')).toBe(1);
    await shop.say('expert', 'case', 'c-1', 'RecordOutcomeCheck', { unitOpen: true, jobs: 40, output: 70 });
    expect(await askedOn('2027-06-06')).toBe(0);
  });

  it('of an import nobody is asked while it runs', async () => {
    await shop.decide({
      aggregate: 'nationalReferral',
      id: 'old-o1-1',
      name: 'OpenReferral',
      data: {
        resolution: 'old',
        obligation: 'o1',
        addressee: 'وزارت نیرو',
        basis: 'ماده ۶۱',
        chase: { workingDays: 5 },
      },
      actor: { id: 's-1', role: 'secretary' },
      commandId: randomUUID(),
      at: '2026-06-06T06:00:00.000Z',
      import: 'i-1',
    });
    openImports = ['i-1'];
    expect(await askedOn('2026-12-02')).toBe(0);
    openImports = [];
    expect(await askedOn('2026-12-02')).toBe(1);
  });

  it('every row is compared with the log: lost, invented and altered ones are found', async () => {
    await refer();
    await close('c-1');
    await settled();
    const faults = async () => {
      const { waited, waitingFaults } = await completeness(database, store);
      expect(waited).toBe(2);
      return waitingFaults;
    };
    expect(await faults()).toEqual([]);
    await database.query(`insert into read_watches (id, doc) select 'x', doc from read_watches limit 1`);
    await database.query(`update read_watches set doc = doc || '{"rounds": 7}' where id = 'check-outcome/case-c-1'`);
    await database.query(`delete from read_watches where id like 'ask-again%'`);
    expect(await faults()).toEqual([
      'Nobody waits for x, as the log tells it.',
      'What is waited for as check-outcome/case-c-1 is not what the log gives.',
      'ask-again/nationalReferral-r-1-o1-1 is waited for and would never be asked for.',
    ]);
  });
});

describe('the table of what is waited for', () => {
  let db: TestDatabase;
  beforeAll(async () => void (db = await testDatabase()));
  afterAll(() => db.close());

  // What may happen to a referral and a case; `told` and `lost` end the asking that is the next one just then.
  const STREAMS = ['nationalReferral-r-o1-1', 'oversightReferral-r-o1-2', 'case-c-1'];
  const DEEDS = {
    open: (n: number) =>
      n === 2
        ? happened('CaseClosed', { outcome: 'x' })
        : happened(n === 0 ? 'ReferralOpened' : 'OversightReferralOpened', { resolution: 'r', obligation: 'o1', addressee: 'x', basis: 'x', chase: { workingDays: 5 } }), // prettier-ignore
    end: (n: number) => happened(['AnswerRecorded', 'OversightReferralClosed', 'OutcomeChecked'][n]!),
    duplicate: (n: number) => happened(n === 2 ? 'CaseClosed' : 'ReferralOpened', { outcome: 'x', solved: false, chase: { workingDays: 3 } }), // prettier-ignore
    told: (_: number, asks: string[]) => happened('NoticeSent', { events: asks }),
    lost: (_: number, asks: string[]) => happened('NoticeFailed', { final: true, events: asks }),
    later: (_: number, asks: string[]) => happened('NoticeFailed', { final: false, events: asks }),
  };
  const deed = fc.tuple(fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[])), fc.nat(2), fc.boolean());

  it('is the same in whatever batches the log comes, and is what a fold of all of it gives', async () => {
    const sql = createSql(db.pool);
    const { schema, apply, on } = watchesProjection(watches);
    await db.pool.query(schema);
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 20 }), async (deeds) => {
        const folded = new Waitings(watches);
        await db.pool.query('truncate read_watches');
        let batch: RecordedEvent[] = [];
        for (const [index, [what, n, ends]] of deeds.entries()) {
          const asks = [...folded.all.values()].map(askId);
          const event = { ...DEEDS[what](n, asks), stream: STREAMS[n]!, revision: index, position: `${index}`, recordedAt: '' }; // prettier-ignore
          folded.take(event);
          batch.push(event);
          if (!ends && index < deeds.length - 1) continue;
          await apply(
            batch.filter(({ type }) => on.includes(type)),
            sql,
          );
          batch = [];
        }
        const { rows } = await db.pool.query<{ id: string; doc: object }>('select id, doc from read_watches');
        const expected = [...folded.all].map(([id, waiting]) => [id, JSON.parse(JSON.stringify(watchRow(waiting)))]);
        expect(Object.fromEntries(rows.map(({ id, doc }) => [id, doc]))).toEqual(Object.fromEntries(expected));
      }),
      { numRuns: 60 },
    );
  });
});
