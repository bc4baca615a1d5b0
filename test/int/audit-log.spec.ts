import { randomUUID } from 'node:crypto';
import { Checkpoints, Projector, restart, systemClock, type Database } from '#kernel';
import {
  addSignatures,
  consistencyProof,
  cosign,
  COSIGNATURE,
  Frontier,
  leafBytes,
  leafHash,
  merkleLog,
  nodesFrom,
  parseLeaf,
  parseSignedCheckpoint,
  readCheckpoints,
  readHead,
  readTile,
  signClosedDay,
  signerKey,
  signHead,
  verifyConsistency,
  whoSigned,
} from '#audit';
import { createSql, MemoryEventStore } from '#stores';
import { testDatabase } from '#test/kit/postgres';
import { eventually, happened, PATIENCE_MS, silent } from '#test/kit/worker';

const key = signerKey('peygir.example/IR-03', new Uint8Array(32).fill(3));

describe('the Merkle log in PostgreSQL', () => {
  let db: Awaited<ReturnType<typeof testDatabase>>;
  let sql: Database;
  let store: MemoryEventStore;
  let now = '2026-08-25T05:30:00.000Z';

  beforeEach(async () => {
    db = await testDatabase();
    sql = createSql(db.pool);
    store = new MemoryEventStore({ clock: { now: () => now }, step: 3 });
  });
  afterEach(() => db.close());

  const add = async (count: number, type = 'Happened') => {
    for (let i = 0; i < count; i++)
      await store.append(`thing-${randomUUID()}`, -1, [happened(type, { متن: 'ابلاغ شد' })]);
  };
  /** Runs the projector while `wait` waits, and ends it whatever happens. */
  const following = async <T>(wait: (mine: Checkpoints) => Promise<T>): Promise<T> => {
    const mine = new Checkpoints(sql);
    await mine.prepare();
    const stopping = new AbortController();
    const running = new Projector('merkle', [merkleLog(key)], { store, checkpoints: mine, log: silent }).run(
      stopping.signal,
    );
    return wait(mine).finally(() => (stopping.abort(), running));
  };
  const follow = async () => {
    const head = await store.head();
    expect(await following((mine) => mine.waitFor(['merkle'], head, PATIENCE_MS))).toBe(true);
  };
  const rootOfLog = async () => {
    const frontier = Frontier.empty();
    for (const event of (await store.readAll('0', 10_000)).events) frontier.append(leafHash(leafBytes(event)));
    return frontier.root();
  };

  it('has every event as a leaf, whatever the batches were, and every old tree in its tiles', async () => {
    const roots = new Map<number, Uint8Array>();
    for (const more of [1, 254, 1, 1, 520]) {
      await add(more);
      await follow();
      const head = await readHead(sql);
      expect(head.root).toEqual(await rootOfLog());
      roots.set(head.size, head.root);
    }
    expect([...roots.keys()]).toEqual([1, 255, 256, 257, 777]);
    const nodes = nodesFrom(777, (level, index) => readTile(sql, level, index));
    for (const [size, root] of roots) {
      const proof = await consistencyProof(size, 777, nodes);
      expect(verifyConsistency(size, 777, proof, root, roots.get(777)!)).toBe(true);
    }
  });

  it('commits itself at signed minutes, at communications, at the end of a day and on demand, and keeps them all', async () => {
    await add(1, 'MinutesSigned');
    await add(2);
    await add(1, 'ResolutionCommunicated');
    now = '2026-08-25T20:29:59.000Z';
    await add(1);
    now = '2026-08-25T20:30:00.000Z'; // midnight in Tehran
    await add(1);
    await follow();
    await signHead(sql, key);
    const all = await readCheckpoints(sql, 0, 100);
    expect(all.map(({ size, reason }) => [size, reason])).toEqual([
      [1, 'MinutesSigned'],
      [4, 'ResolutionCommunicated'],
      [5, 'day'],
      [6, 'demand'],
    ]);
    for (const { note } of all) expect((await whoSigned(parseSignedCheckpoint(note).note, [key])).by).toEqual([key]);
    expect(await signHead(sql, key)).toEqual(all.at(-1));
  });

  it('closes the day when the offices do, by their calendar as it is known, and on no day off', async () => {
    const week = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30' };
    const calendar = {
      zone: 'Asia/Tehran',
      week: { ...week, thu: null, fri: null },
      holidays: [],
      validFrom: '2026-03-21',
    };
    const change = async (revision: number, type: string, data: object) =>
      store.append('calendar-offices', revision, [happened(type, data)]);
    await change(-1, 'CalendarDefined', calendar); // Tuesday 09:00
    await add(1);
    now = '2026-08-25T10:59:59.999Z'; // a millisecond before 14:30
    await add(1);
    await follow();
    expect(await signClosedDay(sql, key, '2026-08-25T10:59:59.999Z')).toBeUndefined();
    // Nobody works any more, and no event has to come for the day to be closed.
    expect(await signClosedDay(sql, key, '2026-08-25T11:00:30.000Z')).toMatchObject({ size: 3, reason: 'day' });
    expect(await signClosedDay(sql, key, '2026-08-25T11:01:30.000Z')).toBeUndefined();
    now = '2026-08-26T05:00:00.000Z'; // Wednesday; it is closed at once
    await change(0, 'ClosureDeclared', { dates: ['2026-08-26'], reason: 'گرما', decree: '۱' });
    now = '2026-08-28T12:00:00.000Z'; // Friday
    await add(1);
    now = '2026-08-29T11:00:00.000Z'; // Saturday, closing time
    await add(1);
    await follow();
    const days = (await readCheckpoints(sql, 0, 100)).filter(({ reason }) => reason === 'day');
    expect(days.map(({ size }) => size)).toEqual([3, 5]);
  });

  it('keeps what witnesses add', async () => {
    await add(3);
    await follow();
    const { note } = await signHead(sql, key);
    const witness = signerKey('w.example/1', new Uint8Array(32).fill(9), COSIGNATURE);
    const { text } = parseSignedCheckpoint(note).note;
    const cosigned = await addSignatures(sql, 3, [cosign(text, witness, 1)]);
    await addSignatures(sql, 3, [cosign(text, witness, 2)]);
    expect((await readCheckpoints(sql, 3, 3))[0]!.note).toBe(cosigned);
    expect((await whoSigned(parseSignedCheckpoint(cosigned).note, [key, witness])).by).toEqual([key, witness]);
  });

  it('is the same after a rebuild, and stops when the log is not what was signed', async () => {
    await add(2);
    await add(1, 'ResolutionCommunicated');
    await add(300);
    await follow();
    const before = await readHead(sql);
    await sql.transaction((within) => restart(merkleLog(key), within));
    await follow();
    expect(await readHead(sql)).toEqual(before);

    // Somebody who owns the database tells another history of the same length.
    store = new MemoryEventStore({ clock: systemClock, step: 3 });
    await add(400);
    await sql.transaction((within) => restart(merkleLog(key), within));
    const trouble = await following((mine) =>
      eventually(async () => (await mine.read(['merkle'])).get('merkle')?.error),
    );
    expect(trouble).toContain('the tree of its first 3 events had another root');
  });

  it('reads back the event of a leaf, and refuses what is not in canonical form', async () => {
    await add(1);
    const event = (await store.readAll('0', 1)).events[0]!;
    const leaf = leafBytes(event);
    expect(parseLeaf(leaf)).toEqual(event);
    const text = new TextDecoder().decode(leaf);
    for (const wrong of [
      ` ${text}`,
      text.replace('{', '{"a":1,'),
      text.replace('"revision":0', '"revision":0,"revision":0'),
      text.replace('"revision":0', '"revision":-1'),
      'null',
      '[]',
      '',
      '{'.repeat(30_000),
    ])
      expect(() => parseLeaf(new TextEncoder().encode(wrong))).toThrow();
    expect(() => leafBytes({ ...event, data: { text: 'x'.repeat(66_000) } })).toThrow('a leaf holds 65535');
  });
});
