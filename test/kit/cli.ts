import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Run {
  child: ChildProcess;
  /** What it has said so far. */
  said: { out: string; err: string };
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

/** `npm run -s peygir -- …` without npm. */
export function peygir(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, ['apps/cli/run.mjs', ...args], { env: { ...process.env, ...env } });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return { child, said, ended };
}

/** A data folder that PostgreSQL's own user can reach; the function removes it. */
export function dataFolder(): [string, () => void] {
  const folder = mkdtempSync(join(tmpdir(), 'peygir-e2e-'));
  chmodSync(folder, 0o755);
  return [folder, () => rmSync(folder, { recursive: true, force: true })];
}
