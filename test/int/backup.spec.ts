import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Checkpoints, ENGINE, systemClock, type Projection } from '#kernel';
import { deadlines } from '#resolutions';
import { createSql, openJobs, PostgresEventStore } from '#stores';
import { backup, isServed, restore, type Backed } from '#apps/backup';
import { completeness } from '#apps/completeness';
import { allProjections } from '#apps/read-models';
import { POLICY_REFUSALS } from '#apps/worker/policies';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { communicate, establish, eventually, silent, TestClock, told, workshop } from '#test/kit/worker';

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
  return { address: db.connection, checkpoints, province: 'IR-03', dataDir };
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
  await from.checkpoints.waitFor([...all.map(({ name }) => name), 'policies'], await store.head(), 20_000);
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
    expect(a).toEqual(b);
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
    ['of a later format', (text: string) => text.replace('"format":1', '"format":2'), 'The backup has format 2; this release reads format 1.'], // prettier-ignore
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
