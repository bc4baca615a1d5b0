import {
  BACKWARDS,
  END,
  jsonEvent,
  START,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type EventStoreDBClient,
  type JSONEventType,
  type ReadPosition,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BEGINNING,
  comparePositions,
  NO_STREAM,
  Refused,
  StoreUnavailable,
  WrongRevision,
  type Appended,
  type Batch,
  type EventMetadata,
  type EventStore,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from '#kernel';
import { EsdbConnection, within } from './esdb-connection.js';
import { Wakeup } from './wakeup.js';

export interface EsdbOptions {
  /** Aggregates whose streams are ours; whatever else lives in the cluster is passed over. */
  aggregates: readonly string[];
  /** How long one attempt may stay without an answer, and how long a read is tried again. */
  deadlineMs?: number;
  /** How long an append whose outcome is unknown is tried again, with the same ids, before its caller is told. */
  patienceMs?: number;
  pollMs?: number;
}

/** What the server takes in one append, by its default (24.10, 25.0). */
const MAX_APPEND_BYTES = 1024 * 1024;
/** A page full of what others wrote is followed by one four times as large, up to this. */
const LARGEST_PAGE = 1024;
/** Only the leader knows the true end. A node that no longer leads says who does, and the client goes there. */
const OF_LEADER = { requiresLeader: true };

type Row = JSONEventType<string, NewEvent['data'], EventMetadata>;
type Resolved = ResolvedEvent<Row>;
type Reading<E> = AsyncIterable<E> & { destroy(error: Error): unknown; cancel(): Promise<void> };

/**
 * The log in EventStoreDB or KurrentDB. It appends at exact revisions and reads; a subscription only says that there is
 * more to read, so a checkpoint never runs ahead of what was processed and a lost subscription loses nothing.
 */
export class EsdbEventStore implements EventStore {
  private readonly connection: EsdbConnection;
  private readonly prefixes: string[];
  private readonly deadlineMs: number;
  private readonly patienceMs: number;
  private readonly wakeup: Wakeup;
  /** The last event of ours among all up to `upTo`. */
  private known: { upTo: Position; head: Position } = { upTo: BEGINNING, head: BEGINNING };

  constructor(url: string, { aggregates, deadlineMs = 3_000, patienceMs = 10_000, pollMs = 5_000 }: EsdbOptions) {
    this.connection = EsdbConnection.to(url);
    this.prefixes = aggregates.map((aggregate) => `${aggregate}-`);
    this.deadlineMs = deadlineMs;
    this.patienceMs = patienceMs;
    this.wakeup = new Wakeup({ head: () => this.head(), listen: (heard, gone) => this.listen(heard, gone) }, pollMs);
  }

  async append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended> {
    if (events.length === 0) throw new RangeError('There is nothing to append.');
    const bytes = events.reduce((sum, event) => sum + sizeOf(event), 0);
    if (bytes > MAX_APPEND_BYTES) throw tooLarge(bytes, MAX_APPEND_BYTES);
    const revision = expectedRevision + events.length;
    try {
      const { nextExpectedRevision, position } = await persistently(
        () => this.appendOnce(stream, expectedRevision, events),
        this.patienceMs,
      );
      // The server begins a stream anew that was deleted softly, where it had ended.
      if (Number(nextExpectedRevision) !== revision) throw lost(stream, 'what it began with is');
      return { revision, position: position?.commit.toString() ?? (await this.positionOf(stream, revision)) };
    } catch (error) {
      const { type, maxAppendSize = 0 } = error as { type?: string; maxAppendSize?: number };
      if (type === 'wrong-expected-version') throw new WrongRevision(stream, expectedRevision);
      if (type === 'stream-deleted') throw lost(stream, 'it is', error);
      if (type === 'maximum-append-size-exceeded') throw tooLarge(bytes, maxAppendSize);
      throw error;
    }
  }

  async readStream(stream: string, from = 0): Promise<RecordedEvent[]> {
    try {
      const found = await this.read((client) =>
        client.readStream<Row>(stream, { fromRevision: BigInt(from), ...OF_LEADER }),
      );
      const events = found.map(recorded);
      if (events.length === 0 && from === 0) throw lost(stream, 'all its events are');
      if (events[0] && events[0].revision !== from) throw lost(stream, `its events before ${events[0].revision} are`);
      return events;
    } catch (error) {
      const { type } = error as { type?: string };
      if (type === 'stream-deleted') throw lost(stream, 'it is', error);
      if (type !== 'stream-not-found') throw error;
      if (await this.wasThere(stream)) throw lost(stream, 'it is', error);
      return [];
    }
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    const events: RecordedEvent[] = [];
    for (let [position, least] = [after, 1]; ; least = Math.min(4 * least, LARGEST_PAGE)) {
      // Reading includes the event at the position it begins with.
      const maxCount = Math.max(limit - events.length, least) + 1;
      const page = await this.pageOfAll({ maxCount, fromPosition: at(position) });
      for (const event of page) {
        if (comparePositions(positionIn(event), position) <= 0) continue;
        if (this.isOurs(event)) {
          if (events.length === limit) return { events, position };
          events.push(recorded(event));
        }
        position = positionIn(event);
      }
      if (events.length === limit || page.length < maxCount) return { events, position };
    }
  }

  async head(): Promise<Position> {
    const { upTo, head } = this.known;
    let last: Position | undefined;
    let fromPosition: ReadPosition = END;
    for (let maxCount = 16; ; maxCount = Math.min(4 * maxCount, LARGEST_PAGE)) {
      const page = await this.pageOfAll({ maxCount, fromPosition, direction: BACKWARDS });
      if (page.length === 0) return head;
      last ??= positionIn(page[0]!);
      const found = page.find((event) => this.isOurs(event) || comparePositions(positionIn(event), upTo) <= 0);
      if (found) {
        const newer = comparePositions(positionIn(found), upTo) > 0 ? positionIn(found) : head;
        this.known = { upTo: last, head: newer };
        return newer;
      }
      fromPosition = at(positionIn(page.at(-1)!));
    }
  }

  follow(after: Position, signal: AbortSignal, limit = 500): AsyncIterable<Batch> {
    return this.wakeup.follow((from, count) => this.readAll(from, count), after, signal, limit);
  }

  async close(): Promise<void> {
    await this.connection.release();
  }

  private appendOnce(stream: string, expectedRevision: number, events: readonly NewEvent[]) {
    return this.connection.append(
      (client) =>
        client.appendToStream(
          stream,
          events.map(({ id, type, data, metadata }) => jsonEvent({ id, type, data, metadata })),
          {
            expectedRevision: expectedRevision === NO_STREAM ? 'no_stream' : BigInt(expectedRevision),
            // An instant of our clock, on the server's. The deadline that counts is our own.
            deadline: Infinity,
            ...OF_LEADER,
          },
        ),
      this.deadlineMs,
    );
  }

  private async positionOf(stream: string, revision: number): Promise<Position> {
    const [found] = await this.read((client) =>
      client.readStream<Row>(stream, { fromRevision: BigInt(revision), maxCount: 1, ...OF_LEADER }),
    );
    return positionIn(found!);
  }

  /** Whether the stream that is not found has been deleted: the server keeps what says so. */
  private async wasThere(stream: string): Promise<boolean> {
    try {
      const [last] = await this.read((client) =>
        client.readStream(`$$${stream}`, { fromRevision: END, direction: BACKWARDS, maxCount: 1, ...OF_LEADER }),
      );
      return Object.hasOwn((last?.event?.data ?? {}) as object, '$tb');
    } catch (error) {
      if ((error as { type?: string }).type === 'stream-not-found') return false;
      throw error;
    }
  }

  private async pageOfAll(options: Parameters<EventStoreDBClient['readAll']>[0]): Promise<Resolved[]> {
    return (await this.read((client) => client.readAll({ ...options, ...OF_LEADER }) as never)) as Resolved[];
  }

  private read<E>(start: (client: EventStoreDBClient) => Reading<E>): Promise<E[]> {
    return persistently(() => this.connection.use((client) => this.collect(start(client))), this.deadlineMs);
  }

  /** To the end, or until nothing came for too long. */
  private async collect<E>(reading: Reading<E>): Promise<E[]> {
    const timer = setTimeout(() => {
      reading.destroy(new StoreUnavailable(`The log did not answer within ${this.deadlineMs} ms.`));
      void reading.cancel().catch(() => {});
    }, this.deadlineMs);
    try {
      const events: E[] = [];
      for await (const event of reading) {
        timer.refresh();
        events.push(event);
      }
      return events;
    } finally {
      clearTimeout(timer);
    }
  }

  private isOurs({ event }: Resolved): boolean {
    // A deletion by hand leaves an event of the server's own in the stream.
    if (event === undefined || event.type.startsWith('$')) return false;
    return this.prefixes.some((prefix) => event.streamId.startsWith(prefix));
  }

  private async listen(heard: (head: Position) => void, gone: () => void): Promise<() => void> {
    return this.connection.use(async (client, broken) => {
      const subscription = client.subscribeToAll(
        { fromPosition: END, filter: streamNameFilter({ prefixes: this.prefixes }), ...OF_LEADER },
        { highWaterMark: 1 },
      );
      subscription.on('data', (resolved: AllStreamResolvedEvent) => heard(positionIn(resolved as Resolved)));
      const hangUp = () => void subscription.unsubscribe().catch(() => {});
      subscription.on('error', broken).on('error', gone).on('close', gone);
      const confirmation = new Promise((confirmed, failed) =>
        subscription.once('confirmation', confirmed as () => void).once('error', failed),
      );
      await within(this.deadlineMs, confirmation).catch((error: unknown) => {
        hangUp();
        throw error;
      });
      return hangUp;
    });
  }
}

/** Again, while only the way there fails. An account that is refused is none the better for it. */
async function persistently<T>(attempt: () => Promise<T>, patienceMs: number): Promise<T> {
  const until = Date.now() + patienceMs;
  for (let waitMs = 20; ; waitMs *= 2) {
    try {
      return await attempt();
    } catch (error) {
      const refused = ((error as Error).cause as { type?: string } | undefined)?.type === 'access-denied';
      if (!(error instanceof StoreUnavailable) || refused || Date.now() + waitMs > until) throw error;
      await pause(waitMs);
    }
  }
}

const tooLarge = (bytes: number, limit: number): Refused =>
  new Refused('too-large', `An append of ${bytes} bytes is over the log's limit of ${limit}.`, 413);

/** The engine never deletes: somebody did, by the store's own means, and no verdict can be founded on the rest. */
const lost = (stream: string, what: string, cause?: unknown): Error =>
  new Error(`${stream} was tampered with in the event store: ${what} deleted.`, { cause });

const positionIn = ({ event }: Resolved): Position => event!.position!.commit.toString();

const at = (position: Position): ReadPosition =>
  position === BEGINNING ? START : { commit: BigInt(position), prepare: BigInt(position) };

const recorded = (resolved: Resolved): RecordedEvent => {
  const { id, type, data, metadata, streamId, revision, created } = resolved.event!;
  return {
    id,
    type,
    data,
    metadata: metadata as unknown as EventMetadata,
    stream: streamId,
    revision: Number(revision),
    position: positionIn(resolved),
    recordedAt: created.toISOString(),
  };
};

/** As the server counts: data, metadata, and the type in UTF-16. */
const sizeOf = ({ type, data, metadata }: NewEvent): number =>
  Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata)) + 2 * type.length;
