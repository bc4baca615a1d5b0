import { derivedId } from './ids.js';
import { ENGINE, streamOf, type RecordedEvent } from './messages.js';
import type { Order } from './decide.js';
import type { Reads } from './decider.js';

/** A command that a policy wants sent to another stream because of an event. */
export interface Wanted {
  aggregate: string;
  id: string;
  name: string;
  data: object;
}

/**
 * Facts cross streams by policies only, at least once: the commandId is derived from the policy and the event, so the
 * receiving stream recognises the second one. A policy has no state of its own; it may read streams to their end.
 */
export interface Policy {
  /** Stable: it is part of the derived command ids. */
  name: string;
  /** Event types it listens to. */
  on: readonly string[];
  /** The commands, in the order in which they are to be sent. They carry the cause's `occurredAt`. */
  react(event: RecordedEvent, reads: Reads & PolicyReads): Promise<Wanted[]> | Wanted[];
}

/** Questions about many streams at once, answered by the deadline projection (production) or by memory (simulation). */
export interface PolicyReads {
  /** Ids of resolutions with an open obligation whose clock or offices depend on this calendar, by code point. */
  resolutionsOnCalendar(calendar: string): Promise<string[]>;
}

/**
 * The orders of one policy for one event. Each commandId names the policy, the event, the receiving stream and the
 * command's place among those for it, so it is the same however often and in whatever company the command is wanted.
 */
export function ordersOf(policy: Pick<Policy, 'name'>, event: RecordedEvent, wanted: readonly Wanted[]): Order[] {
  const places = new Map<string, number>();
  return wanted.map(({ aggregate, id, name, data }) => {
    const stream = streamOf(aggregate, id);
    const place = places.get(stream) ?? 0;
    places.set(stream, place + 1);
    const { occurredAt, correlationId, import: batch } = event.metadata;
    return {
      aggregate,
      id,
      name,
      data,
      actor: ENGINE,
      commandId: derivedId('policy', policy.name, event.id, stream, place),
      at: occurredAt,
      causationId: event.id,
      correlationId,
      ...(batch !== undefined && { import: batch }),
    };
  });
}
