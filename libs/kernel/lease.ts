import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from './projection.js';
import type { Log } from './subscriber.js';

/** Whoever writes under a lease says so in the statement itself: a holder that slept past its expiry writes nothing. */
export interface Fence {
  lease: string;
  holder: string;
}

/** The condition of a fenced write; the parameters are the lease and the holder. */
export const fenced = (lease: string, holder: string): string =>
  `exists (select from leases where name = ${lease} and holder = ${holder} and expires_at > clock_timestamp())`;

export const LEASES = `create table if not exists leases (
  name text primary key, holder text not null, expires_at timestamptz not null)`;

interface Duty {
  work: (signal: AbortSignal) => Promise<void>;
  held?: AbortController;
  last: Promise<void>;
}

/**
 * Each named duty runs on one worker at a time. Time is the database's alone, so skewed clocks of nodes never give two
 * holders. One statement per beat asks for and renews every lease of this process; a dead holder is followed within
 * `ttlMs` and a beat, one that stops in order within a beat.
 */
export class Leases {
  private readonly duties = new Map<string, Duty>();

  constructor(
    private readonly sql: Sql,
    private readonly log: Log,
    /** A process that is the only possible holder may keep its name, and needs to wait for nobody after a crash. */
    readonly holder: string = `${hostname()} ${process.pid} ${randomUUID()}`,
    private readonly ttlMs = 4_000,
    private readonly beatMs = 1_000,
  ) {}

  /** Runs `work` whenever this process holds the lease; its signal aborts when the lease is lost or `run` ends. */
  duty(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    this.duties.set(name, { work, last: Promise.resolve() });
  }

  holds(name: string): boolean {
    return this.duties.get(name)?.held !== undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    let asked = 0;
    while (!signal.aborted) {
      const before = performance.now();
      const names = await this.beat().catch(() => undefined);
      if (names) {
        asked = before;
        for (const name of this.duties.keys()) this.turn(name, names.has(name));
      } else if (performance.now() - asked > this.ttlMs) {
        // The database is out of reach, so nobody knows who holds what; fenced writes would fail anyway.
        for (const name of this.duties.keys()) this.turn(name, false);
      }
      await sleep(this.beatMs, undefined, { signal }).catch(() => {});
    }
    for (const name of this.duties.keys()) this.turn(name, false);
    await Promise.all([...this.duties.values()].map(({ last }) => last));
    await this.sql.query('delete from leases where holder = $1', [this.holder]).catch(() => {});
  }

  private async beat(): Promise<Set<string>> {
    const { rows } = await this.sql.query<{ name: string }>(
      `insert into leases (name, holder, expires_at)
       select name, $2, clock_timestamp() + $3 * interval '1 millisecond' from unnest($1::text[]) name order by name
       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
       where leases.holder = excluded.holder or leases.expires_at <= clock_timestamp()
       returning name`,
      [[...this.duties.keys()], this.holder, this.ttlMs],
    );
    return new Set(rows.map(({ name }) => name));
  }

  private turn(name: string, mine: boolean): void {
    const duty = this.duties.get(name)!;
    if (mine === (duty.held !== undefined)) return;
    if (!mine) {
      duty.held!.abort();
      duty.held = undefined;
      return;
    }
    const held = new AbortController();
    duty.held = held;
    // Lost and won again: what ran before ends first.
    duty.last = duty.last
      .then(() => (held.signal.aborted ? undefined : duty.work(held.signal)))
      .catch((error: unknown) => {
        this.log.error({ err: error, duty: name }, 'a duty of this worker broke; it starts again');
        if (duty.held === held) duty.held = undefined;
      });
  }
}
