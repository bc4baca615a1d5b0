import type pg from 'pg';
import {
  BEGINNING,
  type Appended,
  type Batch,
  type EventMetadata,
  type EventStore,
  type Position,
  type RecordedEvent,
} from '#kernel';
import type { SealedEvent } from '../vault.js';
import { GroupCommit } from './group-commit.js';
import { GroupRead, type StreamRow } from './group-read.js';
import { reached } from './pool.js';
import { Wakeup } from '../wakeup.js';

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
const COLUMNS = 'position, stream, revision, id, type, data, metadata, recorded_at';

const recorded = ({ position, stream, revision, id, type, data, metadata, recorded_at }: Row): RecordedEvent => ({
  position,
  stream,
  revision,
  id,
  type,
  data,
  metadata,
  recordedAt: recorded_at.toISOString(),
});

/**
 * The log in PostgreSQL. Positions come in commit order with any number of writing processes (see migrate.ts).
 * The pool is the caller's, who ends it after {@link close}; while anybody follows, one of its connections listens.
 */
export class PostgresEventStore implements EventStore {
  private readonly commits: GroupCommit;
  private readonly reads: GroupRead<Row & StreamRow>;
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
    this.reads = new GroupRead(pool, COLUMNS, PAGE);
    this.wakeup = new Wakeup({ head: () => this.head(), listen: (heard, gone) => this.listen(heard, gone) }, pollMs);
  }

  /** Openings that events bring along go into the vault of this database, in the transaction that appends the events. */
  append(stream: string, expectedRevision: number, events: readonly SealedEvent[]): Promise<Appended> {
    return this.commits.append(stream, expectedRevision, events);
  }

  async readStream(stream: string, from = 0): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await this.reads.read(stream, from + events.length);
      events.push(...page.map(recorded));
      if (page.length < PAGE) return events;
    }
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    // Not a named statement, for the reason that GroupRead gives.
    const { rows } = await reached(
      this.pool.query<Row>(`select ${COLUMNS} from log.events where position > $1 order by position limit $2`, [
        after,
        limit,
      ]),
    );
    return { events: rows.map(recorded), position: rows.at(-1)?.position ?? after };
  }

  async head(): Promise<Position> {
    const { rows } = await reached(this.pool.query<{ position: string }>('select position from log.head'));
    return rows[0]!.position;
  }

  follow(after: Position, signal: AbortSignal, limit = 500): AsyncIterable<Batch> {
    return this.wakeup.follow((from, count) => this.readAll(from, count), after, signal, limit);
  }

  /** Waits for appends that were begun. Followers end by their own signals. */
  async close(): Promise<void> {
    await this.commits.idle();
  }

  private async listen(heard: (head: Position) => void, gone: () => void): Promise<() => void> {
    const client = await this.pool.connect();
    client.on('notification', ({ payload }) => heard(payload ?? BEGINNING));
    client.on('error', gone);
    client.on('end', gone);
    const hangUp = () => client.release(true);
    await client.query('listen peygir_log').catch((error: unknown) => {
      hangUp();
      throw error;
    });
    return hangUp;
  }
}
