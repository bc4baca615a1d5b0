import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface TestRedis {
  url: string;
  pid(): number;
  start(): Promise<void>;
  /** Gone, with all it held. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** A redis-server of this test's own, on a free port of the loopback, in a directory of its own. */
export async function testRedis(): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'peygir-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    pid: () => child!.pid!,
    async start() {
      const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'];
      child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface(child.stdout!)) if (line.includes('Ready to accept')) return;
      throw new Error('redis-server did not start');
    },
    async kill() {
      if (!child) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      child = undefined;
    },
    async close() {
      await redis.kill();
      await rm(dir, { recursive: true });
    },
  };
  await redis.start();
  return redis;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
