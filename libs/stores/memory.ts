import { EventEmitter, once } from 'node:events';
import {
  BEGINNING,
  comparePositions,
  WrongRevision,
  type Appended,
  type Batch,
  type Clock,
  type EventStore,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from '#kernel';

/** The log in memory: for `peygir simulate` and tests. Every append happens at once, so nothing is ever half done. */
export class MemoryEventStore implements EventStore {
  private readonly log: RecordedEvent[] = [];
  private readonly streams = new Map<string, RecordedEvent[]>();
  private readonly appended = new EventEmitter().setMaxListeners(0);
  private last = 0;

  /** `step` is the distance between positions: the contract promises order, never density. */
  constructor(private readonly options: { clock: Clock; step?: number }) {}

  async append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended> {
    const known = this.streams.get(stream) ?? [];
    if (known.length !== expectedRevision + 1) {
      const stand = events.every(({ id }, index) => known[expectedRevision + 1 + index]?.id === id);
      if (!stand || events.length === 0) throw new WrongRevision(stream, expectedRevision);
      const { revision, position } = known[expectedRevision + events.length]!;
      return { revision, position };
    }
    if (events.length === 0) throw new RangeError('There is nothing to append.');
    const recordedAt = this.options.clock.now();
    for (const event of events) {
      this.last += this.options.step ?? 1;
      const recorded: RecordedEvent = {
        // Through JSON, as every other log: a simulation must not see more than production would.
        ...(JSON.parse(JSON.stringify(event)) as NewEvent),
        stream,
        revision: known.length,
        position: String(this.last),
        recordedAt,
      };
      known.push(recorded);
      this.log.push(recorded);
    }
    this.streams.set(stream, known);
    this.appended.emit('appended');
    return { revision: known.length - 1, position: String(this.last) };
  }

  async readStream(stream: string, from = 0): Promise<RecordedEvent[]> {
    return this.streams.get(stream)?.slice(from) ?? [];
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    const start = this.indexAfter(after);
    const events = this.log.slice(start, start + limit);
    return { events, position: events.at(-1)?.position ?? after };
  }

  async head(): Promise<Position> {
    return this.log.at(-1)?.position ?? BEGINNING;
  }

  async *follow(after: Position, signal: AbortSignal, limit = 500): AsyncIterable<Batch> {
    while (!signal.aborted) {
      const batch = await this.readAll(after, limit);
      if (batch.events.length > 0) {
        after = batch.position;
        yield batch;
      } else {
        await once(this.appended, 'appended', { signal }).catch(() => {}); // rejects only when aborted
      }
    }
  }

  async close(): Promise<void> {}

  private indexAfter(after: Position): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePositions(this.log[middle]!.position, after) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
