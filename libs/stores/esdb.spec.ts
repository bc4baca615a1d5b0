import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BEGINNING, NO_STREAM, Refused, StoreUnavailable, WrongRevision } from '#kernel';
import { eventStoreContract, newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { needs } from '#test/kit/needs';
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
      wrongVersion: 0,
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

  it('believes the server about a revision, once', async () => {
    double.faults.wrongVersion = 1;
    const stream = freshStream();
    await expect(store.append(stream, NO_STREAM, [newEvent()])).rejects.toBeInstanceOf(WrongRevision);
    expect(await store.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
  });

  it('says so when somebody deleted a stream by hand, and reads the log on past what that left', async () => {
    const start = await store.head();
    const [soft, hard, cut] = [freshStream(), freshStream(), freshStream()];
    for (const stream of [soft, hard, cut]) await store.append(stream, NO_STREAM, [newEvent(), newEvent()]);
    double.delete(soft, 'soft');
    double.delete(hard, 'hard');
    double.delete(cut, { before: 1 });
    expect(await store.readStream(soft)).toEqual([]);
    await expect(store.readStream(hard)).rejects.toThrow(
      `${hard} was tampered with in the event store: it is deleted.`,
    );
    await expect(store.append(hard, 1, [newEvent()])).rejects.toThrow('tampered with');
    await expect(store.readStream(cut)).rejects.toThrow('its events before 1 are deleted');
    // Nobody begins a stream anew that had begun.
    await expect(store.append(soft, NO_STREAM, [newEvent()])).rejects.toBeInstanceOf(WrongRevision);
    const { events, position } = await store.readAll(start, 100);
    expect(events.map(({ stream }) => stream)).toEqual([soft, soft, hard, hard, cut, cut]);
    expect(BigInt(position)).toBeGreaterThan(BigInt(await store.head()));
    expect((await store.readAll(position, 100)).events).toEqual([]);
  });

  it('never runs ahead of a consumer that is slow, whatever checkpoints the server announces', async () => {
    const start = await store.head();
    const stop = new AbortController();
    const stream = freshStream();
    const appended = Array.from({ length: 40 }, () => newEvent());
    for (let n = 0; n < 40; n++) {
      await store.append(stream, n - 1, [appended[n]!]);
      double.foreign();
    }
    const seen: string[] = [];
    let known = start;
    for await (const { events, position } of store.follow(start, stop.signal, 1)) {
      await new Promise(setImmediate);
      seen.push(...events.map(({ id }) => id));
      // Whoever began again here would miss nothing that was not handled.
      const next = (await store.readAll(known, 1)).events[0]!;
      expect(events.map(({ id }) => id)).toEqual([next.id]);
      known = position;
      if (seen.length === 40) stop.abort();
    }
    expect(seen).toEqual(appended.map(({ id }) => id));
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

  it('follows on after a kill, a shutdown and a freeze, each event once although delivered twice, foreign streams left out', async () => {
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
            if (seen.length === 4) stop.abort();
          }
        } catch (error) {
          expect(error).toBeInstanceOf(StoreUnavailable);
        }
      }
    })();
    const [first, second, third, fourth] = [newEvent(), newEvent(), newEvent(), newEvent()];
    double.foreign('otherApp-1', 'SomethingElse');
    await store.append(freshStream(), NO_STREAM, [first]);
    while (seen.length < 1) await new Promise(setImmediate);
    double.kill();
    await double.start();
    await store.append(freshStream(), NO_STREAM, [second]);
    while (seen.length < 2) await new Promise(setImmediate);
    double.shutdown();
    await double.start();
    await store.append(freshStream(), NO_STREAM, [third]);
    while (seen.length < 3) await new Promise(setImmediate);
    double.faults.frozen = true;
    await store.append(freshStream(), NO_STREAM, [fourth]).catch(() => {}); // done, but where it stands could not be read
    double.faults.frozen = false;
    await following;
    expect(seen).toEqual([first.id, second.id, third.id, fourth.id]);
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

needs('openssl')('EventStoreDB, as a cluster with certificates', () => {
  let folder: string;
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'peygir-esdb-'));
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    for (const ca of ['ca', 'other']) {
      openssl('req', '-x509', ...ec, '-keyout', `${ca}.key`, '-out', `${ca}.crt`, '-subj', `/CN=${ca}`);
    }
    openssl('req', ...ec, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node');
    writeFileSync(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1');
    openssl(
      'x509',
      '-req',
      '-in',
      'node.csr',
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-out',
      'node.crt',
      '-extfile',
      'san',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('speaks TLS to whom its authority vouches for, with its credentials, and to nobody else', async () => {
    const tls = { cert: readFileSync(join(folder, 'node.crt')), key: readFileSync(join(folder, 'node.key')) };
    const double = await new EsdbDouble(false, tls).start();
    const url = (ca: string) => `${double.url.replace('//', '//ops:s3cret@')}&tlsCAFile=${join(folder, ca)}`;
    try {
      const stream = freshStream();
      const trusting = new EsdbEventStore(url('ca.crt'), quick);
      expect(await trusting.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
      expect(await trusting.readStream(stream)).toHaveLength(1);
      expect([...double.authorizations]).toEqual([`Basic ${Buffer.from('ops:s3cret').toString('base64')}`]);
      await trusting.close();
      const seen = double.appendsSeen;
      const wary = new EsdbEventStore(url('other.crt'), quick);
      await expect(wary.append(stream, 0, [newEvent()])).rejects.toBeInstanceOf(StoreUnavailable);
      await wary.close();
      expect(double.appendsSeen).toBe(seen);
    } finally {
      double.kill();
    }
  });

  it('goes to the leader that a follower names', async () => {
    const [follower, leader] = await Promise.all([new EsdbDouble().start(), new EsdbDouble().start()]);
    follower.leader = leader;
    follower.faults.notLeader = Infinity;
    const store = new EsdbEventStore(follower.url, { ...quick, patienceMs: 5_000 });
    try {
      const stream = freshStream();
      expect(await store.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
      expect([follower.appendsSeen > 0, leader.appendsSeen > 0]).toEqual([true, true]);
      expect(await store.readStream(stream)).toHaveLength(1);
    } finally {
      await store.close();
      follower.kill();
      leader.kill();
    }
  });
});
