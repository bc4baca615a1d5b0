import { randomUUID } from 'node:crypto';
import { SCHEMA_LOCK, type Sql } from '#kernel';
import { Problem } from './problem.js';

/** A batch lives this long after its last sign of life: its alarms must not wait for a loader that died. */
export const LEASE_SECONDS = 60;

export interface OpenImport {
  id: string;
  leaseSeconds: number;
}

/**
 * Imports, each kept by a lease on the database's time. While one is open, streams that it touched take no live
 * commands and their alarms wait (CONTRACT section 6). One that has ended, or whose lease ran out, never opens again.
 */
export class Imports {
  private readonly closed = new Set<string>();

  constructor(
    private readonly sql: Sql,
    private readonly leaseSeconds = LEASE_SECONDS,
  ) {}

  /** Creates the table. Safe with several starters. */
  async prepare(): Promise<void> {
    await this.sql.query(`${SCHEMA_LOCK}; create table if not exists imports (
      id uuid primary key, opened_by text not null, opened_at timestamptz not null default clock_timestamp(),
      lease_until timestamptz not null, ended_at timestamptz)`);
  }

  async open(by: string): Promise<OpenImport> {
    const id = randomUUID();
    await this.sql.query(
      `insert into imports (id, opened_by, lease_until)
       values ($1, $2, clock_timestamp() + $3 * interval '1 second')`,
      [id, by, this.leaseSeconds],
    );
    return { id, leaseSeconds: this.leaseSeconds };
  }

  /** @throws Problem 409 `import-ended` when it is open no more. */
  async renew(id: string): Promise<OpenImport> {
    const { rowCount } = await this.sql.query(
      `update imports set lease_until = clock_timestamp() + $2 * interval '1 second'
       where id::text = $1 and ended_at is null and lease_until > clock_timestamp()`,
      [id, this.leaseSeconds],
    );
    if (rowCount === 0)
      throw new Problem(409, 'import-ended', 'This import has ended or its lease ran out; open another.');
    return { id, leaseSeconds: this.leaseSeconds };
  }

  /** Again is no harm. @throws Problem 404 when there is no such import. */
  async end(id: string): Promise<void> {
    const { rowCount } = await this.sql.query(
      'update imports set ended_at = coalesce(ended_at, clock_timestamp()) where id::text = $1',
      [id],
    );
    if (rowCount === 0) throw new Problem(404, 'not-found', 'There is no such import.');
    this.closed.add(id);
  }

  /** Ids of all that run: what the waker leaves alone. */
  async running(): Promise<string[]> {
    const { rows } = await this.sql.query<{ id: string }>(
      'select id::text from imports where ended_at is null and lease_until > clock_timestamp()',
    );
    return rows.map(({ id }) => id);
  }

  /**
   * Alarms of its streams that are due and have not fired: 0 once what fell due while it ran is settled. Reads the
   * deadline projection's table, so whoever asks waits for that projection first.
   */
  async unsettled(id: string): Promise<number> {
    const { rows } = await this.sql.query<{ count: number }>(
      'select count(*)::int as count from due where import = $1 and at <= clock_timestamp()',
      [id],
    );
    return rows[0]!.count;
  }

  /** Whether streams of this import are still held. */
  async isOpen(id: string): Promise<boolean> {
    if (this.closed.has(id)) return false;
    const { rows } = await this.sql.query(
      'select from imports where id::text = $1 and ended_at is null and lease_until > clock_timestamp()',
      [id],
    );
    if (rows.length === 0) this.closed.add(id);
    return rows.length > 0;
  }
}
