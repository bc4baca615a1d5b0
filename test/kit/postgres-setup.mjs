/**
 * Names the folder of the PostgreSQL that the tests of this run share. The first test that asks starts it (see
 * postgres.ts), so that a run without a database pays nothing; whatever ends the run, ends it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'peygir-test-';

export default function setup() {
  const folder = join(tmpdir(), `${PREFIX}${process.pid}`);
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) && name.slice(PREFIX.length);
    if (pid && !existsSync(`/proc/${pid}`)) remove(join(tmpdir(), name)); // a run that was killed
  }
  mkdirSync(folder, { mode: 0o755 });
  process.env.PEYGIR_TEST_POSTGRES = folder;
  process.once('exit', () => remove(folder));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
}

/** At once and without waiting for events, because it runs while the process exits. Nothing here is worth a checkpoint. */
function remove(folder) {
  const pidFile = join(folder, 'postgres', 'postmaster.pid');
  if (existsSync(pidFile)) {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    // A zombie or a stranger has no working directory of ours, so this ends.
    const there = () => existsSync(`/proc/${pid}/cwd/postmaster.pid`);
    if (there()) process.kill(pid, 'SIGQUIT');
    for (let tries = 0; there() && tries < 500; tries++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
