import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checkpoints, prepareProjections, Projector, systemClock, type Database } from '#kernel';
import {
  COSIGNATURE,
  merkleLog,
  parseProof,
  parseSignedCheckpoint,
  readCheckpoints,
  readHead,
  signerKey,
  vkey,
} from '#audit';
import { policyFrom, receiptOf, unwitnessed } from '#apps/audit';
import { serve } from '#apps/witness/serve';
import { Witness } from '#apps/witness/witness';
import { notary } from '#apps/worker/notary';
import { createSql, MemoryEventStore } from '#stores';
import { testDatabase } from '#test/kit/postgres';
import { eventually, happened, silent } from '#test/kit/worker';

const key = signerKey('peygir.example/IR-03', new Uint8Array(32).fill(3));
const keys = [1, 2].map((n) => signerKey(`w${n}.example/1`, new Uint8Array(32).fill(n), COSIGNATURE));

describe('the witnesses of a deployment', () => {
  let db: Awaited<ReturnType<typeof testDatabase>>;
  let database: Database;
  let store: MemoryEventStore;
  let dir: string;
  const servers: Server[] = [];
  const stopping = new AbortController();
  const running: Promise<void>[] = [];
  const urls: string[] = [];

  /** Cosigns from now on, where it did before. */
  const witnessServes = async (n: number) => {
    const server = serve(new Witness(keys[n]!, [key], join(dir, `${n}`)));
    server.listen(urls[n] ? Number(new URL(urls[n]).port) : 0, '127.0.0.1');
    await once(server, 'listening');
    urls[n] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    servers.push(server);
    return server;
  };
  const closed = (server: Server) => new Promise((resolve) => server.close(resolve).closeAllConnections());
  const policy = () =>
    policyFrom(
      key,
      `log ${vkey(key)}\n${keys.map((each, n) => `witness w${n} ${vkey(each)} ${urls[n]}\n`).join('')}
      group all all w0 w1\nquorum all\n`,
    );
  const cosigners = (note: string) =>
    parseSignedCheckpoint(note)
      .note.signatures.map(({ name }) => name)
      .filter((name) => name !== key.name);
  const latest = async () => {
    const [found] = await readCheckpoints(database, 0, (await readHead(database)).size, 1, 'desc');
    return found && { size: found.size, by: cosigners(found.note) };
  };
  const add = (type: string) => store.append(`thing-${crypto.randomUUID()}`, -1, [happened(type)]);

  beforeAll(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    store = new MemoryEventStore({ clock: systemClock });
    dir = mkdtempSync(join(tmpdir(), 'witnesses-'));
    for (const n of [0, 1]) await witnessServes(n);
    const checkpoints = new Checkpoints(database);
    await prepareProjections([merkleLog(key)], { checkpoints, log: silent });
    const { signal } = stopping;
    running.push(new Projector('merkle', [merkleLog(key)], { store, checkpoints, log: silent }).run(signal));
    // Two workers have the same thought.
    for (let worker = 0; worker < 2; worker++)
      running.push(
        notary({ database, checkpoints, clock: systemClock, key, policy: policy(), log: silent, everyMs: 50 }, signal),
      );
  });
  afterAll(async () => {
    stopping.abort();
    await Promise.all(running);
    await Promise.all(servers.map(closed));
    await db.close();
    rmSync(dir, { recursive: true });
  });

  it('cosign the latest checkpoint without anybody asking for it, and once each', async () => {
    await add('MinutesSigned');
    const found = await eventually(async () => {
      const now = await latest();
      return now?.by.length === 2 ? now : undefined;
    });
    expect(found).toEqual({ size: 1, by: ['w1.example/1', 'w2.example/1'] });
  });

  it('may be away: the rest goes on, a receipt waits for their word, and they are asked again', async () => {
    await closed(servers[1]!);
    await add('Happened');
    const { events } = await store.readAll('0', 10);
    await add('ResolutionCommunicated');
    await eventually(async () => {
      const now = await latest();
      return now?.size === 3 && now.by.length === 1;
    });
    await add('ResolutionCommunicated');
    await eventually(async () => (await latest())?.size === 4);
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    expect(await unwitnessed(database, policy(), systemClock.now())).toBeUndefined();
    expect(await unwitnessed(database, policy(), inAnHour)).toContain('that the policy asks for (2 of (w0, w1))');
    await witnessServes(1);
    await eventually(async () => (await latest())?.by.length === 2);
    expect(await unwitnessed(database, policy(), inAnHour)).toBeUndefined();
    // The first checkpoint that has it lacks a cosignature; the one that is taken home does not.
    const receipt = parseProof((await receiptOf(database, events[1]!, { policy: policy() }))!);
    expect(cosigners(receipt.checkpoint)).toEqual(['w1.example/1', 'w2.example/1']);
    const any = parseProof((await receiptOf(database, events[1]!))!);
    expect(parseSignedCheckpoint(any.checkpoint).checkpoint.size).toBe(3);
  });

  it('are named in a policy that names this log', () => {
    const other = signerKey('another.example/1', new Uint8Array(32).fill(9));
    expect(() => policyFrom(other, policy().text)).toThrow(/does not name this log; its line is: log another/);
  });
});
