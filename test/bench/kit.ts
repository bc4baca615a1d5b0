import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NewEvent } from '#kernel';
import { startEmbeddedPostgres, type Connection } from '#stores';
import { peygir } from '#test/kit/cli';

/** What of the sorted sample lies at `q` (0 to 1). */
export const quantile = (sample: readonly number[], q: number): number =>
  sample.toSorted((a, b) => a - b)[Math.min(sample.length - 1, Math.floor(sample.length * q))] ?? Number.NaN;

export const median = (sample: readonly number[]): number => quantile(sample, 0.5);

/** `p50 3.1, p99 12.0, max 15.2 ms` */
export const spread = (ms: readonly number[]): string =>
  `p50 ${median(ms).toFixed(1)}, p99 ${quantile(ms, 0.99).toFixed(1)}, max ${Math.max(...ms).toFixed(1)} ms`;

/** What nothing on this machine can beat by much, or what others do for the same: measured beside the figure, in one run. */
export interface Limit {
  what: string;
  figure: string;
  /** How many times as fast as the limit the figure is. This number carries over to other machines. */
  ratio: number;
}

/** A figure, and beneath it its limit; a missed target is the exit code of the bench. */
export function report(what: string, figure: string, target?: { met: boolean; is: string }, limit?: Limit): void {
  const verdict = target ? `   ${target.met ? 'ok' : 'MISSED'} (${target.is})` : '';
  console.log(`${what.padEnd(62)} ${figure}${verdict}`);
  if (limit)
    console.log(`${`  beside it: ${limit.what}`.padEnd(62)} ${limit.figure}   ratio ${limit.ratio.toFixed(2)}`);
  if (target && !target.met) process.exitCode = 1;
}

export const rate = (perSecond: number): string => `${Math.round(perSecond).toLocaleString('en')}/s`;
export const seconds = (of: number): string => `${of.toFixed(of < 10 ? 2 : 1)} s`;

/** Of rates: more is faster. */
export const limitRate = (what: string, limit: number, figure: number): Limit => ({
  what,
  figure: rate(limit),
  ratio: figure / limit,
});

/** Of seconds: less is faster. */
export const limitSeconds = (what: string, limit: number, figure: number): Limit => ({
  what,
  figure: seconds(limit),
  ratio: limit / figure,
});

/** Of milliseconds that each of many took; their 99th percentiles are compared. */
export const limitSpread = (what: string, limit: readonly number[], figure: readonly number[]): Limit => ({
  what,
  figure: spread(limit),
  ratio: quantile(limit, 0.99) / quantile(figure, 0.99),
});

/** What is measured and what stands beside it, by turns: whatever else the machine does meanwhile falls on all of them. */
export async function inTurns<T, N extends string>(
  rounds: number,
  measured: Readonly<Record<N, () => T | Promise<T>>>,
): Promise<Record<N, T[]>> {
  const names = Object.keys(measured) as N[];
  const found = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<N, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of names) found[name].push(await measured[name]());
  }
  return found;
}

export interface Round {
  perSecond: number;
  /** What each answer took. */
  ms: number[];
}

/** So many callers, each of whom asks again as soon as he was answered. */
export async function callers(count: number, forMs: number, work: () => Promise<unknown>): Promise<Round> {
  const ms: number[] = [];
  const begin = performance.now();
  const caller = async () => {
    while (performance.now() - begin < forMs) {
      const asked = performance.now();
      await work();
      ms.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: count }, caller));
  return { perSecond: (ms.length * 1_000) / (performance.now() - begin), ms };
}

/** Many rounds as one. */
export const together = (rounds: readonly Round[]): Round => ({
  perSecond: median(rounds.map(({ perSecond }) => perSecond)),
  ms: rounds.flatMap(({ ms }) => ms),
});

/** How many a second `work` gets through, which answers how many it did. */
export async function perSecond(work: () => number | Promise<number>): Promise<number> {
  const begin = performance.now();
  const count = await work();
  return (count * 1_000) / (performance.now() - begin);
}

export async function withFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'peygir-bench-'));
  chmodSync(path, 0o755); // PostgreSQL may run as another user
  try {
    await work(path);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** A PostgreSQL of its own, with its default durability. */
export const withPostgres = (work: (connection: Connection) => Promise<void>): Promise<void> =>
  withFolder(async (path) => {
    const server = await startEmbeddedPostgres(join(path, 'data'));
    try {
      await work(server.connection);
    } finally {
      await server.stop();
    }
  });

export interface Served {
  url: string;
  pid: number;
  dataDir: string;
  token: (role: string) => Promise<string>;
  run: (...args: string[]) => Promise<string>;
}

/** `peygir start`, the one-process default, in a process and a data folder of its own. */
export const withServer = (work: (served: Served) => Promise<void>): Promise<void> =>
  withFolder(async (path) => {
    const env = { PEYGIR_DATA: path, PORT: '0', LOG_LEVEL: 'error', DATABASE_URL: '', SMTP_URL: '' };
    const run = async (...args: string[]) => {
      const { said, ended } = peygir(args, env);
      if ((await ended) !== 0) throw new Error(said.err);
      return said.out.trim();
    };
    const { child, said, ended } = peygir(['start'], env);
    try {
      let url: string | undefined;
      while (!(url = /on (http:\S+)/.exec(said.err)?.[1])) {
        if (child.exitCode !== null) throw new Error(said.err);
        await sleep(50);
      }
      await work({ url, pid: child.pid!, dataDir: path, run, token: (role) => run('token', '--role', role) });
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });

/** About 600 bytes, as BENCH measures. Its note is what sealing would seal. */
export const event = (): NewEvent => ({
  id: randomUUID(),
  type: 'AgencyComplied',
  data: { obligation: 'o-1', note: 'ا'.repeat(150), evidence: [{ name: 'letter.pdf', sha256: 'f'.repeat(64) }] },
  metadata: {
    command: 'ReportCompliance',
    commandId: randomUUID(),
    commandHash: 'a'.repeat(64),
    correlationId: randomUUID(),
    causationId: randomUUID(),
    actor: { id: 'bank-1', role: 'agency', agency: 'bank' },
    province: 'IR-03',
    occurredAt: '2026-08-25T05:30:00.000Z',
    schemaVersion: 1,
  },
});
