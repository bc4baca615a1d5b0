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

/** One line of the report; a missed target is the exit code of the bench. */
export function report(what: string, figure: string, target?: { met: boolean; is: string }): void {
  const verdict = target ? `   ${target.met ? 'ok' : 'MISSED'} (${target.is})` : '';
  console.log(`${what.padEnd(58)} ${figure}${verdict}`);
  if (target && !target.met) process.exitCode = 1;
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
