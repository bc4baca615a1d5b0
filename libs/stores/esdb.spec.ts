import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BEGINNING, NO_STREAM, Refused, StoreUnavailable, WrongRevision } from '#kernel';
import { eventStoreContract, newEvent } from '#test/contract/event-store.contract';
import { EsdbDouble } from '#test/kit/esdb-double';
import { needs } from '#test/kit/needs';
import { EsdbEventStore } from './esdb.js';

const aggregates = ['case'];
const patient = { aggregates, pollMs: 200 };
/** For what is to fail: a slow machine must not make it succeed, nor anything else fail. */
const quick = { ...patient, deadlineMs: 250, patienceMs: 1_500 };
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

const real = process.env['ESDB_TEST_URL'];
if (real) {
  const aggregate = `peygir_${randomUUID().slice(0, 8)}`;
  eventStoreContract(
    'EventStoreDB at ESDB_TEST_URL',
    async () => ({ open: async () => new EsdbEventStore(real, { aggregates: [aggregate] }), close: async () => {} }),
    aggregate,
  );
}

describe('EventStoreDB, when things go wrong', () => {
  let double: EsdbDouble;
  let store: EsdbEventStore;
  let hasty: EsdbEventStore;

  beforeAll(async () => {
    double = await new EsdbDouble().start();
    store = new EsdbEventStore(double.url, patient);
    hasty = new EsdbEventStore(double.url, quick);
  });
  afterEach(() => {
    Object.assign(double.faults, {
      mute: false,
      loseAnswer: false,
      frozen: false,
      twice: false,
      notLeader: 0,
      notReady: 0,
      wrongVersion: 0,
      delayMs: 0,
      clockAheadMs: 0,
    });
    double.maxAppendBytes = 1024 * 1024;
  });
  afterAll(async () => {
    await store.close();
    await hasty.close();
    double.kill();
  });

  it('does not wait for ever on a mute server, and sends the same ids again', async () => {
    double.faults.mute = true;
    const seen = double.appendsSeen;
    await expect(hasty.append(freshStream(), NO_STREAM, [newEvent()])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(double.appendsSeen).toBeGreaterThan(seen + 1);
  });

  it('counts an append whose answer came too late, or never, as done once', async () => {
    const stubborn = new EsdbEventStore(double.url, { ...quick, patienceMs: 20_000 });
    for (const fault of [{ loseAnswer: true }, { delayMs: 400 }]) {
      Object.assign(double.faults, fault);
      const stream = freshStream();
      const events = [newEvent(), newEvent()];
      setTimeout(() => (double.faults.delayMs = 0), 300);
      const appended = await stubborn.append(stream, NO_STREAM, events);
      const read = await store.readStream(stream);
      expect(read.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
      expect(appended).toEqual({ revision: 1, position: read[1]!.position });
    }
    await stubborn.close();
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

  it('waits for a node that is still starting, and minds no other clock than its own', async () => {
    const stream = freshStream();
    double.faults.notReady = 2;
    expect(await store.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
    double.faults.notReady = 1;
    expect(await store.readStream(stream)).toHaveLength(1);
    double.faults.clockAheadMs = 60_000;
    expect(await store.append(stream, 0, [newEvent()])).toMatchObject({ revision: 1 });
  });

  it('says so when somebody deleted a stream by hand, and reads the log on past what that left', async () => {
    const start = await store.head();
    const [soft, hard, cut, empty] = [freshStream(), freshStream(), freshStream(), freshStream()];
    for (const stream of [soft, hard, cut, empty]) await store.append(stream, NO_STREAM, [newEvent(), newEvent()]);
    double.delete(soft, 'soft');
    double.delete(hard, 'hard');
    double.delete(cut, { before: 1 });
    double.delete(empty, { before: 2 });
    for (const stream of [soft, hard]) {
      await expect(store.readStream(stream)).rejects.toThrow(
        `${stream} was tampered with in the event store: it is deleted.`,
      );
    }
    await expect(store.append(hard, 1, [newEvent()])).rejects.toThrow('tampered with');
    await expect(store.readStream(cut)).rejects.toThrow('its events before 1 are deleted');
    await expect(store.readStream(empty)).rejects.toThrow('all its events are deleted');
    // The server lets one begin it anew, at revision 2: who did not read it first is told, and everybody afterwards.
    await expect(store.append(soft, NO_STREAM, [newEvent()])).rejects.toThrow('what it began with is deleted');
    await expect(store.readStream(soft)).rejects.toThrow('its events before 2 are deleted');
    double.foreign();
    const { events, position } = await store.readAll(start, 100);
    expect(events.map(({ stream }) => stream)).toEqual([soft, soft, hard, hard, cut, cut, empty, empty, soft]);
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
    double.maxAppendBytes = 100; // by its operator
    await expect(store.append(freshStream(), NO_STREAM, [newEvent()])).rejects.toMatchObject({ code: 'too-large' });
  });

  it('outlives a server that is killed in a burst of appends, and does each of them once', async () => {
    const work = Array.from({ length: 80 }, () => ({
      stream: freshStream(),
      event: newEvent({ text: 'x'.repeat(40_000) }),
    }));
    double.faults.delayMs = 20;
    const before = double.appendsArrived;
    const first = work.map(({ stream, event }) => store.append(stream, NO_STREAM, [event]));
    first.forEach((append) => append.catch(() => {}));
    while (double.appendsArrived === before) await new Promise(setImmediate);
    double.kill();
    await double.start();
    double.faults.delayMs = 0;
    await Promise.allSettled(first);
    for (const { stream, event } of work) {
      expect(await store.append(stream, NO_STREAM, [event])).toMatchObject({ revision: 0 });
    }
  });

  it('says StoreUnavailable while the server is killed or frozen, and goes on when it is back', async () => {
    const stream = freshStream();
    const event = newEvent();
    double.kill();
    await expect(hasty.append(stream, NO_STREAM, [event])).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(hasty.readStream(stream)).rejects.toBeInstanceOf(StoreUnavailable);
    await double.start();
    double.faults.frozen = true;
    await expect(hasty.readAll(BEGINNING, 1)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(hasty.head()).rejects.toBeInstanceOf(StoreUnavailable);
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
    for (let n = 0; n < 600; n++) double.foreign();
    const before = double.readsSeen;
    const { events, position } = await store.readAll(head, 1);
    expect(events).toEqual([]);
    expect(BigInt(position)).toBeGreaterThan(BigInt(head));
    expect(await store.head()).toBe(head);
    // A page for each of them would take a busy neighbour's whole day.
    expect(double.readsSeen - before).toBeLessThan(14);
    double.foreign();
    const again = double.readsSeen;
    expect(await store.head()).toBe(head);
    expect(double.readsSeen).toBe(again + 1);
  });

  it('keeps to one client a process, and refuses credentials that would be dropped', () => {
    expect(() => new EsdbEventStore('esdb://127.0.0.1:1?tls=false', { aggregates })).toThrow('one EventStoreDB');
    const cluster = 'n1:2113,n2:2113,n3:2113';
    expect(() => new EsdbEventStore(`esdb://a:b@${cluster}`, { aggregates })).toThrow('one EventStoreDB');
    expect(() => new EsdbEventStore(`esdb://a:b@${cluster}?tls=false`, { aggregates })).toThrow('would be dropped');
    expect(() => new EsdbEventStore('esdb://a:b@127.0.0.1:1?TLS=false', { aggregates })).toThrow('would be dropped');
  });
});

needs('openssl')('EventStoreDB, with certificates', () => {
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
    const url = (ca: string) => `${double.url.replace('//', '//admin:changeit@')}&tlsCAFile=${join(folder, ca)}`;
    try {
      const stream = freshStream();
      const trusting = new EsdbEventStore(url('ca.crt'), patient);
      expect(await trusting.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
      expect(await trusting.readStream(stream)).toHaveLength(1);
      expect([...double.authorizations]).toEqual([`Basic ${Buffer.from('admin:changeit').toString('base64')}`]);
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

  it('says that its account is refused, or may not read the log', async () => {
    const tls = { cert: readFileSync(join(folder, 'node.crt')), key: readFileSync(join(folder, 'node.key')) };
    const double = await new EsdbDouble(false, tls).start();
    try {
      for (const account of ['admin:wrong', 'ops:changeit']) {
        const url = `${double.url.replace('//', `//${account}@`)}&tlsCAFile=${join(folder, 'ca.crt')}`;
        const store = new EsdbEventStore(url, patient);
        const refused = await store.head().catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(StoreUnavailable);
        expect(refused).toMatchObject({ message: expect.stringContaining('allowed to read $all') });
        await store.close();
      }
    } finally {
      double.kill();
    }
  });
});

describe('EventStoreDB, as a cluster', () => {
  let nodes: [EsdbDouble, EsdbDouble, EsdbDouble];

  beforeEach(async () => {
    const first = new EsdbDouble();
    nodes = [first, new EsdbDouble(false, undefined, first), new EsdbDouble(false, undefined, first)];
    for (const node of nodes) await node.start();
  });
  afterEach(() => nodes.forEach((node) => node.kill()));

  it('goes to the leader that a follower names', async () => {
    const [leader, follower] = nodes;
    const store = new EsdbEventStore(follower.url, patient);
    try {
      const stream = freshStream();
      expect(await store.append(stream, NO_STREAM, [newEvent()])).toMatchObject({ revision: 0 });
      expect(leader.appendsSeen).toBe(1);
      expect(await store.readStream(stream)).toHaveLength(1);
      expect([follower.readsSeen, leader.readsSeen]).toEqual([0, 1]);
    } finally {
      await store.close();
    }
  });

  it('reads from the next leader, and no death of the earlier one touches the appends that are under way', async () => {
    const [first, second] = nodes;
    const store = new EsdbEventStore(first.clusterUrl, patient);
    try {
      const stream = freshStream();
      await store.append(stream, NO_STREAM, [newEvent()]);
      second.lead();
      expect(await store.readStream(stream)).toHaveLength(1);
      expect(second.readsSeen).toBe(1);
      second.faults.delayMs = 150;
      const appending = store.append(stream, 0, [newEvent()]);
      while (second.appendsArrived === 0) await new Promise(setImmediate);
      first.kill();
      expect(await appending).toMatchObject({ revision: 1 });
      expect(second.appendsSeen).toBe(1);
    } finally {
      await store.close();
    }
  });

  it('comes back when all nodes were gone for longer than the client looks for one', async () => {
    const url = `${nodes[0].clusterUrl}&maxDiscoverAttempts=2&discoveryInterval=10`;
    const store = new EsdbEventStore(url, patient);
    const hasty = new EsdbEventStore(url, { ...quick, patienceMs: 400 });
    try {
      const stream = freshStream();
      await store.append(stream, NO_STREAM, [newEvent()]);
      nodes.forEach((node) => node.kill());
      await expect(hasty.append(stream, 0, [newEvent()])).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(hasty.readStream(stream)).rejects.toBeInstanceOf(StoreUnavailable);
      for (const node of nodes) await node.start();
      nodes[2].lead();
      expect(await store.append(stream, 0, [newEvent()])).toMatchObject({ revision: 1 });
      expect(await store.readStream(stream)).toHaveLength(2);
    } finally {
      await store.close();
      await hasty.close();
    }
  });
});
