import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { startEmbeddedPostgres, type Connection, type EmbeddedPostgres } from '#stores';

const NOBODY = 65534;
const asRoot = process.getuid?.() === 0;
const settings = { fsync: 'off' };

let folder: string;
let dataDir: string;
const apps: ChildProcess[] = [];
const servers: EmbeddedPostgres[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peygir-embedded-'));
  chmodSync(folder, 0o755);
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  for (const app of apps.splice(0)) {
    if (app.exitCode === null && app.signalCode === null) {
      app.kill('SIGKILL');
      await once(app, 'exit');
    }
  }
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  const pid = postmaster(); // a server whose app was killed and that no test adopted
  if (pid) process.kill(pid, 'SIGQUIT');
  while (pid && existsSync(`/proc/${pid}/cwd`)) await new Promise(setImmediate);
  rmSync(folder, { recursive: true, force: true });
});

const pidFile = () => join(dataDir, 'postgres', 'postmaster.pid');
const postmaster = () => (existsSync(pidFile()) ? Number(readFileSync(pidFile(), 'utf8').split('\n')[0]) : undefined);

async function start(dir = dataDir, log?: (message: string) => void): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(dir, { settings, log });
  servers.push(server);
  return server;
}

async function startApp(uid?: number): Promise<{ app: ChildProcess; connection: Connection }> {
  const args = ['--import', './test/kit/ts.mjs', 'test/kit/embedded-app.ts', dataDir, ...(uid ? [String(uid)] : [])];
  const app = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  apps.push(app);
  const [line] = (await once(createInterface(app.stdout!), 'line')) as [string];
  return { app, connection: JSON.parse(line) as Connection };
}

async function ask(connection: Connection, sql: string): Promise<unknown> {
  const client = new pg.Client(connection);
  client.on('error', () => {});
  await client.connect();
  try {
    return Object.values((await client.query<object>(sql)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

it('starts afresh, keeps what was written over a stop, and listens on no network address', async () => {
  const first = await start();
  await ask(first.connection, 'create table t as select 1 as n');
  expect(await ask(first.connection, 'show listen_addresses')).toBe('');
  expect(
    await ask(
      first.connection,
      `select lower('İ') || upper('straße') || (select encoding from pg_database where datname = 'peygir')`,
    ),
  ).toContain('6');
  await servers.pop()!.stop();
  expect(postmaster()).toBeUndefined();
  const second = await start();
  expect(await ask(second.connection, 'select n from t')).toBe(1);
  const byUrl = new pg.Client(second.url);
  await byUrl.connect();
  await byUrl.end();
});

it('refuses a second app, naming the directory and the holder', async () => {
  await start();
  await expect(startEmbeddedPostgres(dataDir)).rejects.toThrow(
    `${dataDir} is in use by process ${process.pid}: one data directory serves one app at a time.`,
  );
});

it('lets one of several win that start at the same instant on a new directory', async () => {
  const outcomes = await Promise.allSettled([1, 2].map(() => startEmbeddedPostgres(dataDir, { settings })));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') servers.push(outcome.value);
    else expect(String(outcome.reason)).toContain('is in use by process');
  }
  expect(servers).toHaveLength(1);
});

it('adopts the server that a killed app left behind, with its data', async () => {
  const { app, connection } = await startApp();
  await ask(connection, 'create table t as select 1 as n');
  const pid = postmaster();
  app.kill('SIGKILL');
  await once(app, 'exit');
  const adopted = await start();
  expect(postmaster()).toBe(pid);
  expect(await ask(adopted.connection, 'select n from t')).toBe(1);
  await servers.pop()!.stop();
  expect(existsSync(`/proc/${pid}/cwd`)).toBe(false);
});

it('notices that the server was killed, and starts it again', async () => {
  const heard = new EventEmitter();
  const server = await start(dataDir, (message) => heard.emit(message));
  await ask(server.connection, 'create table t as select 1 as n');
  const killed = postmaster()!;
  const startedAgain = once(heard, `PostgreSQL started in ${dataDir}`);
  process.kill(killed, 'SIGKILL');
  await startedAgain;
  expect(postmaster()).not.toBe(killed);
  expect(await ask(server.connection, 'select n from t')).toBe(1);
});

it('starts after a crash of the whole machine, when the old process id belongs to a stranger', async () => {
  await start();
  await servers.pop()!.stop();
  const stale = [
    String(process.pid),
    join(dataDir, 'postgres'),
    '1700000000',
    '5432',
    join(dataDir, 'run'),
    '',
    '1 1',
    '',
  ];
  writeFileSync(pidFile(), stale.join('\n'), { mode: 0o600 });
  const { connection } = await start();
  expect(await ask(connection, 'select 1')).toBe(1);
});

it('starts when an earlier initdb was killed half-way', async () => {
  mkdirSync(join(dataDir, 'postgres.999999999.x'), { recursive: true });
  const { connection } = await start();
  expect(await ask(connection, 'select 1')).toBe(1);
  expect(existsSync(join(dataDir, 'postgres.999999999.x'))).toBe(false);
});

it('finds a short place for the socket when the data lies deep', async () => {
  const { connection } = await start(join(folder, 'd'.repeat(100)));
  expect(connection.host.length).toBeLessThan(60);
  expect(await ask(connection, 'select 1')).toBe(1);
  await servers.pop()!.stop();
  rmSync(connection.host, { recursive: true });
});

// Only root can become somebody else; whoever is an ordinary user already shows it by every other test here.
(asRoot ? it : it.skip)('runs for an ordinary user too', async () => {
  mkdirSync(dataDir);
  chownSync(dataDir, NOBODY, NOBODY);
  const { app, connection } = await startApp(NOBODY);
  expect(await ask(connection, 'select 1')).toBe(1);
  expect(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${postmaster()}/status`, 'utf8'))![1]).toBe(String(NOBODY));
  app.kill('SIGTERM');
  await once(app, 'exit');
  expect(postmaster()).toBeUndefined();
});

// Only for root does PostgreSQL run as another user, who may be locked out.
(asRoot ? it : it.skip)('says what to do when nobody but root can reach the directory', async () => {
  chmodSync(folder, 0o700);
  await expect(startEmbeddedPostgres(dataDir)).rejects.toThrow('put the data directory where others may enter');
});
