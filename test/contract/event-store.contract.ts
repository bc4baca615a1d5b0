import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BEGINNING,
  comparePositions,
  ENGINE,
  NO_STREAM,
  WrongRevision,
  type Batch,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
} from '#kernel';

export const newEvent = (data: unknown = {}, type = 'CaseOpened'): NewEvent => ({
  id: randomUUID(),
  type,
  data,
  metadata: {
    commandId: randomUUID(),
    command: 'Do',
    commandHash: 'f00d',
    correlationId: randomUUID(),
    causationId: randomUUID(),
    actor: ENGINE,
    province: 'IR-03',
    occurredAt: '2026-08-25T05:30:00.000Z',
    schemaVersion: 1,
  },
});

/** What one log is made of for the suite: several stores are several processes that write the same log. */
export interface LogUnderTest {
  open(): Promise<EventStore>;
  close(): Promise<void>;
}

const ids = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const positionsOf = (events: readonly RecordedEvent[]) => events.map(({ position }) => position);

/** A batch's position may be past its last event: what is not ours was read too. */
const expectAtLeast = (position: string, least: string) =>
  expect(comparePositions(position, least)).toBeGreaterThanOrEqual(0);

async function wholeLog(store: EventStore, limit = 100): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = [];
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, limit);
    all.push(...events);
    if (position === after) return all;
    after = position;
  }
}

/** Reads batches of `follow` until `count` events came, then aborts it. */
async function followed(store: EventStore, after: string, count: number, limit?: number): Promise<Batch[]> {
  const stop = new AbortController();
  const batches: Batch[] = [];
  let seen = 0;
  for await (const batch of store.follow(after, stop.signal, limit)) {
    batches.push(batch);
    seen += batch.events.length;
    if (seen >= count) stop.abort();
  }
  return batches;
}

/**
 * The promises of {@link EventStore}, asked of one implementation. `aggregate`: whose streams it writes, of which the log
 * has none yet.
 */
