import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BEGINNING, Checkpoints, ENGINE, ERASED, NO_STREAM, prepareProjections, sealing, systemClock, type Jobs, type Projection } from '#kernel'; // prettier-ignore
import { directoryProjection } from '#directory';
import { deadlines } from '#resolutions';
import { createSql, openEsdb, openJobs, PostgresEventStore, SealedEventStore, Vault } from '#stores';
import { backup, isServed, restore, type Backed } from '#apps/backup';
import { BadBackup } from '#apps/backup-file';
import { BackupKeys } from '#apps/backup-keys';
import { completeness } from '#apps/completeness';
import { deciders } from '#apps/province';
import { allProjections } from '#apps/read-models';
import { POLICY_REFUSALS } from '#apps/worker/policies';
import type { RunningWorker } from '#apps/worker/worker';
import { newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { snapshotOf, testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, PATIENCE_MS, silent, TestClock, told, workshop } from '#test/kit/worker';

const all: readonly Projection[] = [...allProjections, deadlines()];
let folder: string;
let source: TestDatabase;
let from: Backed;
let file: string;

const open = async (db: TestDatabase, dataDir: string): Promise<Backed> => {
  const database = createSql(db.pool);
  const checkpoints = new Checkpoints(database);
  await checkpoints.prepare();
  await database.query(POLICY_REFUSALS);
  return { address: db.connection, checkpoints, province: 'IR-03', dataDir, keysDir: join(folder, 'keys') };
};
const put = (to: Backed, what = file, projections = all) =>
  restore(what, to, { projections: async () => projections, subscribers: ['policies'], log: silent });
const dump = async ({ pool }: TestDatabase, table: string, order: string) =>
  (await pool.query(`select t::text from ${table} t order by ${order}`)).rows;

/** Two resolutions, one of them reminded and missed; then a backup, and nothing after it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peygir-backup-'));
  file = join(folder, 'a.peygir');
  source = await testDatabase();
  from = await open(source, await mkdtemp(join(folder, 'data-')));
  await writeFile(join(from.dataDir!, 'hash.key'), 'secret', { mode: 0o600 });
  const clock = new TestClock();
  clock.set('2026-08-25T06:00:00.000Z');
  const store = new PostgresEventStore(source.pool);
  const shop = workshop({ store, database: from.checkpoints.db, clock });
  const worker = await shop.start({ checkpoints: from.checkpoints, projections: allProjections });
  await establish(shop);
  await communicate(shop, 'r-1');
  await communicate(shop, 'r-2', { workingDays: 300 });
  clock.set('2026-08-30T11:00:01.000Z');
  await shop.say(ENGINE, 'resolution', 'r-1', 'FireRung');
  await from.checkpoints.waitFor([...all.map(({ name }) => name), 'policies'], await store.head(), PATIENCE_MS);
  expect(await isServed(from.checkpoints.db)).toBe(true);
  await backup(file, from);
  await worker.stop();
});
afterAll(async () => {
  await source.close();
  await rm(folder, { recursive: true });
});

describe('a backup', () => {
  it('is a file of its owner, whole or not there', async () => {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).not.toContain('a.peygir.partial');
    const nowhere = join(folder, 'none', 'b.peygir');
    await expect(backup(nowhere, from)).rejects.toThrow('ENOENT');
  });

  it('of an equal log has an equal hash', async () => {
    const [a, b] = [await backup(join(folder, 'b.peygir'), from), await backup(join(folder, 'c.peygir'), from)];
    expect(a.id).not.toBe(b.id);
    expect(a).toEqual({ ...b, id: a.id, expiresAt: a.expiresAt });
    expect(a).toMatchObject({ events: 8, head: '8', logSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });
});

describe('restored into an empty deployment', () => {
  let target: TestDatabase;
  let to: Backed;
  beforeEach(async () => {
    target = await testDatabase();
    to = await open(target, await mkdtemp(join(folder, 'data-')));
  });
  afterEach(() => target.close());

  it('the log, what was made of it, and the keys are what they were', async () => {
    expect(await put(to)).toMatchObject({ events: 8, head: '8', rebuilt: [] });
    for (const [table, order] of [
      ['log.events', 'position'],
      ['log.head', '1'],
      ['due', 'stream'],
      ['clocks', 'stream'],
      ['checkpoints', 'name'],
      ['read_obligations', '1'],
      ['(select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint)', 'conrelid, conname'],
      [`(select indexdef from pg_indexes where schemaname in ('log', 'vault', 'public'))`, '1'],
    ] as const) {
      // prettier-ignore
      const rows = await dump(target, table, order);
      expect(rows).toEqual(await dump(source, table, order));
      expect(rows.length).toBeGreaterThan(0);
    }
    expect(await readFile(join(to.dataDir!, 'hash.key'), 'utf8')).toBe('secret');
    expect((await stat(join(to.dataDir!, 'hash.key'))).mode & 0o777).toBe(0o600);
    const { faults, openObligations } = await completeness(to.checkpoints.db, new PostgresEventStore(target.pool));
    expect({ faults, openObligations }).toEqual({ faults: [], openObligations: 2 });
  });

  it('what had fired never fires again, and what fell due since then does, once', async () => {
    await put(to);
    const store = new PostgresEventStore(target.pool);
    const before = await told(store, 'r-1');
    expect(before).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
    const jobs = await openJobs({ postgres: target.connection }, silent);
    const shop = workshop({ store, database: to.checkpoints.db, clock: systemClock, jobs });
    const worker = await shop.start({ checkpoints: to.checkpoints, projections: allProjections });
    try {
      await eventually(async () => (await told(store, 'r-1')).includes('ObligationEscalated inspection'));
      const now = await told(store, 'r-1');
      expect(now.slice(0, 2)).toEqual(before);
      expect(new Set(now).size).toBe(now.length);
    } finally {
      await worker.stop();
    }
  });

  it('a read model that this release makes otherwise is made anew from the log', async () => {
    const newer = all.map((each) => (each.name === 'cases' ? { ...each, version: each.version + 1 } : each));
    expect((await put(to, file, newer)).rebuilt).toEqual(['cases']);
    const standing = await to.checkpoints.read();
    expect(standing.get('cases')!.position).toBe('0');
    expect(standing.get('deadlines')!.position).toBe('8');
    expect(standing.get('policies')!.position).toBe('8');
  });

  it('one that this release does not have is left out, and starts anew should it come back', async () => {
    expect(await put(to, file, all.filter(({ name }) => name !== 'visits'))).toMatchObject({ rebuilt: [] }); // prettier-ignore
    expect((await to.checkpoints.read()).has('visits')).toBe(false);
  });

  const changed = async (change: (text: string) => string) => {
    const bad = join(folder, 'bad.peygir');
    await writeFile(bad, gzipSync(change(gunzipSync(await readFile(file)).toString())));
    return put(to, bad);
  };
  it.each([
    ['changed', (text: string) => text.replace('متن مصوبه', 'متن دیگر'), 'The backup was changed after it was made.'],
    ['cut short', (text: string) => text.slice(0, text.length / 2), 'The backup ends too early.'],
    ['of another kind', () => '{"a":1}\n', 'This is not a backup of peygir.'],
    ['of a later format', (text: string) => text.replace('"format":2', '"format":3'), 'The backup has format 3; this release reads formats 1 and 2.'], // prettier-ignore
    ['of another province', (text: string) => text.replace('IR-03', 'IR-04'), 'The backup is of IR-04; this deployment serves IR-03.'], // prettier-ignore
  ])('one that is %s is refused and leaves nothing behind', async (_, change, sentence) => {
    await expect(changed(change)).rejects.toThrow(sentence);
    expect(await dump(target, 'log.events', 'position')).toEqual([]);
    expect(await dump(target, 'log.head', '1')).toEqual([{ t: '(0)' }]);
    expect(await readdir(to.dataDir!)).toEqual([]);
  });

  it('one that is no gzip, or cut in its middle, is refused too', async () => {
    const bad = join(folder, 'bad.peygir');
    await writeFile(bad, 'hello');
    await expect(put(to, bad)).rejects.toThrow('This is not a backup of peygir.');
    const bytes = await readFile(file);
    await writeFile(bad, bytes.subarray(0, bytes.length - 100));
    await expect(put(to, bad)).rejects.toThrow(/^The backup (cannot be read|ends too early)/);
    expect(await dump(target, 'log.events', 'position')).toEqual([]);
  });

  it('nothing is put over a log, or between the keys of another', async () => {
    await put(to);
    await expect(put(to)).rejects.toThrow('There is a log already');
    const other = await testDatabase();
    try {
      const there = await open(other, to.dataDir!);
      await writeFile(join(to.dataDir!, 'hash.key'), 'of another');
      await expect(put(there)).rejects.toThrow(`hash.key is another deployment's.`);
      expect(await dump(other, 'log.events', 'position')).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

describe('what is personal in a backup', () => {
  const legalId = '10380284790';
  let home: TestDatabase;
  let away: TestDatabase;
  let own: Backed;
  let to: Backed;
  let keys: BackupKeys;
  let saved: Awaited<ReturnType<typeof backup>>;
  const copy = () => join(own.dataDir!, 'personal.peygir');
  const sealed = (db: TestDatabase) =>
    new SealedEventStore(new PostgresEventStore(db.pool), new Vault(createSql(db.pool)), sealing(deciders), true);
  const read = async (db: TestDatabase) => (await sealed(db).readStream('unit-u-1'))[0]!.data.legalId;

  beforeEach(async () => {
    [home, away] = [await testDatabase(), await testDatabase()];
    own = await open(home, await mkdtemp(join(folder, 'data-')));
    to = await open(away, await mkdtemp(join(folder, 'data-')));
    own.keysDir = to.keysDir = join(own.dataDir!, 'backup-keys');
    keys = new BackupKeys(own.keysDir);
    const event = newEvent({ name: 'نساجی', legalId, size: 'small', classes: [], sector: 'textile' }, 'UnitRegistered');
    const registered = { ...event, metadata: { ...event.metadata, command: 'RegisterUnit' } };
    const store = sealed(home);
    const { position } = await store.append('unit-u-1', NO_STREAM, [registered]);
    await prepareProjections(all, { checkpoints: own.checkpoints, log: silent });
    await directoryProjection.apply((await store.readAll(BEGINNING, 9)).events, own.checkpoints.db);
    await own.checkpoints.db.query('update checkpoints set position = $1', [position]);
    saved = await backup(copy(), own, 60);
  });
  afterEach(() => Promise.all([home.close(), away.close()]));

  it('opens with a key that is not in it, and comes back', async () => {
    const text = gunzipSync(await readFile(copy())).toString('latin1');
    expect(text).toContain('unit-u-1');
    expect(text).not.toContain(legalId);
    expect(text).not.toContain(Buffer.from(legalId).toString('hex'));
    expect((await stat(join(own.keysDir, `${saved.id}.json`))).mode & 0o777).toBe(0o600);
    expect(await put(to, copy())).toMatchObject({ opened: true, forgotten: 0, rebuilt: [] });
    expect(await read(away)).toBe(legalId);
    const [unit] = await dump(away, 'read_units', '1');
    expect(unit.t).toContain(legalId);
  });

  it('is gone with its key, when its time has come; the rest is not', async () => {
    expect(await keys.expire(saved.expiresAt.replace(/^2/, '1'))).toBe(0);
    expect(await keys.expire(saved.expiresAt)).toBe(1);
    await expect(put(to, copy())).rejects.toThrow(`The key ${saved.id} of what is sealed in this backup is not in`);
    expect((await sealed(away).readAll(BEGINNING, 1)).events).toEqual([]);
    const followers = { projections: async () => all, subscribers: [], log: silent };
    const found = await restore(copy(), to, followers, { withoutSealed: true });
    expect(found).toMatchObject({ opened: false, events: 1, rebuilt: expect.arrayContaining(['directory', 'search']) });
    expect(found.rebuilt).not.toContain('deadlines');
    expect(await read(away)).toBe(ERASED);
    expect(await dump(away, 'read_units', '1')).toEqual([]);
  });

  it('does not bring back what was erased since, and its key ends sooner', async () => {
    const { vault } = sealed(home);
    const { id } = (await sealed(home).readStream('unit-u-1'))[0]!;
    await vault.erase([{ event: id, path: 'legalId' }], 'erasure-e-1');
    await keys.remember(await vault.erased());
    const [key] = await keys.all();
    expect(Date.parse(key!.expiresAt) - Date.parse(key!.takenAt)).toBeLessThan(31 * 86_400_000);
    const found = await put(to, copy());
    expect(found).toMatchObject({ opened: true, forgotten: 1, rebuilt: expect.arrayContaining(['directory']) });
    expect(await read(away)).toBe(ERASED);
    expect(await dump(away, 'read_units', '1')).toEqual([]);
    expect(await new Vault(createSql(away.pool)).erased()).toMatchObject([{ event: id, erasure: 'erasure-e-1' }]);
  });

  it('is not opened where nobody kept account of erasures, nor when it was changed', async () => {
    await rm(join(own.keysDir, 'erasures.json'));
    await expect(put(to, copy())).rejects.toThrow('no account of what was erased');
    await keys.remember([]);
    const other = await keys.make('2026-01-01T00:00:00.000Z');
    await writeFile(join(own.keysDir, `${saved.id}.json`), JSON.stringify({ ...other, id: saved.id }));
    await expect(put(to, copy())).rejects.toThrow(BadBackup);
    expect((await sealed(away).readAll(BEGINNING, 1)).events).toEqual([]);
  });
});

it('a database of an earlier moment goes on beside a log of a later one, and nothing that has fired fires again', async () => {
  const [before, log] = await Promise.all([testDatabase(), new EsdbDouble(true).start()]);
  const inner = await openEsdb(log.url, { aggregates: deciders.map(({ aggregate }) => aggregate), pollMs: 50 });
  const clock = new TestClock();
  clock.set('2026-08-25T06:00:00.000Z');
  const opened = (db: TestDatabase) => {
    const database = createSql(db.pool);
    const store = new SealedEventStore(inner, new Vault(database), sealing(deciders), false);
    const checkpoints = new Checkpoints(database);
    const names = [...all.map(({ name }) => name), 'policies'];
    const caughtUp = async () => checkpoints.waitFor(names, await store.head(), 20_000);
    return { store, database, checkpoints, caughtUp, shop: workshop({ store, database, clock }) };
  };
  const first = opened(before);
  const worker = await first.shop.start({ checkpoints: first.checkpoints, projections: allProjections });
  await establish(first.shop);
  await communicate(first.shop, 'r-1');
  await communicate(first.shop, 'r-2', { workingDays: 300 });
  await first.caughtUp();
  await worker.stop();
  const after = await snapshotOf(before);
  let going: RunningWorker | undefined;
  try {
    // The province goes on until the log is copied, and the vault after it.
    clock.set('2026-08-30T11:00:01.000Z');
    await first.shop.say(ENGINE, 'resolution', 'r-1', 'FireRung');
    const facts = { channel: 'desk', category: 'gas', title: 'کوره', statement: 'کوره خاموش است' };
    await first.shop.say('secretary', 'case', 'c-1', 'OpenCase', facts);
    const fired = await told(first.store, 'r-1');
    expect(fired).toEqual(['AgencyReminded remind', 'DeadlineMissed due']);
    const { rows } = await before.pool.query('select json_agg(o)::text as openings from vault.openings o');
    await after.pool.query(
      'insert into vault.openings select * from json_populate_recordset(null::vault.openings, $1) on conflict do nothing',
      [rows[0].openings],
    );

    const then = opened(after);
    let alarms = 0;
    let fire: Parameters<Jobs['process']>[0];
    const jobs: Jobs = {
      process: (handler) => void (fire = handler),
      addBulk: async (added) => {
        for (const { data } of added) await fire(data);
        alarms += added.length;
      },
      close: async () => {},
    };
    going = await then.shop.start({ checkpoints: then.checkpoints, projections: allProjections, jobs });
    await then.caughtUp();
    await eventually(async () => alarms > 0); // the old table says that r-1 is due
    expect(await told(then.store, 'r-1')).toEqual(fired);
    expect((await then.store.readStream('case-c-1'))[0]!.data).toMatchObject(facts);
    const { faults } = await completeness(then.database, then.store);
    expect(faults).toEqual([]);
  } finally {
    await going?.stop();
    await inner.close();
    log.kill();
    await Promise.all([before.close(), after.close()]);
  }
});
