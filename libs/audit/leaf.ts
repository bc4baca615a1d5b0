import { canonicalJson, isCanonical, type EventMetadata, type Instant, type Position } from '#kernel';
import { Malformed, textOf, utf8 } from './note.js';
import { MAX_ENTRY_BYTES } from './tiles.js';

/** An event as the log proves it: all of it. */
export interface Leaf {
  stream: string;
  revision: number;
  position: Position;
  id: string;
  type: string;
  data: any;
  metadata: EventMetadata;
  recordedAt: Instant;
  /** The data with commitments, when `data` are put together. */
  stored?: any;
}

/**
 * The bytes that are hashed: RFC 8785 canonical JSON of exactly these members, sealed fields as commitments.
 * @throws Malformed when they are more than an entry can hold, which the limit on an event's data keeps from happening
 */
export function leafBytes({
  stream,
  revision,
  position,
  id,
  type,
  stored,
  data,
  metadata,
  recordedAt,
}: Leaf): Uint8Array {
  const bytes = utf8(
    canonicalJson({ stream, revision, position, id, type, data: stored ?? data, metadata, recordedAt }),
  );
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new Malformed(`${stream} revision ${revision} has ${bytes.length} bytes; a leaf holds ${MAX_ENTRY_BYTES}`);
  }
  return bytes;
}

const STRINGS = ['stream', 'position', 'id', 'type', 'recordedAt'] as const;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The event of a leaf. @throws Malformed unless it is one, in the canonical spelling and with nothing added */
export function parseLeaf(bytes: Uint8Array): Leaf {
  const text = textOf(bytes);
  let leaf: Leaf;
  try {
    leaf = JSON.parse(text) as Leaf;
  } catch {
    throw new Malformed('is not JSON');
  }
  const whole =
    leaf !== null &&
    typeof leaf === 'object' &&
    STRINGS.every((name) => typeof leaf[name] === 'string') &&
    Number.isSafeInteger(leaf.revision) &&
    leaf.revision >= 0 &&
    /^\d{1,30}$/.test(leaf.position) &&
    isObject(leaf.data) &&
    isObject(leaf.metadata) &&
    isObject(leaf.metadata.actor) &&
    typeof leaf.metadata.actor.id === 'string' &&
    typeof leaf.metadata.actor.role === 'string' &&
    INSTANT.test(leaf.metadata.occurredAt) &&
    INSTANT.test(leaf.recordedAt);
  if (!whole) throw new Malformed('is not an event');
  if (Object.keys(leaf).length !== 8 || !isCanonical(leaf, text)) throw new Malformed('is not in canonical form');
  return leaf;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
