import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  START,
  streamNameFilter,
  type AllStreamResolvedEvent,
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
import { Wakeup } from './wakeup.js';

export interface EsdbOptions {
  /** Aggregates whose streams are ours; whatever else lives in the cluster is passed over. */
  aggregates: readonly string[];
  /** How long one attempt may stay without an answer: the client itself would wait for ever. */
  deadlineMs?: number;
  /** How long an append whose outcome is unknown is tried again, with the same ids, before its caller is told. */
  patienceMs?: number;
  pollMs?: number;
}

/** What the server takes in one append, by its default (24.10, 25.0). */
const MAX_APPEND_BYTES = 1024 * 1024;

type Row = JSONEventType<string, NewEvent['data'], EventMetadata>;
type Resolved = ResolvedEvent<Row>;

/**
 * The log in EventStoreDB or KurrentDB. It appends at exact revisions and reads; a subscription only says that there is
 * more to read, so a checkpoint never runs ahead of what was processed and a lost subscription loses nothing.
 */
export class EsdbEventStore implements EventStore {
  private readonly client: EventStoreDBClient;
  private readonly prefixes: string[];
  private readonly deadlineMs: number;
  private readonly patienceMs: number;
  private readonly wakeup: Wakeup;

  constructor(
    private readonly url: string,
    { aggregates, deadlineMs = 3_000, patienceMs = 10_000, pollMs = 5_000 }: EsdbOptions,
  ) {
    this.client = acquire(url);
    this.prefixes = aggregates.map((aggregate) => `${aggregate}-`);
    this.deadlineMs = deadlineMs;
    this.patienceMs = patienceMs;
    this.wakeup = new Wakeup({ head: () => this.head(), listen: (heard, gone) => this.listen(heard, gone) }, pollMs);
  }

  async append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended> {
    if (events.length === 0) throw new RangeError('There is nothing to append.');
    const bytes = events.reduce((sum, event) => sum + sizeOf(event), 0);
    if (bytes > MAX_APPEND_BYTES) {
      throw new Refused(
        'too-large',
        `An append of ${bytes} bytes is over the log's limit of ${MAX_APPEND_BYTES}.`,
        413,
      );
    }
    const revision = expectedRevision + events.length;
    const until = Date.now() + this.patienceMs;
    for (let waitMs = 20; ; waitMs *= 2) {
      try {
        const appended = await this.appendOnce(stream, expectedRevision, events);
        // One event's position is the append's; of several, and of a repeat, only reading tells the last one's.
        const exact = events.length === 1 && waitMs === 20 ? appended.position?.commit : undefined;
        return { revision, position: exact?.toString() ?? (await this.positionOf(stream, revision)) };
      } catch (error) {
        const { type } = error as { type?: string };
        if (type === 'wrong-expected-version') throw new WrongRevision(stream, expectedRevision);
        if (type === 'stream-deleted') throw lost(stream, 'it is', error);
        const outage = unavailable(error);
        if (!outage || Date.now() + waitMs > until) throw outage ?? error;
        await pause(waitMs);
      }
    }
  }

  async readStream(stream: string, from = 0): Promise<RecordedEvent[]> {
    try {
      const fromRevision = BigInt(from);
      const events = (await this.collect(this.client.readStream<Row>(stream, { fromRevision }))).map(recorded);
      if (events[0] && events[0].revision !== from) throw lost(stream, `its events before ${events[0].revision} are`);
      return events;
    } catch (error) {
      const { type } = error as { type?: string };
      if (type === 'stream-not-found') return [];
      if (type === 'stream-deleted') throw lost(stream, 'it is', error);
      throw unavailable(error) ?? error;
    }
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    const events: RecordedEvent[] = [];
    for (let position = after; ;) {
      // Reading includes the event at the position it begins with.
      const maxCount = limit - events.length + 1;
      const page = await this.collectAll({ maxCount, fromPosition: at(position) });
      const fresh = page.filter((event) => comparePositions(positionIn(event), position) > 0);
      events.push(...fresh.filter((event) => this.isOurs(event)).map(recorded));
      position = fresh.length > 0 ? positionIn(fresh.at(-1)!) : position;
      if (events.length >= limit || page.length < maxCount) return { events, position };
    }
  }

  async head(): Promise<Position> {
    for (let fromPosition: ReadPosition = END; ;) {
      const page = await this.collectAll({ maxCount: 100, fromPosition, direction: BACKWARDS });
      const last = page.find((event) => this.isOurs(event));
      if (last || page.length === 0) return last ? positionIn(last) : BEGINNING;
      fromPosition = at(positionIn(page.at(-1)!));
    }
  }

