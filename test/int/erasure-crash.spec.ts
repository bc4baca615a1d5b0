import { BEGINNING, Checkpoints, documentsProjection, ERASED, NO_STREAM, Projector, rebuildBeside, Sealed, sealing, type Documents, type Follow } from '#kernel'; // prettier-ignore
import { createSql, PostgresEventStore, SealedEventStore, Vault } from '#stores';
import { eraser } from '#apps/worker/eraser';
import { newEvent } from '#test/contract/event-store.contract';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { PATIENCE_MS, silent } from '#test/kit/worker';

class Body {
  @Sealed() note?: string;
}
const seal = sealing([{ aggregate: 'case', commands: { Do: { data: Body, roles: [], decide: () => [] } } }]);
const notes: Documents<{ notes: string[] }> = {
  table: 'read_notes',
  columns: {},
  on: { Noted: (doc, { data }) => ({ notes: [...(doc?.notes ?? []), data.note] }) },
};
const projection = documentsProjection('notes', 1, [notes]);

let database: TestDatabase;
let store: SealedEventStore;
let follow: Follow;
const rows = async () => (await database.pool.query('select id, doc from read_notes order by id')).rows;
/** Runs the projector until `work` is done and it has seen all of the log. */
async function projecting(work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const running = new Projector('projections', [projection], follow).run(stop.signal);
  try {
    await work();
    expect(await follow.checkpoints.waitFor(['notes'], await store.head(), PATIENCE_MS)).toBe(true);
  } finally {
    stop.abort();
    await running;
  }
}

beforeEach(async () => {
  database = await testDatabase();
  store = new SealedEventStore(new PostgresEventStore(database.pool), new Vault(createSql(database.pool)), seal, true);
  follow = { store, checkpoints: new Checkpoints(createSql(database.pool)), log: silent };
  await follow.checkpoints.prepare(); // whoever waits for the projector may look before it has begun
});
afterEach(() => database.close());

it('read models are made anew under traffic: never empty, nothing lost, nothing twice', async () => {
  let least = 0;
  await projecting(async () => {
    await store.append('case-0', NO_STREAM, [newEvent({ note: 'x' }, 'Noted')]);
    await follow.checkpoints.waitFor(['notes'], await store.head(), PATIENCE_MS);
    const writing = (async () => {
      for (let n = 1; n <= 60; n++) await store.append(`case-${n}`, NO_STREAM, [newEvent({ note: 'x' }, 'Noted')]);
    })();
    let done = false;
    const looking = (async () => {
      while (!done) {
        const now = (await rows()).length;
        expect(now).toBeGreaterThanOrEqual(Math.max(least, 1));
        least = now;
      }
    })();
    for (let times = 0; times < 3; times++) await rebuildBeside([projection], follow);
    await writing;
    done = true;
    await looking;
  });
  expect((await rows()).map(({ doc }) => doc)).toEqual(Array.from({ length: 61 }, () => ({ notes: ['x'] })));
});

it('an erasure that broke off in its middle is finished by the next', async () => {
  const event = newEvent({ note: 'نامی' }, 'Noted');
  await projecting(async () => {
    await store.append('case-1', NO_STREAM, [event]);
    const erased = [{ event: event.id, type: 'Noted', paths: ['note'] }];
    await store.append('erasure-1', NO_STREAM, [newEvent({ stream: 'case-1', erased }, 'DataErased')]);
  });
  expect(await rows()).toEqual([{ id: '1', doc: { notes: ['نامی'] } }]);
  let breaking = true;
  const remember = async () => {
    if (breaking) throw new Error('killed');
  };
  const { handle } = eraser({ ...follow, vault: store.vault, projections: [projection], keys: { remember }, forget() {}, forgetKept: async () => {} }); // prettier-ignore
  const batch = await store.readAll(BEGINNING, 10);
  const signal = new AbortController().signal;
  await expect(handle(batch, signal)).rejects.toThrow('killed');
  expect(await rows()).toEqual([{ id: '1', doc: { notes: ['نامی'] } }]);
  breaking = false;
  for (let times = 0; times < 2; times++) await handle(batch, signal);
  expect(await rows()).toEqual([{ id: '1', doc: { notes: [ERASED] } }]);
  expect((await database.pool.query('select from vault.openings')).rowCount).toBe(0);
});
