import type { Instant } from '#kernel';

export interface AsOf {
  /** What the engine knew then: by `recordedAt`. */
  asOf?: Instant;
  /** What was so then, in truth: by `occurredAt`, with facts that were registered later (up to `asOf`). */
  validAt?: Instant;
}

interface Dated {
  revision: number;
  recordedAt: Instant;
  metadata: { occurredAt: Instant };
}

/** The events of a stream on the two axes of time. In truth they stand in the order in which they happened. */
export function replayed<Event extends Dated>(events: readonly Event[], { asOf, validAt }: AsOf): Event[] {
  const known = asOf === undefined ? [...events] : events.filter(({ recordedAt }) => recordedAt <= asOf);
  if (validAt === undefined) return known;
  const so = known.filter(({ metadata }) => metadata.occurredAt <= validAt);
  return so.sort((a, b) =>
    a.metadata.occurredAt === b.metadata.occurredAt
      ? a.revision - b.revision
      : a.metadata.occurredAt < b.metadata.occurredAt
        ? -1
        : 1,
  );
}
