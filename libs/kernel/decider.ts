import type { Actor, Fact, Instant, Message, RecordedEvent, Role } from './messages.js';

/** A class-validator class: one definition serves the type, the validation and the OpenAPI schema of a command. */
export type DataClass<Data extends object = object> = new () => Data;

/** An event as a decider makes it: the handler adds ids, actor and instants. */
export interface Decided extends Message<string, any> {
  /** When it happened, if that is earlier than the command (late truth, settling). */
  at?: Instant;
  /**
   * Set for what the engine itself did (settling): names the fact, so that its id is the same whoever finds it.
   * The handler derives the event id from the stream and these parts.
   */
  engine?: readonly (string | number)[];
}

/** What is asked of one decider, after shape and role were checked. */
export interface Asked<Data = any> {
  name: string;
  /** The id within the aggregate: `facilitation-9-3` of `resolution-facilitation-9-3`. */
  id: string;
  data: Data;
  actor: Actor;
  /** The instant of deciding: max(now, the stream's latest). */
  now: Instant;
  /** Real time, for `firedAt`: equal to `now` unless the command belongs to an import. */
  realNow: Instant;
  /** Only with late truth: when it happened and the document that says so. Before `now`. */
  occurredAt?: Instant;
  document?: string;
  /** True inside an import or a simulation, where a registrar may do more. */
  importing: boolean;
}

/** Reads other streams to their true end, for `context`. Folded states are cached and topped up; they must not be changed. */
export interface Reads {
  /** `revision` is -1 and `state` the initial one when there is no such stream. */
  state<S>(
    decider: Pick<AnyDecider<S>, 'aggregate' | 'initial' | 'evolve'>,
    id: string,
  ): Promise<{ state: S; revision: number }>;
}

export interface CommandRule<S = any, X = any, Data extends object = any> {
  /** The shape of the body. */
  data: DataClass<Data>;
  /** Who may send it: 403 `forbidden` for others. */
  roles: readonly Role[];
  /** What is his own: throws Refused.forbidden. Runs after loading and before the state table. */
  own?(asked: Asked<Data>, state: S, context: X): void;
  /** New facts; `[]` when it is already so; throws Refused when it may not be. */
  decide(asked: Asked<Data>, state: S, context: X): Decided[];
  /** What the command said, from what its first event says, where that is more than leaving out unknown fields. */
  recall?(data: any): object;
  /** An import or a late truth may date this command earlier than now (CONTRACT section 2, "Who dates what"). */
  lateTruth?: true;
}

/**
 * An aggregate: pure, no I/O, no clock, no randomness. `state` of a stream without events is `initial`.
 */
export interface AnyDecider<S = any, X = any> {
  aggregate: string;
  initial: S;
  /** MUST NOT change `state`: the kit freezes it. */
  evolve(state: S, fact: Fact, event?: RecordedEvent): S;
  commands: Readonly<Record<string, CommandRule<S, X, any>>>;
  /** Facts of other streams that deciding needs. Called for every attempt, so a retry sees the present. */
  context?(asked: Asked, state: S, reads: Reads): Promise<X>;
  /**
   * What was already due at `asked.now`, in the order of instants (CONTRACT section 4, *Settling*).
   * The handler calls it before deciding and again after, and appends its events in the same append.
   */
  settle?(asked: Asked, state: S, context: X, phase: 'before' | 'after'): Decided[];
}
