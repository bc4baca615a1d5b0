import type pg from 'pg';
import type { Appended, Batch, EventMetadata, EventStore, NewEvent, Position, RecordedEvent } from '#kernel';
import { GroupCommit } from './group-commit.js';
import { reached } from './pool.js';
import { Wakeup } from './wakeup.js';

const PAGE = 1_000;

interface Row {
  position: string;
  stream: string;
  revision: number;
  id: string;
  type: string;
  data: unknown;
  metadata: EventMetadata;
  recorded_at: Date;
}

/**
 * The log in PostgreSQL. Positions come in commit order with any number of writing processes (see migrate.ts).
 * The pool is the caller's, who ends it after {@link close}; while anybody follows, one of its connections listens.
 */
export class PostgresEventStore implements EventStore {
  private readonly commits: GroupCommit;
  private readonly wakeup: Wakeup;

  /**
   * `patienceMs`: how long an append whose outcome is unknown is tried again, with the same ids, before its caller is
   * told. `pollMs`: how often followers look at the log without having been told of anything new.
   */
  constructor(
    private readonly pool: pg.Pool,
    { patienceMs = 5_000, pollMs = 5_000 }: { patienceMs?: number; pollMs?: number } = {},
  ) {
    this.commits = new GroupCommit(pool, patienceMs);
    this.wakeup = new Wakeup(pool, () => this.head(), pollMs);
  }

  append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended> {
    return this.commits.append(stream, expectedRevision, events);
  }

  async readStream(stream: string, from = 0): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await this.read('stream-page', 'stream = $1 and revision >= $2 order by revision limit $3', [
        stream,
        from + events.length,
        PAGE,
      ]);
      events.push(...page);
      if (page.length < PAGE) return events;
    }
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    const events = await this.read('log-page', 'position > $1 order by position limit $2', [after, limit]);
    return { events, position: events.at(-1)?.position ?? after };
  }

  async head(): Promise<Position> {
    const { rows } = await reached(this.pool.query<{ position: string }>('select position from log.head'));
    return rows[0]!.position;
  }

  async *follow(after: Position, signal: AbortSignal, limit = 500): AsyncIterable<Batch> {
    this.wakeup.join();
    try {
      while (!signal.aborted) {
        const batch = await this.readAll(after, limit);
        if (batch.events.length > 0) {
          after = batch.position;
          yield batch;
        } else {
          await this.wakeup.beyond(after, signal);
        }
      }
    } finally {
      this.wakeup.leave();
    }
  }

  /** Waits for appends that were begun. Followers end by their own signals. */
  async close(): Promise<void> {
    await this.commits.idle();
  }

  private async read(name: string, where: string, values: unknown[]): Promise<RecordedEvent[]> {
    const text = `select position, stream, revision, id, type, data, metadata, recorded_at from log.events where ${where}`;
    const { rows } = await reached(this.pool.query<Row>({ name, text, values }));
    return rows.map(({ recorded_at, ...event }) => ({ ...event, recordedAt: recorded_at.toISOString() }));
  }
}
