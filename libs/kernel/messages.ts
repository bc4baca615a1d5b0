/**
 * The words every part of the engine shares: who acts, what was asked, what happened.
 * Everything here is plain JSON, so that it survives a queue, a freeze and a diff.
 */

export const ROLES = [
  'admin',
  'governor',
  'deputy',
  'secretary',
  'expert',
  'oversight',
  'agency',
  'unit',
  'registrar',
  'engine',
] as const;
export type Role = (typeof ROLES)[number];

/** ISO 8601, UTC, milliseconds: such strings compare as the instants they name. */
export type Instant = string;

/** An opaque decimal string that only grows along the log; compare with {@link comparePositions}. */
export type Position = string;

export interface Actor {
  id: string;
  role: Role;
  /** The agency this person belongs to: an `agency` acts only on what it owes; anybody else from it never judges it. */
  agency?: string;
  unit?: string;
  /** In an import: the office the registrar acted for. */
  onBehalfOf?: { id: string; role: Role };
}

export const ENGINE: Actor = Object.freeze({ id: 'engine', role: 'engine' });

export interface EventMetadata {
  commandId: string;
  /** The command's name, so that it can be decided again (`check-upgrade`) and an auditor sees what was asked. */
  command: string;
  /** HMAC-SHA-256 of the command's body under the deployment's key: it answers a repeat and betrays nothing. */
  commandHash: string;
  correlationId: string;
  causationId: string;
  actor: Actor;
  province: string;
  /** When it happened; `recordedAt` is when the engine learned of it. */
  occurredAt: Instant;
  schemaVersion: number;
  /** The import this event came with, if any (CONTRACT section 6): live commands and imports never mix in one stream. */
  import?: string;
}

export interface Message<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
}

export interface NewEvent extends Message<string, any> {
  /** UUID; the same id appended twice at the same revision is one event. */
  id: string;
  metadata: EventMetadata;
}

export interface RecordedEvent extends NewEvent {
  stream: string;
  /** Counts from 0 without gaps within the stream. */
  revision: number;
  position: Position;
  recordedAt: Instant;
  /** With sealed fields: the data as they are stored, commitments in place of values (sealed.ts). What proofs are about. */
  stored?: any;
}

/** What an event looks like to a decider: what happened, when, and by whom. Deciders never see ids or positions of their own. */
export interface Fact<Type extends string = string, Data = any> extends Message<Type, Data> {
  at: Instant;
  by: Actor;
}

export const factOf = (event: NewEvent): Fact => ({
  type: event.type,
  data: event.data,
  at: event.metadata.occurredAt,
  by: acting(event.metadata.actor),
});

/** In an import the registrar acts for an office; rules look at the office. */
export function acting(actor: Actor): Actor {
  if (!actor.onBehalfOf) return actor;
  const { onBehalfOf, ...person } = actor;
  return { ...person, id: onBehalfOf.id, role: onBehalfOf.role };
}

export const streamOf = (aggregate: string, id: string): string => `${aggregate}-${id}`;

/** `session-facilitation-9` → `['session', 'facilitation-9']`. Aggregate names have no hyphen. */
export function splitStream(stream: string): [aggregate: string, id: string] {
  const at = stream.indexOf('-');
  return at < 0 ? [stream, ''] : [stream.slice(0, at), stream.slice(at + 1)];
}

export function comparePositions(a: Position, b: Position): number {
  return a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length;
}

/** By code point, not by UTF-16 unit and not by locale: the order CONTRACT section 6 asks for. Ids are ASCII, so `<` is it. */
export const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
