import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Sql } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { Problem } from './problem.js';

const PATIENCE_MS = 2_000;

/**
 * `live`: the process answers. `ready`: what it needs answers too, asked anew each time; `degraded` when only something
 * is away without which it still serves. `/metrics`: figures for Prometheus, of no case. No token is needed.
 */
@Controller()
export class HealthController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Get('health/live')
  live() {
    return { status: 'ok' };
  }

  @Get('health/ready')
  async ready() {
    const { decide, database, ready, watched } = this.api;
    const needed = { log: () => decide.store.head(), database: () => database.query('select 1'), ...ready };
    const { status, checks } = await readiness(needed, watched);
    if (status !== 'not-ready') return { status, checks };
    throw new Problem(503, 'not-ready', 'Not everything this process needs is there.', {
      headers: { 'retry-after': '1' },
      members: { checks },
    });
  }

  @Get('metrics')
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    if (!this.api.metrics) throw new Problem(404, 'not-found', 'This process measures nothing.');
    const { type, text } = await this.api.metrics();
    reply.header('content-type', type);
    return text;
  }
}

type Questions = Readonly<Record<string, () => Promise<unknown>>>;

/** `degraded`: something is away without which this process still serves. Each question has two seconds. */
export async function readiness(needed: Questions, watched: Questions = {}) {
  const [must, may] = await Promise.all([asked(needed), asked(watched)]);
  const fine = (states: Record<string, string>) => Object.values(states).every((state) => state === 'ok');
  const status = !fine(must) ? 'not-ready' : fine(may) ? 'ok' : 'degraded';
  return { status, checks: { ...must, ...may } };
}

async function asked(questions: Questions): Promise<Record<string, string>> {
  const answers = Object.entries(questions).map(
    async ([name, ask]) => [name, (await well(ask)) ? 'ok' : 'failing'] as const,
  );
  return Object.fromEntries(await Promise.all(answers));
}

/**
 * For `ready`: throws unless some worker holds each of these leases now and nothing that follows the log is stuck.
 * Of all nodes, not of this one alone: reads are as fresh as whoever projects them.
 */
export const subscribersRun = (sql: Sql, leases: readonly string[]) => async (): Promise<void> => {
  const { rows } = await sql.query<{ name: string; why: string }>(
    `select asked.name, 'nobody runs it' as why from unnest($1::text[]) asked (name)
     where not exists (select from leases l where l.name = asked.name and l.expires_at > clock_timestamp())
     union all select name, error from checkpoints where error is not null`,
    [leases],
  );
  if (rows.length > 0) throw new Error(rows.map(({ name, why }) => `${name}: ${why}`).join('; '));
};

async function well(ask: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, false)));
  const asked = Promise.resolve()
    .then(ask)
    .then(
      () => true,
      () => false,
    );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
