import { hash, randomBytes } from 'node:crypto';
import type { AnyDecider, DataClass } from './decider.js';
import { canonicalJson } from './json.js';
import { splitStream, type NewEvent } from './messages.js';

/**
 * Sealed fields. What a command class marks with {@link Sealed} is personal or confidential: the event, which nobody can
 * change any more, holds `{ "$sealed": C }` in its place, and a vault that can be erased holds salt and value.
 *
 *     C = base64( SHA-256( salt ‖ UTF-8 of the RFC 8785 canonical JSON of the value ) ),   salt: 16 random bytes
 *
 * The salt has a fixed length, so there is one way only to read the bytes that are hashed, and C opens to one value.
 * The salt is random and kept nowhere but beside its value. A salt derived from a key of the deployment would have saved
 * keeping it, but whoever has that key could make it again, and a legal id is guessed in a minute when its salt is
 * known: nothing would have been erased. A retried append may therefore bring another commitment than the first try;
 * the log keeps one of the two, and openings are found by their commitment.
 */
export const SEALED = '$sealed';
export const SALT_BYTES = 16;

/** What stands for an erased text, wherever that text is read. A text itself: whatever reads texts survives it. */
export const ERASED = '⟦پاک شد · erased⟧';

/** What opens one commitment. `path` is where the value stood in the event's data: `needs[0].statement`. */
export interface Opening {
  path: string;
  commitment: Buffer;
  salt: Buffer;
  value: string;
}

export interface Seal {
  [SEALED]: string;
}

export const commitmentOf = (salt: Uint8Array, value: unknown): Buffer =>
  hash('sha256', Buffer.concat([salt, Buffer.from(canonicalJson(value))]), 'buffer');

const marked = new WeakMap<object, Map<string, (() => DataClass) | 'text'>>();

function mark(prototype: object, key: string | symbol, what: (() => DataClass) | 'text'): void {
  const marks = marked.get(prototype) ?? new Map();
  marked.set(prototype, marks.set(key as string, what));
}

/** Marks a text, or a list of texts, as personal or confidential. */
export const Sealed = (): PropertyDecorator => (target, key) => mark(target, key, 'text');

/** A list whose elements may have sealed fields of their own; `ListOf` says so by itself. */
export const SealedWithin =
  (type: () => DataClass): PropertyDecorator =>
  (target, key) =>
    mark(target, key, type);

/** Which members of a body are sealed, and which are lists of bodies that have such. */
type Plan = ReadonlyMap<string, Plan | 'text'>;

/** Undefined when nothing is sealed. */
export function planOf(type: DataClass): Plan | undefined {
  const plan = new Map<string, Plan | 'text'>();
  for (let at: object | null = type.prototype as object; at; at = Object.getPrototypeOf(at) as object | null) {
    for (const [key, what] of marked.get(at) ?? []) {
      const found = what === 'text' ? what : planOf(what());
      if (found && !plan.has(key)) plan.set(key, found);
    }
  }
  return plan.size > 0 ? plan : undefined;
}

export type Sealing = (event: NewEvent, stream: string) => { event: NewEvent; openings: Opening[] };

/** Seals what the classes of these deciders' commands mark, by the command that an event came from. */
export function sealing(deciders: readonly Pick<AnyDecider, 'aggregate' | 'commands'>[]): Sealing {
  const plans = new Map<string, Plan>();
  for (const { aggregate, commands } of deciders) {
    for (const [name, { data }] of Object.entries(commands)) {
      const plan = planOf(data);
      if (plan) plans.set(`${aggregate} ${name}`, plan);
    }
  }
  return (event, stream) => {
    const plan = plans.get(`${splitStream(stream)[0]} ${event.metadata.command}`);
    const openings: Opening[] = [];
    return plan ? { event: { ...event, data: sealed(event.data, plan, '', openings) }, openings } : { event, openings };
  };
}

function sealed(value: any, plan: Plan | 'text', path: string, openings: Opening[]): unknown {
  if (Array.isArray(value)) return value.map((item, index) => sealed(item, plan, `${path}[${index}]`, openings));
  if (plan === 'text') {
    if (typeof value !== 'string') return value;
    const salt = randomBytes(SALT_BYTES);
    const commitment = commitmentOf(salt, value);
    openings.push({ path, commitment, salt, value });
    return { [SEALED]: commitment.toString('base64') } satisfies Seal;
  }
  if (value === null || typeof value !== 'object') return value;
  const copy = { ...value };
  for (const [key, within] of plan) {
    if (copy[key] !== undefined) copy[key] = sealed(copy[key], within, path ? `${path}.${key}` : key, openings);
  }
  return copy;
}

export const isSeal = (value: object): value is Seal => typeof (value as Seal)[SEALED] === 'string';

/** Every seal in an event's data as they are stored, with its path; and what stands there in `beside`, the data put together. */
export function* sealsIn(
  stored: unknown,
  beside?: any,
  path = '',
): Generator<[path: string, commitment: string, value: unknown]> {
  if (stored === null || typeof stored !== 'object') return;
  if (Array.isArray(stored)) {
    for (const [index, item] of stored.entries()) yield* sealsIn(item, beside?.[index], `${path}[${index}]`);
  } else if (isSeal(stored)) {
    yield [path, stored[SEALED], beside];
  } else {
    for (const [key, member] of Object.entries(stored)) {
      yield* sealsIn(member, beside?.[key], path ? `${path}.${key}` : key);
    }
  }
}

/** Whether there is any: reading looks at every event, so this makes nothing. */
export function hasSeals(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasSeals);
  for (const key in value) if (key === SEALED || hasSeals((value as Record<string, unknown>)[key])) return true;
  return false;
}

/** The same with each seal replaced by what it opens to. What holds none is not copied. */
export function unsealed(value: unknown, open: (commitment: string) => unknown): any {
  if (!hasSeals(value)) return value;
  if (Array.isArray(value)) return value.map((item) => unsealed(item, open));
  if (isSeal(value as object)) return open((value as Seal)[SEALED]);
  return Object.fromEntries(Object.entries(value as object).map(([key, member]) => [key, unsealed(member, open)]));
}

/** `needs[0].statement` is of the field `needs[].statement`, and of `needs`. */
export function isOfField(path: string, field: string): boolean {
  const plain = path.replace(/\[\d+\]/g, '[]');
  return [path, plain].some(
    (each) => each === field || (each.startsWith(field) && /^[.[]/.test(each.slice(field.length))),
  );
}
