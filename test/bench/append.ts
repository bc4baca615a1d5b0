/**
 * Appends at 1, 16, 64 and 256 callers: coalesced into group commits against one transaction an append, alternating in
 * one run on one PostgreSQL with its default durability. Absolute figures belong to the machine; the ratio is the result.
 *
 *     npm run bench -- append        or: node --import ./test/kit/ts.mjs test/bench/append.ts [SECONDS a round]
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_STREAM, type Appended, type NewEvent } from '#kernel';
import { createPool, migrate, PostgresEventStore, startEmbeddedPostgres } from '#stores';
import { event } from './kit.js';

const CALLERS = [1, 16, 64, 256];
const ROUNDS = 3;
const roundMs = Number(process.argv[2] ?? 2) * 1_000;

type Append = (stream: string, events: NewEvent[]) => Promise<Appended>;

interface Round {
  perSecond: number;
  p99Ms: number;
}

async function round(callers: number, append: Append): Promise<Round> {
  const tookMs: number[] = [];
  const begin = performance.now();
  const caller = async () => {
    while (performance.now() - begin < roundMs) {
      const asked = performance.now();
      await append(`case-${randomUUID()}`, [event()]);
      tookMs.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const perSecond = (tookMs.length * 1_000) / (performance.now() - begin);
  return { perSecond, p99Ms: tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length * 0.99)]! };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

const folder = mkdtempSync(join(tmpdir(), 'peygir-bench-'));
chmodSync(folder, 0o755);
const server = await startEmbeddedPostgres(join(folder, 'data'));
const pool = createPool(server.connection, { max: 16 });
try {
  await migrate(server.connection);
  const store = new PostgresEventStore(pool);
  const coalesced: Append = (stream, events) => store.append(stream, NO_STREAM, events);
  // A store of its own has nobody to share a batch with.
  const alone: Append = (stream, events) => new PostgresEventStore(pool).append(stream, NO_STREAM, events);
  await round(16, coalesced);
  await round(16, alone);

  console.log('callers   coalesced/s  p99 ms   alone/s  p99 ms   ratio');
  for (const callers of CALLERS) {
    const together: Round[] = [];
    const apart: Round[] = [];
    for (let n = 0; n < ROUNDS; n++) {
      together.push(await round(callers, coalesced));
      apart.push(await round(callers, alone));
    }
    const figures = (of: Round[]) => [median(of.map((r) => r.perSecond)), median(of.map((r) => r.p99Ms))] as const;
    const [fast, fastP99] = figures(together);
    const [slow, slowP99] = figures(apart);
    console.log(
      `${String(callers).padStart(7)} ${fast.toFixed(0).padStart(13)} ${fastP99.toFixed(1).padStart(7)}` +
        `${slow.toFixed(0).padStart(10)} ${slowP99.toFixed(1).padStart(7)} ${(fast / slow).toFixed(2).padStart(7)}`,
    );
  }
} finally {
  await pool.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
