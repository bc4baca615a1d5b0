import { derivedId, type Instant, type RecordedEvent, type Role } from '#kernel';
import type { Rhythm } from '#calendar';

/**
 * Something outside resolutions that somebody waits for: a ministry's answer, the check of an outcome. It is a duty of
 * `owner` until a fact ends it, and from its first day on the owner is asked again and again.
 *
 * Asking changes nothing in the stream that is waited for; that it was done is the fact `NoticeSent`. So whatever could
 * not be sent, or was lost, is still to be asked.
 */
export interface Watch {
  /** Names the duty: `ask-again`, `check-outcome`. */
  duty: string;
  /** By event type, what begins with it; what runs already in the same stream begins anew. */
  begins: Readonly<Record<string, (event: RecordedEvent) => Begun | undefined>>;
  /** Event types of the same stream that end it. */
  ends: readonly string[];
}

export interface Begun extends Pick<Rhythm, 'after' | 'every'> {
  owner: Role;
  /** Where it is found. Whoever reads duties reads these ids. */
  about: {
    resolution?: string;
    obligation?: string;
    case?: string;
    referral?: string;
    notice?: string;
    recipient?: string;
    reason?: string;
  };
  /** What a letter adds, such as who is silent. */
  detail?: string;
}

export interface Waiting extends Begun {
  duty: string;
  /** The event that began it, and when that happened. */
  event: string;
  since: Instant;
  /** The import it came with: nobody is asked while that runs. */
  import?: string;
  /** Askings so far, those of which nobody could be told included; of how many somebody was told; when the last was. */
  rounds: number;
  told: number;
  lastAt?: Instant;
}

/** The id of the next asking, under which it is told and recorded: found twice, it is one. */
export const askId = ({ event, rounds }: Pick<Waiting, 'event' | 'rounds'>): string =>
  derivedId('ask', event, rounds + 1);

/** The askings that an event ends: those that it says were told, or never will be. */
const asksOver = ({ type, data }: RecordedEvent): readonly string[] =>
  type === 'NoticeSent' || (type === 'NoticeFailed' && data.final) ? data.events : [];

/** Every event type that matters to these watches. */
export const typesOf = (watches: readonly Watch[]): string[] => [
  ...new Set([
    ...watches.flatMap(({ begins, ends }) => [...Object.keys(begins), ...ends]),
    'NoticeSent',
    'NoticeFailed',
  ]),
];

/** Where {@link Waitings} has to know what these events may touch: by id, or by the asking that is next. */
export const touchedBy = (watches: readonly Watch[], events: readonly RecordedEvent[]) => ({
  ids: events.flatMap(({ stream }) => watches.map(({ duty }) => `${duty}/${stream}`)),
  asks: events.flatMap(asksOver),
});

/** What is waited for, folded from the log: `<duty>/<stream>` → how it stands. */
export class Waitings {
  readonly all = new Map<string, Waiting>();
  private readonly byAsk = new Map<string, string>();

  constructor(
    private readonly watches: readonly Watch[],
    known: Iterable<readonly [id: string, Waiting]> = [],
  ) {
    for (const [id, waiting] of known) this.set(id, waiting);
  }

  /** @returns ids of what the event began, ended or moved on */
  take(event: RecordedEvent): string[] {
    const { type, stream, metadata } = event;
    const { occurredAt: at, import: batch } = metadata;
    const touched: string[] = [];
    for (const { duty, begins, ends } of this.watches) {
      const begun = begins[type]?.(event);
      if (!begun && !ends.includes(type)) continue;
      const id = `${duty}/${stream}`;
      touched.push(id);
      const imported = batch !== undefined && { import: batch };
      this.set(id, begun && { ...begun, duty, event: event.id, since: at, ...imported, rounds: 0, told: 0 });
    }
    for (const ask of asksOver(event)) {
      const id = this.byAsk.get(ask);
      if (id === undefined) continue;
      touched.push(id);
      const { rounds, told, ...rest } = this.all.get(id)!;
      this.set(id, { ...rest, rounds: rounds + 1, told: told + (type === 'NoticeSent' ? 1 : 0), lastAt: at });
    }
    return touched;
  }

  private set(id: string, waiting: Waiting | undefined): void {
    const before = this.all.get(id);
    if (before) this.byAsk.delete(askId(before));
    if (!waiting) return void this.all.delete(id);
    this.all.set(id, waiting);
    this.byAsk.set(askId(waiting), id);
  }
}
