import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BEGINNING, NO_STREAM, Refused, StoreUnavailable, WrongRevision } from '#kernel';
import { eventStoreContract, newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { EsdbEventStore } from './esdb.js';

const aggregates = ['case'];
const quick = { aggregates, deadlineMs: 250, patienceMs: 1_500, pollMs: 200 };
const freshStream = () => `case-${randomUUID()}`;

for (const noisy of [false, true]) {
  eventStoreContract(`EventStoreDB${noisy ? ', among the events of others' : ''}`, async () => {
    const double = await new EsdbDouble(noisy).start();
    return {
      open: async () => new EsdbEventStore(double.url, { aggregates }),
      close: async () => double.kill(),
    };
  });
}

describe('EventStoreDB, when things go wrong', () => {
  let double: EsdbDouble;
  let store: EsdbEventStore;

  beforeAll(async () => {
    double = await new EsdbDouble().start();
    store = new EsdbEventStore(double.url, quick);
  });
  afterEach(() => {
    Object.assign(double.faults, {
      mute: false,
      loseAnswer: false,
      frozen: false,
      twice: false,
      notLeader: 0,
      delayMs: 0,
    });
  });
  afterAll(async () => {
    await store.close();
    double.kill();
  });

  it('does not wait for ever on a mute server, and sends the same ids again', async () => {
    double.faults.mute = true;
    const seen = double.appendsSeen;
    await expect(store.append(freshStream(), NO_STREAM, [newEvent()])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(double.appendsSeen).toBeGreaterThan(seen + 1);
  });

  it('counts an append whose answer came too late, or never, as done once', async () => {
    for (const fault of [{ loseAnswer: true }, { delayMs: 400 }]) {
      Object.assign(double.faults, fault);
      const stream = freshStream();
      const events = [newEvent(), newEvent()];
      setTimeout(() => (double.faults.delayMs = 0), 300);
      const appended = await store.append(stream, NO_STREAM, events);
      const read = await store.readStream(stream);
      expect(read.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(appended).toEqual({ revision: 1, position: read[1]!.position });
    }
  });

  it('asks again when another node leads', async () => {
    double.faults.notLeader = 1;
    expect(await store.append(freshStream(), NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
  });

  it('refuses what is over the limit before it is sent', async () => {
    const seen = double.appendsSeen;
    const events = Array.from({ length: 22 }, () => newEvent({ text: 'x'.repeat(48 * 1024) }));
    const refused = await store.append(freshStream(), NO_STREAM, events).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ code: 'too-large', status: 413 });
    expect(double.appendsSeen).toBe(seen);
  });

  it('says StoreUnavailable while the server is killed or frozen, and goes on when it is back', async () => {
    const stream = freshStream();
    const event = newEvent();
    double.kill();
    await expect(store.append(stream, NO_STREAM, [event])).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.readStream(stream)).rejects.toBeInstanceOf(StoreUnavailable);
    await double.start();
    double.faults.frozen = true;
    await expect(store.readAll(BEGINNING, 1)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.head()).rejects.toBeInstanceOf(StoreUnavailable);
    double.faults.frozen = false;
    expect(await store.append(stream, NO_STREAM, [event])).toMatchObject({ revision: 0 });
    await expect(store.append(stream, NO_STREAM, [newEvent()])).rejects.toBeInstanceOf(WrongRevision);
  });

  it('follows on after a kill, each event once although delivered twice, foreign streams left out', async () => {
    double.faults.twice = true;
    let checkpoint = await store.head();
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      while (!stop.signal.aborted) {
        try {
          for await (const { events, position } of store.follow(checkpoint, stop.signal)) {
            seen.push(...events.map(({ id }) => id));
            checkpoint = position;
            if (seen.length === 2) stop.abort();
          }
        } catch (error) {
          expect(error).toBeInstanceOf(StoreUnavailable);
        }
      }
    })();
    const [first, second] = [newEvent(), newEvent()];
    double.foreign('otherApp-1', 'SomethingElse');
    await store.append(freshStream(), NO_STREAM, [first]);
    while (seen.length < 1) await new Promise(setImmediate);
    double.kill();
    await double.start();
    await store.append(freshStream(), NO_STREAM, [second]);
    await following;
    expect(seen).toEqual([first.id, second.id]);
  });

  it('advances past events that are not ours', async () => {
    const head = await store.head();
    for (let n = 0; n < 30; n++) double.foreign();
    const { events, position } = await store.readAll(head, 10);
    expect(events).toEqual([]);
    expect(BigInt(position)).toBeGreaterThan(BigInt(head));
    expect(await store.head()).toBe(head);
  });

  it('keeps to one client a process, and refuses credentials that would be dropped', () => {
    expect(() => new EsdbEventStore('esdb://127.0.0.1:1?tls=false', { aggregates })).toThrow('one EventStoreDB');
    const cluster = 'n1:2113,n2:2113,n3:2113';
    expect(() => new EsdbEventStore(`esdb://a:b@${cluster}`, { aggregates })).toThrow('one EventStoreDB');
    expect(() => new EsdbEventStore(`esdb://a:b@${cluster}?tls=false`, { aggregates })).toThrow('would be dropped');
    expect(() => new EsdbEventStore('esdb://a:b@127.0.0.1:1?tls=false', { aggregates })).toThrow('would be dropped');
  });
});
