import type { AnyDecider, Reads } from './decider.js';
import type { EventStore } from './event-store.js';
import { NO_STREAM } from './event-store.js';
import { factOf, streamOf, type Actor, type Instant, type Position, type RecordedEvent } from './messages.js';

/** What one command left in its stream: the answer to a repeat. */
export interface Trace {
  hash: string;
  revision: number;
  position: Position;
  events: { id: string; type: string }[];
}

export interface Loaded<S = any> {
  state: S;
  revision: number;
  position: Position;
  /** The latest `occurredAt` of the stream; '' when it is empty. */
  latest: Instant;
  /** Instant of the first event; '' when it is empty. */
  beginning: Instant;
  /** By {@link traceKey}. */
  traces: ReadonlyMap<string, Trace>;
  /** Whether every event so far came with an import, and with which the last one came. */
  onlyImports: boolean;
  lastImport?: string;
  /** Of the last event. */
  correlationId?: string;
}

/** A caller chooses its commandIds freely; those that the engine derives are another room, so that nobody can sit in its place. */
export const traceKey = (actor: Actor, commandId: string): string =>
  `${actor.role === 'engine' ? 'engine' : 'caller'} ${commandId}`;

/**
 * Streams folded to their true end. What was folded is kept and topped up with what came since, so a long calendar is
 * not read again for each command. Safe because states are immutable and a stream only grows.
 */
export class Loader implements Reads {
  /** By decider, as two may fold one stream differently; within it by stream, least recently used first. */
  private caches = new WeakMap<object, Map<string, Loaded>>();

  constructor(
    private readonly store: Pick<EventStore, 'readStream'>,
    private readonly capacity = 1_000,
  ) {}

  async load<S>(decider: Pick<AnyDecider<S>, 'aggregate' | 'initial' | 'evolve'>, id: string): Promise<Loaded<S>> {
    const stream = streamOf(decider.aggregate, id);
    const cache = this.cacheOf(decider);
    const known: Loaded<S> = cache.get(stream) ?? {
      state: decider.initial,
      revision: NO_STREAM,
      position: '0',
      latest: '',
      beginning: '',
      traces: new Map(),
      onlyImports: true,
    };
    const events = await this.store.readStream(stream, known.revision + 1);
    if (events.length === 0 && known.revision === NO_STREAM) return known;
    const loaded = events.length === 0 ? known : fold(decider, known, events);
    cache.delete(stream);
    cache.set(stream, loaded);
    if (cache.size > this.capacity) cache.delete(cache.keys().next().value!);
    return loaded;
  }

  /** What was read is read again: something of it was erased. */
  forget(): void {
    this.caches = new WeakMap();
  }

  private cacheOf(decider: object): Map<string, Loaded> {
    let cache = this.caches.get(decider);
    if (!cache) this.caches.set(decider, (cache = new Map()));
    return cache;
  }

  async state<S>(decider: Pick<AnyDecider<S>, 'aggregate' | 'initial' | 'evolve'>, id: string) {
    const { state, revision } = await this.load(decider, id);
    return { state, revision };
  }
}

function fold<S>(decider: Pick<AnyDecider<S>, 'evolve'>, from: Loaded<S>, events: readonly RecordedEvent[]): Loaded<S> {
  const traces = new Map(from.traces);
  let { state, latest, onlyImports, lastImport } = from;
  for (const event of events) {
    const { commandId, commandHash, occurredAt } = event.metadata;
    state = decider.evolve(state, factOf(event), event);
    if (occurredAt > latest) latest = occurredAt;
    onlyImports &&= event.metadata.import !== undefined;
    lastImport = event.metadata.import;
    const key = traceKey(event.metadata.actor, commandId);
    const before = traces.get(key)?.events ?? [];
    traces.set(key, {
      hash: commandHash,
      revision: event.revision,
      position: event.position,
      events: [...before, { id: event.id, type: event.type }],
    });
  }
  const last = events.at(-1)!;
  return {
    state,
    revision: last.revision,
    position: last.position,
    latest,
    beginning: from.beginning || events[0]!.metadata.occurredAt,
    traces,
    onlyImports,
    lastImport,
    correlationId: last.metadata.correlationId,
  };
}
