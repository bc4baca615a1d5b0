#!/usr/bin/env node
// Runs peygir from a checkout: builds first when the sources are newer than the build. Everything the build says goes to
// stderr, because stdout belongs to the command.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (...parts) => join(root, ...parts);
const stamp = at('dist', '.built');
const lock = at('dist', '.building');
const compiler = at('node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
const bundler = at('node_modules', 'vite', 'bin', 'vite.js');

const SOURCE = /\.(tsx?|json|css|html|svg)$/;

/** The latest change below `path`, in ms. A folder's own time tells of files added and removed. */
function changed(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return SOURCE.test(path) ? found.mtimeMs : 0;
  return readdirSync(path)
    .filter((name) => name !== 'data')
    .reduce((latest, name) => Math.max(latest, changed(join(path, name))), found.mtimeMs);
}

const sources = ['apps', 'libs', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'].map((s) =>
  at(s),
);
const latest = () => Math.max(...sources.map(changed));
const fresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === String(latest());

/** Two that start at once: one builds, the other waits. A lock whose owner died is taken over. */
function locked(work) {
  mkdirSync(at('dist'), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!alive(lock)) rmSync(lock, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function alive(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Empty: the owner is just writing its id.
    return pid === 0 ? Date.now() - statSync(file).mtimeMs < 5_000 : process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function build() {
  if (fresh()) return 0;
  const time = latest();
  console.error('Building (once, and after changes) …');
  for (const args of [
    [compiler, 'build'],
    [bundler, 'build', 'apps/web', '--logLevel', 'warn'],
  ]) {
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) return status ?? 1;
  }
  // The time of the newest source that was built, so that an edit during the build asks for another.
  writeFileSync(stamp, String(time));
  return 0;
}

// Installed without the compiler there is nothing to build with: what was shipped runs.
const status = existsSync(compiler) && !fresh() ? locked(build) : 0;
if (status !== 0) process.exit(status);
process.setSourceMapsEnabled(true);
await import('../../dist/apps/cli/main.js');
