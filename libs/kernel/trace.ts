import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';
import type { EventMetadata, RecordedEvent } from './messages.js';

/**
 * Traces, off until somebody takes the spans ({@link traceTo}). Events carry no trace context of their own: a trace is
 * what has one correlationId, however many processes and weeks lie between, and the append that an event came with is
 * named by the command that made it. So whoever has the event can go on where the append ended.
 */
export interface Span {
  name: string;
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  id: string;
  parent?: string;
  kind: 'server' | 'internal' | 'producer' | 'consumer';
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  attributes: Readonly<Record<string, string | number>>;
  error?: string;
}

export type Place = Pick<Span, 'traceId' | 'id'>;

interface About {
  /** Names the trace; absent: the one that this goes on in. */
  correlationId?: string;
  /** What it follows; by default whatever goes on in this process. */
  parent?: string;
  id?: string;
  kind?: Span['kind'];
  attributes?: Span['attributes'];
}

let take: ((span: Span) => void) | undefined;
const current = new AsyncLocalStorage<Place>();

/** From now on every span goes to `taker`, when it has ended; undefined for nobody. Of the whole process. */
export function traceTo(taker: ((span: Span) => void) | undefined): void {
  take = taker;
}

export const isTracing = (): boolean => take !== undefined;

const hex = (text: string, digits: number): string => createHash('sha256').update(text).digest('hex').slice(0, digits);

/** A UUID is found again by its own digits, and so is the trace that a caller began. */
export function traceIdOf(correlationId: string): string {
  const digits = correlationId.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) && !/^0+$/.test(digits) ? digits : hex(correlationId, 32);
}

/** The span of the append that brought this event. What was settled came with the command that caused it. */
export const appendOf = ({ command, commandId, causationId }: EventMetadata): string =>
  appendBy(command === 'Settle' ? causationId : commandId);
export const appendBy = (commandId: string): string => hex(commandId, 16);

/** Does `work`, and tells whoever takes spans how long it took and how it ended. */
export async function span<T>(name: string, about: About, work: () => Promise<T>): Promise<T> {
  if (!take) return work();
  const done = begin(name, about);
  try {
    const result = await current.run(done.place, work);
    done();
    return result;
  } catch (error) {
    done(error);
    throw error;
  }
}

/** For what does not begin and end in one function. Call it when it has ended. */
export function begin(
  name: string,
  { correlationId, parent, id = randomBytes(8).toString('hex'), kind = 'internal', attributes = {} }: About,
) {
  const from = Date.now();
  const within = current.getStore();
  const place = { traceId: correlationId ? traceIdOf(correlationId) : (within?.traceId ?? hex(id, 32)), id };
  const follows = parent ?? (within?.traceId === place.traceId ? within.id : undefined);
  const done = (error?: unknown, more: Span['attributes'] = {}) =>
    take?.({
      ...place,
      name,
      kind,
      from,
      to: Date.now(),
      attributes: { ...attributes, ...more },
      ...(follows !== undefined && { parent: follows }),
      ...(error !== undefined && { error: reasonOf(error) }),
    });
  return Object.assign(done, { place, within: <T>(work: () => T): T => current.run(place, work) });
}

/** One span in the trace of each append that these events came with, as long as `work` on all of them took. */
export async function spanOfEach<T>(
  name: string,
  events: readonly RecordedEvent[],
  work: () => Promise<T>,
): Promise<T> {
  if (!take) return work();
  const appends = new Map(events.map(({ metadata }) => [appendOf(metadata), metadata.correlationId]));
  const all = [...appends].map(([parent, correlationId]) => begin(name, { correlationId, parent, kind: 'consumer' }));
  try {
    const result = await work();
    for (const done of all) done();
    return result;
  } catch (error) {
    for (const done of all) done(error);
    throw error;
  }
}

/** Never the message: a refusal may quote what is in a case. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.name;
};