export function eventStoreContract(name: string, start: () => Promise<LogUnderTest>, aggregate = 'case'): void {
  const freshStream = () => `${aggregate}-${randomUUID()}`;
  describe(`event store contract: ${name}`, () => {
    let log: LogUnderTest;
    let store: EventStore;
    let other: EventStore;

    beforeAll(async () => {
      log = await start();
      store = await log.open();
      other = await log.open();
    });
    afterAll(async () => {
      await Promise.all([store.close(), other.close()]);
      await log.close();
    });

    it('begins empty', async () => {
      expect(await store.head()).toBe(BEGINNING);
      expect((await store.readAll(BEGINNING, 10)).events).toEqual([]);
      expect(await store.readStream(freshStream())).toEqual([]);
    });

    it('appends to a new stream and gives back what was appended, in full', async () => {
      const stream = freshStream();
      const events = [newEvent({ title: 'نخست' }), newEvent({ n: 2 }, 'CaseReviewed')];
      const before = Date.now();
      const { revision, position } = await store.append(stream, NO_STREAM, events);
      expect(revision).toBe(1);
      const read = await store.readStream(stream);
      expect(read).toMatchObject(events.map((event, index) => ({ ...event, stream, revision: index })));
      expect(read[1]!.position).toBe(position);
      expect(comparePositions(read[0]!.position, position)).toBeLessThan(0);
      for (const { recordedAt } of read) {
        expect(recordedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        expect(Math.abs(Date.parse(recordedAt) - before)).toBeLessThan(60_000);
      }
      expect(await store.head()).toBe(position);
      const page = await store.readAll(BEGINNING, 1000);
      expect(page.events.slice(-2)).toEqual(read);
      expectAtLeast(page.position, position);
    });

    it('continues a stream at its exact revision, and reads it from there', async () => {
      const stream = freshStream();
      const [first, second, third] = [newEvent(), newEvent(), newEvent()];
      await store.append(stream, NO_STREAM, [first]);
      const { revision } = await other.append(stream, 0, [second, third]);
      expect(revision).toBe(2);
      expect(ids(await store.readStream(stream, 1))).toEqual([second.id, third.id]);
      expect(await store.readStream(stream, 3)).toEqual([]);
    });

    it('reads many streams at once, each from its own revision to its own end', async () => {
      const streams = await Promise.all(
        Array.from({ length: 120 }, async (_, n) => {
          const stream = freshStream();
          const events = Array.from({ length: n % 4 }, (_unused, at) => newEvent({ n, at }));
          if (events.length > 0) await store.append(stream, NO_STREAM, events);
          return { stream, events };
        }),
      );
      const read = await Promise.all(
        streams.flatMap(({ stream }) => [other.readStream(stream), other.readStream(stream, 1)]),
      );
      expect(read.map(ids)).toEqual(streams.flatMap(({ events }) => [ids(events), ids(events.slice(1))]));
    });

    it.each([
      ['before the end', 0],
      ['past the end', 5],
      ['no stream', NO_STREAM],
    ])('refuses a wrong revision: %s', async (_name, expected) => {
      const stream = freshStream();
      const there = [newEvent(), newEvent()];
      await store.append(stream, NO_STREAM, there);
      const head = await store.head();
      const refused = await store.append(stream, expected, [newEvent()]).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(WrongRevision);
      expect(refused).toMatchObject({ stream, expected });
      expect(ids(await store.readStream(stream))).toEqual(ids(there));
      expect(await store.head()).toBe(head);
    });

    it('refuses an exact revision of a stream that does not exist', async () => {
      await expect(store.append(freshStream(), 0, [newEvent()])).rejects.toBeInstanceOf(WrongRevision);
    });

    it('answers an append that already stands as the first time, also when the stream has grown since', async () => {
      const stream = freshStream();
      const events = [newEvent(), newEvent()];
      const first = await store.append(stream, NO_STREAM, events);
      expect(await other.append(stream, NO_STREAM, events)).toEqual(first);
      await store.append(stream, 1, [newEvent()]);
      expect(await store.append(stream, NO_STREAM, events)).toEqual(first);
      expect(await store.readStream(stream)).toHaveLength(3);
    });

    it('refuses what stands only in part', async () => {
      const stream = freshStream();
      const [a, b] = [newEvent(), newEvent()];
      await store.append(stream, NO_STREAM, [a]);
      await expect(store.append(stream, NO_STREAM, [a, b])).rejects.toBeInstanceOf(WrongRevision);
      expect(ids(await store.readStream(stream))).toEqual([a.id]);
    });

    it('keeps Persian, emoji, quotes, deep and empty values, and numbers as they were', async () => {
      const data = {
        متن: 'پیگیری مصوبهٔ جلسهٔ نهم\u200c، ۲۱٬۰۰۰ 👩‍🏭 "«»" \\ \n\t{}',
        z: 1,
        a: [null, true, '', [], {}, -0.5, 1e21, 12345678901234, 0.1],
        m: { nested: { deeper: [{ y: 2, b: 1 }] } },
        empty: '',
      };
      const stream = freshStream();
      await store.append(stream, NO_STREAM, [newEvent(data, 'رویداد')]);
      const [read] = await store.readStream(stream);
      expect(read!.data).toEqual(data);
      expect(JSON.stringify(read!.data)).toBe(JSON.stringify(data));
      expect(read!.type).toBe('رویداد');
    });

    it('keeps events of the greatest size', async () => {
      const text = 'ی'.repeat(23 * 1024); // 46 KiB of UTF-8
      const stream = freshStream();
      await store.append(
        stream,
        NO_STREAM,
        Array.from({ length: 10 }, () => newEvent({ text })),
      );
      const read = await store.readStream(stream);
      expect(read).toHaveLength(10);
      expect(read.every(({ data }) => (data as { text: string }).text === text)).toBe(true);
    });

    it('lets exactly one of many writers of the same revision win', async () => {
      const stream = freshStream();
      const tries = Array.from({ length: 100 }, (_, n) => [newEvent({ n }), newEvent({ n })]);
      const outcomes = await Promise.allSettled(
        tries.map((events, n) => (n % 2 ? store : other).append(stream, NO_STREAM, events)),
      );
      const won = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
      expect(won).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(WrongRevision);
      }
      expect(ids(await store.readStream(stream))).toEqual(ids(tries[won[0]!]!));
    });

    it('takes a hundred streams at once, each append in one run of the log', async () => {
      const before = await store.head();
      const work = Array.from({ length: 100 }, (_, n) => ({
        stream: freshStream(),
        events: [newEvent({ n }), newEvent({ n }), newEvent({ n })],
      }));
      const answers = await Promise.all(
        work.map(({ stream, events }, n) => (n % 2 ? store : other).append(stream, NO_STREAM, events)),
      );
      const { events } = await store.readAll(before, 1000);
      expect(events).toHaveLength(300);
      expect(positionsOf(events)).toEqual(positionsOf(events).toSorted(comparePositions));
      expect(new Set(positionsOf(events)).size).toBe(300);
      work.forEach(({ stream, events: appended }, n) => {
        const at = events.findIndex((event) => event.stream === stream);
        const run = events.slice(at, at + 3);
        expect(ids(run)).toEqual(ids(appended));
        expect(run.map(({ revision }) => revision)).toEqual([0, 1, 2]);
        expect(run[2]!.position).toBe(answers[n]!.position);
      });
    });

    it('never shows an event at or before a position that was read, whatever several writers do', async () => {
      const stop = new AbortController();
      const start = await store.head();
      const seen: RecordedEvent[] = [];
      const reader = (async () => {
        for await (const { events, position } of other.follow(start, stop.signal, 7)) {
          seen.push(...events);
          expectAtLeast(position, events.at(-1)?.position ?? start);
          if (seen.length >= 400) stop.abort();
        }
      })();
      const writer = async (to: EventStore) => {
        const stream = freshStream();
        for (let revision = -1; revision < 99; revision++) await to.append(stream, revision, [newEvent({ revision })]);
      };
      await Promise.all([writer(store), writer(other), writer(store), writer(other)]);
      await reader;
      const all = (await wholeLog(store)).filter(({ position }) => comparePositions(position, start) > 0);
      expect(ids(seen)).toEqual(ids(all));
    });

    it('pages through the whole log, never more than asked for, and stays at the end', async () => {
      const all = await wholeLog(store, 1000);
      expect(ids(await wholeLog(store, 3))).toEqual(ids(all));
      const page = await store.readAll(all[4]!.position, 3);
      expect(ids(page.events)).toEqual(ids(all.slice(5, 8)));
      expectAtLeast(page.position, all[7]!.position);
      expect((await store.readAll(page.position, 1)).events[0]!.id).toBe(all[8]!.id);
      const head = await store.head();
      const end = await store.readAll(head, 3);
      expect(end.events).toEqual([]);
      expectAtLeast(end.position, head);
    });

    it('follows from a checkpoint, exclusively, in batches of at most the limit, and waits for more', async () => {
      const stream = freshStream();
      const early = [newEvent(), newEvent(), newEvent(), newEvent()];
      const late = [newEvent(), newEvent()];
      await store.append(stream, NO_STREAM, early);
      const [first] = await store.readStream(stream);
      const following = followed(store, first!.position, 5, 2);
      await other.append(stream, 3, late);
      const batches = await following;
      expect(ids(batches.flatMap(({ events }) => events))).toEqual([...ids(early.slice(1)), ...ids(late)]);
      expect(Math.max(...batches.map(({ events }) => events.length))).toBeLessThanOrEqual(2);
      for (const { events, position } of batches) {
        expectAtLeast(position, events.at(-1)?.position ?? BEGINNING);
      }
    });

    it('ends quietly when aborted: before it starts, while it waits, and in the middle of a batch', async () => {
      const aborted = AbortSignal.abort();
      for await (const _ of store.follow(BEGINNING, aborted)) throw new Error('nothing may come');
      const waiting = new AbortController();
      const waited = (async () => {
        for await (const { events } of store.follow(await store.head(), waiting.signal)) expect(events).toEqual([]);
      })();
      setImmediate(() => waiting.abort());
      await waited;
      expect(await followed(store, BEGINNING, 1, 1)).toHaveLength(1);
    });

    it('reads a stream of more than two thousand events in order', async () => {
      const stream = freshStream();
      const events = Array.from({ length: 2_100 }, () => newEvent());
      for (let n = 0; n < events.length; n += 700) await store.append(stream, n - 1, events.slice(n, n + 700));
      expect(ids(await store.readStream(stream))).toEqual(ids(events));
      expect(ids(await other.readStream(stream, 2_098))).toEqual(ids(events.slice(2_098)));
    });
  });
}
