import { mkdtempSync, readFileSync, rmSync, chmodSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startEmbeddedPostgres } from '#stores';
import type { EsdbDouble } from '#test/kit/esdb-double';
import { launchNode, type Node } from '#test/kit/nodes';
import { postgresProxy } from '#test/kit/proxy';
import { testRedis } from '#test/kit/redis';

/** Two api and two workers on a PostgreSQL and a Redis of their own, all of which can be hurt. */
export async function deploy(log?: EsdbDouble) {
  const dir = mkdtempSync(join(tmpdir(), 'peygir-chaos-'));
  chmodSync(dir, 0o755);
  // Without fsync a killed server loses nothing, only a killed machine does.
  const server = await startEmbeddedPostgres(join(dir, 'data'), { settings: { fsync: 'off' } });
  const { user, database, port } = server.connection;
  const redis = await testRedis();
  const wires = { api: await postgresProxy(server.connection), worker: await postgresProxy(server.connection) };
  const clock = join(dir, 'clock');
  let aheadMs = 0;
  writeFileSync(clock, '0');

  const slots: { part: Node['part']; node?: Node & { ready: Promise<void> } }[] = [
    { part: 'api' },
    { part: 'api' },
    { part: 'worker' },
    { part: 'worker' },
  ];
  let closing = false;
  const launch = (slot: (typeof slots)[number]) => {
    const node = launchNode(
      slot.part,
      {
        DATABASE_URL: `postgres://${user}@/${database}?host=${wires[slot.part].host}&port=${port}`,
        REDIS_URL: redis.url,
        ...(log && { EVENT_STORE_URL: log.url }),
        CHAOS_CLOCK: clock,
        PEYGIR_DATA: '/nonexistent',
        LOG_LEVEL: process.env['CHAOS_LOG'] ?? 'info',
      },
      'test/chaos/node.ts',
    );
    slot.node = node;
    if (process.env['CHAOS_LOG']) node.child.stderr!.pipe(process.stderr);
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
    apis: () => slots.flatMap(({ part, node }) => (part === 'api' && node?.url ? [node.url] : [])),
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
    async flush() {
      const client = new Redis(redis.url, { maxRetriesPerRequest: 1, lazyConnect: true });
      client.on('error', () => {});
      await client.flushall().catch(() => {});
      client.disconnect();
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
      await Promise.all([wires.api.close(), wires.worker.close(), redis.close()]);
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
export type Deployment = Awaited<ReturnType<typeof deploy>>;