  follow(after: Position, signal: AbortSignal, limit = 500): AsyncIterable<Batch> {
    return this.wakeup.follow((from, count) => this.readAll(from, count), after, signal, limit);
  }

  async close(): Promise<void> {
    await release(this.url);
  }

  private appendOnce(stream: string, expectedRevision: number, events: readonly NewEvent[]) {
    const sending = this.client.appendToStream(
      stream,
      events.map(({ id, type, data, metadata }) => jsonEvent({ id, type, data, metadata })),
      { expectedRevision: expectedRevision === NO_STREAM ? 'no_stream' : BigInt(expectedRevision) },
    );
    sending.catch(() => {}); // it may fail after we stopped waiting for it
    return Promise.race([sending, this.deadline()]);
  }

  private async deadline(): Promise<never> {
    await pause(this.deadlineMs, undefined, { ref: false });
    throw new StoreUnavailable(`The log did not answer within ${this.deadlineMs} ms.`);
  }

  private async positionOf(stream: string, revision: number): Promise<Position> {
    const found = await this.collect(
      this.client.readStream<Row>(stream, { fromRevision: BigInt(revision), maxCount: 1 }),
    );
    return positionIn(found[0]!);
  }

  private async collectAll(options: Parameters<EventStoreDBClient['readAll']>[0]): Promise<Resolved[]> {
    try {
      return (await this.collect(this.client.readAll(options) as never)) as Resolved[];
    } catch (error) {
      throw unavailable(error) ?? error;
    }
  }

  /** To the end, or until nothing came for too long. */
  private async collect<E>(
    reading: AsyncIterable<E> & { destroy(error: Error): unknown; cancel(): Promise<void> },
  ): Promise<E[]> {
    const silent = () => {
      reading.destroy(new StoreUnavailable(`The log did not answer within ${this.deadlineMs} ms.`));
      void reading.cancel().catch(() => {});
    };
    const timer = setTimeout(silent, this.deadlineMs);
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
    const subscription = this.client.subscribeToAll(
      { fromPosition: END, filter: streamNameFilter({ prefixes: this.prefixes }) },
      { highWaterMark: 1 },
    );
    subscription.on('data', (resolved: AllStreamResolvedEvent) => heard(positionIn(resolved as Resolved)));
    const hangUp = () => void subscription.unsubscribe().catch(() => {});
    subscription.on('error', gone).on('close', gone);
    await Promise.race([
      new Promise((confirmed, failed) =>
        subscription.once('confirmation', confirmed as () => void).once('error', failed),
      ),
      this.deadline(),
    ]).catch((error: unknown) => {
      hangUp();
      throw error;
    });
    return hangUp;
  }
}

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

const OUTAGES = ['unavailable', 'cancelled', 'timeout', 'deadline-exceeded', 'not-leader'];
/** gRPC: cancelled, deadline exceeded, aborted, unavailable. Some failures have a code and no type. */
const OUTAGE_CODES = [1, 4, 10, 14];

function unavailable(error: unknown): StoreUnavailable | undefined {
  if (error instanceof StoreUnavailable) return error;
  const { type = '', code = 0, message = '' } = error as { type?: string; code?: number; message?: string };
  const outage = OUTAGES.includes(type) || OUTAGE_CODES.includes(code) || /failed to discover/i.test(message);
  return outage ? new StoreUnavailable(`The log cannot be reached: ${message}`, { cause: error }) : undefined;
}

/**
 * The client keeps its books of pending appends in one place for the whole process: the broken stream of a second client
 * would reject the appends of the first. So there is one, shared by all stores.
 */
let shared: { url: string; client: EventStoreDBClient; users: number } | undefined;

function acquire(url: string): EventStoreDBClient {
  // A cluster is a list of hosts, which is no URL.
  const [, credentials, query] = /^[^/]*:\/\/([^@/?]*@)?[^?]*\??(.*)$/.exec(url) ?? [];
  const searchParams = new URLSearchParams(query);
  if (credentials && searchParams.get('tls') === 'false') {
    throw new Error('EVENT_STORE_URL has credentials and tls=false: they would be dropped without a word.');
  }
  if (searchParams.get('throwOnAppendFailure') === 'false') throw new Error('throwOnAppendFailure must stay true.');
  if (shared && shared.url !== url) throw new Error('One process speaks to one EventStoreDB.');
  shared ??= { url, client: EventStoreDBClient.connectionString(url), users: 0 };
  shared.users++;
  return shared.client;
}

async function release(url: string): Promise<void> {
  if (shared?.url !== url || --shared.users > 0) return;
  const { client } = shared;
  shared = undefined;
  await client.dispose();
}
