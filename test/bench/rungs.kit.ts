import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checkpoints, systemClock, type Instant } from '#kernel';
import { createPool, createSql, migrate, PostgresEventStore, type Connection } from '#stores';
import { projections } from '#apps/compose';
import { launchNode, type Node } from '#test/kit/nodes';
import { communicate, establish, workshop } from '#test/kit/worker';
import { withPostgres } from './kit.js';

/**
 * Many clocks that run: one resolution is decided, and its two events are put into the log again and again under other
 * names, so that number $1 of $2 falls due at $3 plus its share of $4 milliseconds.
 */
const FILL = `
  with model as (select * from log.events where stream = 'resolution-model'), ends as (select max(position) as last from log.events)
  insert into log.events
  select ends.last + (g - 1) * 2 + m.revision + 1, 'resolution-b-' || g, m.revision, gen_random_uuid(), m.type,
    case m.revision when 0 then m.data else jsonb_set(m.data::jsonb, '{deadlines,0,dueAt}', to_jsonb(due.text))::json end,
    jsonb_set(m.metadata::jsonb, '{commandId}', to_jsonb(gen_random_uuid()::text))::json, m.recorded_at
  from ends, generate_series(1, $1) g, model m,
    lateral (select to_char($2::timestamptz + g * $3 / $1 * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as text) due`;

/** Far enough that nothing is due before it is meant to be; all clocks count days, so this is what a jump leads to. */
const AHEAD_MS = 86_400_000;

export interface Burst {
  store: PostgresEventStore;
  connection: Connection;
  /** When the first falls due. */
  first: Instant;
  /** Processes whose clock is this bench's to move, unless they run another program. */
  launch(part: Node['part'], program?: string): Promise<Node>;
  /** Waits until every read model, clock and policy has seen the whole log. */
  caughtUp(): Promise<void>;
  /** Moves all clocks to `leadMs` before the first instant. @returns that instant, on the machine's own clock */
  approach(leadMs: number): number;
  /** Real less planned instant of every clock that rang. */
  lateness(): Promise<number[]>;
  pool: ReturnType<typeof createPool>;
}

/** A province with `clocks` obligations that fall due within `spreadMs`, on a fresh database. */
export const withClocks = (
  { clocks, spreadMs, redisUrl }: { clocks: number; spreadMs: number; redisUrl?: string },
  work: (burst: Burst) => Promise<void>,
): Promise<void> =>
  withPostgres(async (connection) => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-bench-'));
    const clock = join(folder, 'clock');
    const ahead = (ms: number) => {
      writeFileSync(`${clock}.new`, String(ms));
      renameSync(`${clock}.new`, clock);
    };
    ahead(0);
    await migrate(connection);
    const pool = createPool(connection, { max: 4 });
    const store = new PostgresEventStore(pool);
    const first = await fill(connection, store, clocks, spreadMs);
    const launched: Node[] = [];
    const { user, database, host, port } = connection;
    try {
      await work({
        store,
        pool,
        connection,
        first,
        async launch(part, program = 'test/chaos/node.ts') {
          const node = launchNode(
            part,
            {
              DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`,
              REDIS_URL: redisUrl ?? '',
              PEYGIR_DATA: '/nonexistent',
              LOG_LEVEL: 'info',
              CHAOS_CLOCK: clock,
              SMTP_URL: '',
            },
            program,
          );
          launched.push(node);
          await node.ready;
          return node;
        },
        async caughtUp() {
          const checkpoints = new Checkpoints(createSql(pool));
          const names = [...projections.map(({ name }) => name), 'deadlines', 'policies', 'merkle'];
          const stored = async () => (await checkpoints.read()).keys();
          while (!new Set(await stored()).has('policies')) await sleep(200);
          const known = new Set(await stored());
          while (
            !(await checkpoints.waitFor(
              names.filter((name) => known.has(name)),
              await store.head(),
              5_000,
            ))
          );
        },
        approach(leadMs) {
          const jump = Date.parse(first) - leadMs - Date.now();
          ahead(jump);
          return Date.parse(first) - jump;
        },
        async lateness() {
          const { rows } = await pool.query<{ ms: number }>(
            `select extract(epoch from (data->>'firedAt')::timestamptz - (data->>'dueAt')::timestamptz)::float * 1000 as ms
             from log.events where type = 'DeadlineMissed'`,
          );
          return rows.map(({ ms }) => ms);
        },
      });
    } finally {
      await Promise.all(launched.map((node) => node.end('SIGKILL')));
      await pool.end();
      rmSync(folder, { recursive: true, force: true });
    }
  });

async function fill(
  connection: Connection,
  store: PostgresEventStore,
  clocks: number,
  spreadMs: number,
): Promise<Instant> {
  const owner = createPool({ ...connection }, { max: 1 });
  const first = new Date(Date.now() + AHEAD_MS).toISOString();
  try {
    const shop = workshop({ store, database: createSql(owner), clock: systemClock });
    await establish(shop);
    await communicate(shop, 'model', { duration: 'P20D' });
    await owner.query('set role none');
    await owner.query(FILL, [clocks, first, spreadMs]);
    await owner.query('update log.head set position = (select max(position) from log.events)');
  } finally {
    await owner.end();
  }
  return first;
}
