import type { NewEvent, Position, RecordedEvent } from './messages.js';

/** The expected revision of a stream that must not exist yet. */
export const NO_STREAM = -1;

/** Before the first event of the log. */
export const BEGINNING: Position = '0';

export interface Appended {
  /** Revision of the last event appended. */
  revision: number;
  /** Position of the last event appended. */
  position: Position;
}

/** A run of the log in global order. `position` is how far the log has been read, which may be past the last event. */
export interface Batch {
  events: RecordedEvent[];
  position: Position;
}

/**
 * The only truth. Implementations: PostgreSQL, EventStoreDB, memory; one contract suite proves them all.
 *
 * MUST: events of one append are stored together or not at all, at consecutive revisions and in one run of positions.
 * MUST: positions grow in commit order: who has read up to P never sees an event at or before P appear afterwards.
 * MUST: an append whose event ids already stand at exactly those revisions succeeds and appends nothing.
 * MUST NOT: promise that positions are dense, or that a position means anything but order.
 */
export interface EventStore {
  /**
   * Appends at exactly `expectedRevision` (of the last event, {@link NO_STREAM} for a new stream).
   * @throws WrongRevision when the stream is elsewhere; StoreUnavailable when the outcome is unknown after own retries.
   */
  append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended>;

  /** Events of one stream from revision `from` (inclusive) to its true end; empty when there is no such stream. */
  readStream(stream: string, from?: number): Promise<RecordedEvent[]>;

  /** One page of the log after `after` (exclusive), at most `limit` events. */
  readAll(after: Position, limit: number): Promise<Batch>;

  /** Position of the last event of the log, {@link BEGINNING} when it is empty. */
  head(): Promise<Position>;

  /**
   * Follows the log after `after` (exclusive), batch by batch, waiting for more at the end, until `signal` aborts.
   * Every batch is asked for by the consumer: nothing runs ahead of what was processed.
   * @throws StoreUnavailable when the connection is lost; open again from your own checkpoint.
   */
  follow(after: Position, signal: AbortSignal, limit?: number): AsyncIterable<Batch>;

  close(): Promise<void>;
}
