import { canonicalJson, ERASED, hasSeals, sealsIn, splitStream, unsealed } from '#kernel';
import type { Leaf } from './leaf.js';
import { base64, fromBase64, joined, utf8 } from './note.js';
import { sha256 } from './platform.js';

/** Salt in base64, and the value. */
export type OpeningPair = readonly [salt: string, value: string];
/** By place of the entry, then by path in its data. */
export type Openings = Readonly<Record<string, Readonly<Record<string, OpeningPair>>>>;

/** The openings of one tile's entries. */
export const openingsPath = (tile: number): string => `openings/${tile}.json`;

const SALT_BYTES = 16;

/** Whether a commitment (base64) is of this salt and this value: see libs/kernel/sealed.ts. False for anything malformed. */
export function opensTo(commitment: string, pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2 || pair.some((part) => typeof part !== 'string')) return false;
  const [salt, value] = pair as unknown as OpeningPair;
  try {
    const bytes = fromBase64(salt);
    return bytes.length === SALT_BYTES && base64(sha256(joined(bytes, utf8(canonicalJson(value))))) === commitment;
  } catch {
    return false;
  }
}

/** For whom an export is: the openings in it are those of what they may read. */
export const READERS = ['oversight', 'agency', 'nobody'] as const;
export type Reader = (typeof READERS)[number];

/**
 * What an agency is shown of what is sealed: the cases of its obligations, what was said about its own obligations, and
 * who held the offices, without which nobody can check who acted. Not what visits found, who attended, others' notes.
 */
export class Disclosure {
  /** Who ever owed an obligation. */
  private readonly owners = new Set<string>();

  constructor(
    private readonly reader: Reader,
    private readonly agency?: string,
  ) {}

  /** Call it for every event first. */
  see({ stream, type, data }: Leaf): void {
    if (this.reader !== 'agency') return;
    const owed = type === 'ResolutionIssued' ? data.obligations : type === 'ObligationReassigned' ? [data] : [];
    for (const { id, obligation = id, agency } of owed) if (agency === this.agency) this.owners.add(`${stream} ${obligation}`); // prettier-ignore
  }

  shows({ stream, data }: Leaf): boolean {
    if (this.reader !== 'agency') return this.reader === 'oversight';
    const [aggregate] = splitStream(stream);
    return aggregate === 'case' || aggregate === 'workingGroup' || this.owners.has(`${stream} ${data.obligation}`);
  }
}

/** An entry put together as far as it is disclosed, and how many of its texts are. `false`: a path and why it is wrong. */
export interface Opened {
  leaf: Leaf;
  opened: number;
  /** Paths of what stays closed. */
  closed: string[];
  false: string[];
}

export function openLeaf(leaf: Leaf, openings: Readonly<Record<string, OpeningPair>> = {}): Opened {
  const found: Opened = { leaf, opened: 0, closed: [], false: [] };
  const values = new Map<string, string>();
  const paths = new Set<string>();
  if (hasSeals(leaf.data)) {
    for (const [path, commitment] of sealsIn(leaf.data)) {
      paths.add(path);
      if (!Object.hasOwn(openings, path)) found.closed.push(path);
      else if (opensTo(commitment, openings[path])) values.set(commitment, openings[path]![1]);
      else found.false.push(path);
    }
    found.opened = values.size;
    found.leaf = { ...leaf, data: unsealed(leaf.data, (commitment) => values.get(commitment) ?? ERASED) };
  }
  found.false.push(...Object.keys(openings).filter((path) => !paths.has(path)));
  return found;
}
