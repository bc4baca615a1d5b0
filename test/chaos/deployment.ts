import { appendFileSync, mkdtempSync, readFileSync, rmSync, chmodSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startEmbeddedPostgres } from '#stores';
import type { EsdbDouble } from '#test/kit/esdb-double';
import { launchNode, type Node } from '#test/kit/nodes';
import { postgresProxy, tcpProxy } from '#test/kit/proxy';
import { testRedis } from '#test/kit/redis';

interface Slot {
  part: Node['part'];
  node?: Node & { ready: Promise<void> };
}

/** Of nobody: where nothing listens. */
const portOf = (url?: string) => Number(new URL(url || 'http://127.0.0.1:1').port);

/**
 * Two api and two workers on a PostgreSQL and a Redis of their own, all of which can be hurt. What they say comes into
 * the file `said`.
 */
export async function deploy(said: string, log?: EsdbDouble) {
  const dir = mkdtempSync(join(tmpdir(), 'peygir-chaos-'));
  chmodSync(dir, 0o755);
  // Without fsync a killed server loses nothing, only a killed machine does.
  const server = await startEmbeddedPostgres(join(dir, 'data'), { settings: { fsync: 'off' } });
  const { user, database, port } = server.connection;
  const redis = await testRedis();
  const slots: Slot[] = [{ part: 'api' }, { part: 'api' }, { part: 'worker' }, { part: 'worker' }];
  const clientsOf = (slot: Slot) => tcpProxy(() => ({ host: '127.0.0.1', port: portOf(slot.node?.url) }));
  const doors = [await clientsOf(slots[0]!), await clientsOf(slots[1]!)];
  /** From whom to whom. */
  const wires = {
    'api to database': await postgresProxy(server.connection),
    'worker to database': await postgresProxy(server.connection),
    'worker to redis': await tcpProxy(() => ({ host: '127.0.0.1', port: portOf(redis.url) })),
    'clients to an api': doors[0]!,
    'clients to the other api': doors[1]!,
  };
  const clock = join(dir, 'clock');
  let aheadMs = 0;
  writeFileSync(clock, '0');

  let closing = false;
  // Whatever becomes of this process, it leaves nobody behind.
  process.once('exit', () => slots.forEach(({ node }) => node?.child.kill('SIGKILL')));
  const launch = (slot: Slot) => {
    const node = launchNode(
      slot.part,
      {
        DATABASE_URL: `postgres://${user}@/${database}?host=${wires[`${slot.part} to database`].host}&port=${port}`,
        REDIS_URL: `redis://127.0.0.1:${wires['worker to redis'].port}`,
        ...(log && { EVENT_STORE_URL: log.url }),
        CHAOS_CLOCK: clock,
        PEYGIR_DATA: '/nonexistent',
      },
      'test/chaos/node.ts',
    );
    slot.node = node;
    node.child.stderr!.on('data', (chunk: Buffer) => appendFileSync(said, chunk));
    // Whoever ends, for whatever reason, is started again, as a supervisor would.
    node.child.once('exit', () => void (closing || setTimeout(() => closing || launch(slot), 500)));
    return node.ready;
  };

  const postmaster = () =>
    Number(readFileSync(join(server.dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

  return {
    server,
    log,
    slots,
    wires,
    redis,
    start: () => Promise.all(slots.map(launch)),
    apis: doors.map(({ port }) => `http://127.0.0.1:${port}`),
    now: () => new Date(Date.now() + aheadMs).toISOString(),
    jump(ms: number) {
      aheadMs += ms;
      writeFileSync(`${clock}.new`, String(aheadMs));
      renameSync(`${clock}.new`, clock);
    },
    signal(index: number, signal: NodeJS.Signals) {
      const child = slots[index]!.node?.child;
      if (child && child.exitCode === null && child.signalCode === null) child.kill(signal);
    },
    database: (signal: 'SIGKILL' | 'SIGINT') => process.kill(postmaster(), signal),
    /** As the database's owner, when it answers. */
    async sql<T extends object>(text: string): Promise<T[]> {
      const client = new pg.Client({ ...server.connection });
      client.on('error', () => {});
      try {
        await client.connect();
        return (await client.query<T>(text)).rows;
      } finally {
        await client.end();
      }
    },
    /** What `ask` makes of Redis; undefined when it is away. */
    async queue<T>(ask: (redis: Redis) => Promise<T>): Promise<T | undefined> {
      const client = new Redis(redis.url, { maxRetriesPerRequest: 1, lazyConnect: true });
      client.on('error', () => {});
      return ask(client)
        .catch(() => undefined)
        .finally(() => client.disconnect());
    },
    async close() {
      closing = true;
      await Promise.all(
        slots.map(async ({ node }) => {
          if (!node) return;
          node.child.kill('SIGCONT');
          await Promise.race([node.end('SIGTERM'), sleep(12_000).then(() => node.end('SIGKILL'))]);
        }),
      );
      await Promise.all([...Object.values(wires).map((wire) => wire.close()), redis.close()]);
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
export type Deployment = Awaited<ReturnType<typeof deploy>>;
