import { sha256 } from './platform.js';

/**
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, incremental append, proofs and their verification.
 * Pure; where the tree is stored is the business of tiles.ts and log.projection.ts.
 */
export type Hash = Uint8Array;
export const HASH_BYTES = 32;

/** Sizes are counted in doubles. 2^48 leaves would take a province some millions of years. */
export const MAX_TREE_SIZE = 2 ** 48;
/** tlog-witness allows no longer consistency proof; no inclusion proof below {@link MAX_TREE_SIZE} is longer. */
export const MAX_PROOF_LENGTH = 63;

/** The root of the tree without leaves. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

export function leafHash(entry: Uint8Array): Hash {
  const bytes = new Uint8Array(1 + entry.length);
  bytes.set(entry, 1);
  return sha256(bytes);
}

const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 1;
export function nodeHash(left: Hash, right: Hash): Hash {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

export function sameHash(a: Hash, b: Hash): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export const isTreeSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0 && size <= MAX_TREE_SIZE;

/** The right edge of a growing tree: roots of its perfect subtrees, largest first. An append is O(log n). */
export class Frontier {
  private constructor(
    private count: number,
    private readonly edge: { height: number; hash: Hash }[],
  ) {}

  static empty(): Frontier {
    return new Frontier(0, []);
  }

  /** The frontier of the first `size` leaves of a tree whose nodes can be read. */
  static async resume(size: number, read: NodeReader): Promise<Frontier> {
    const edge: { height: number; hash: Hash }[] = [];
    for (const { height, index } of perfectSubtrees(0, size)) edge.push({ height, hash: await read(height, index) });
    return new Frontier(size, edge);
  }

  get size(): number {
    return this.count;
  }

  /** @param completed is told of every perfect subtree that this leaf completes, smallest (the leaf itself) first. */
  append(leaf: Hash, completed?: (height: number, index: number, hash: Hash) => void): void {
    let entry = { height: 0, hash: leaf };
    let index = this.count;
    completed?.(0, index, leaf);
    for (let last = this.edge.at(-1); last?.height === entry.height; last = this.edge.at(-1)) {
      this.edge.pop();
      entry = { height: entry.height + 1, hash: nodeHash(last.hash, entry.hash) };
      index = Math.floor(index / 2);
      completed?.(entry.height, index, entry.hash);
    }
    this.edge.push(entry);
    this.count += 1;
  }

  root(): Hash {
    return foldRoots(this.edge.map(({ hash }) => hash));
  }
}

/** The hash of a range from the roots of its perfect subtrees, largest first; that of nothing is {@link EMPTY_ROOT}. */
const foldRoots = (roots: readonly Hash[]): Hash =>
  roots.length === 0 ? EMPTY_ROOT : roots.reduceRight((right, left) => nodeHash(left, right));

/** The perfect subtrees that leaves `[start, end)` consist of, in order; `start` is a multiple of the first one's size. */
function perfectSubtrees(start: number, end: number): { height: number; index: number }[] {
  const found: { height: number; index: number }[] = [];
  for (let at = start; at < end;) {
    let height = 0;
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= end) height += 1;
    found.push({ height, index: at / 2 ** height });
    at += 2 ** height;
  }
  return found;
}

/** Reads the root of the perfect subtree of `2^height` leaves that is the `index`th of its height. */
export type NodeReader = (height: number, index: number) => Hash | Promise<Hash>;

/** MTH of the leaves `[start, end)`, as it occurs in a tree. */
export async function rangeRoot(start: number, end: number, read: NodeReader): Promise<Hash> {
  const roots: Hash[] = [];
  for (const { height, index } of perfectSubtrees(start, end)) roots.push(await read(height, index));
  return foldRoots(roots);
}

/** The largest power of two smaller than `size` (≥ 2). */
function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** RFC 6962 section 2.1.1, from the leaf's sibling up. @throws RangeError when there is no such leaf */
export async function inclusionProof(index: number, size: number, read: NodeReader): Promise<Hash[]> {
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size) throw new RangeError(`no leaf ${index} of ${size}`);
  const path: Hash[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push(await rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(await rangeRoot(start, middle, read));
      start = middle;
    }
  }
  return path.reverse();
}

/** RFC 6962 section 2.1.2; empty from size 0 and between equal sizes. @throws RangeError when `older` is the larger */
export async function consistencyProof(older: number, newer: number, read: NodeReader): Promise<Hash[]> {
  if (!isTreeSize(older) || !isTreeSize(newer) || older > newer)
    throw new RangeError(`no tree of ${older} in ${newer}`);
  if (older === 0 || older === newer) return [];
  const path: Hash[] = [];
  let [start, end] = [0, newer];
  while (older !== end) {
    const middle = start + split(end - start);
    if (older <= middle) {
      path.push(await rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(await rangeRoot(start, middle, read));
      start = middle;
    }
  }
  if (start > 0) path.push(await rangeRoot(start, end, read));
  return path.reverse();
}

const wellFormed = (proof: readonly Hash[], ...roots: Hash[]): boolean =>
  proof.length <= MAX_PROOF_LENGTH && [...proof, ...roots].every((hash) => hash.length === HASH_BYTES);

const half = (n: number): number => Math.floor(n / 2);

/** One step of a proof: the sibling, on which side it stands, and the node above the two. */
export interface Step {
  sibling: Hash;
  side: 'left' | 'right';
  above: Hash;
}

/** The way up that a proof tells of, RFC 9162 section 2.1.3.2. Undefined for whatever cannot be one. */
export function climb(index: number, size: number, leaf: Hash, proof: readonly Hash[]): Step[] | undefined {
  if (!isTreeSize(size) || !isTreeSize(index) || index >= size || !wellFormed(proof, leaf)) return undefined;
  const steps: Step[] = [];
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (sn === 0) return undefined;
    const left = fn % 2 === 1 || fn === sn;
    hash = left ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    steps.push({ sibling, side: left ? 'left' : 'right', above: hash });
    if (left) while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? steps : undefined;
}

/** False for whatever is not exactly the proof. */
export function verifyInclusion(index: number, size: number, leaf: Hash, proof: readonly Hash[], root: Hash): boolean {
  const steps = climb(index, size, leaf, proof);
  return steps !== undefined && sameHash(steps.at(-1)?.above ?? leaf, root);
}

/** RFC 9162 section 2.1.4.2; from size 0 only with the empty root and an empty proof. */
export function verifyConsistency(
  older: number,
  newer: number,
  proof: readonly Hash[],
  olderRoot: Hash,
  newerRoot: Hash,
): boolean {
  if (!isTreeSize(older) || !isTreeSize(newer) || older > newer || !wellFormed(proof, olderRoot, newerRoot))
    return false;
  if (newer === 0 && !sameHash(newerRoot, EMPTY_ROOT)) return false;
  if (older === newer) return proof.length === 0 && sameHash(olderRoot, newerRoot);
  if (older === 0) return proof.length === 0 && sameHash(olderRoot, EMPTY_ROOT);
  const whole = Number.isInteger(Math.log2(older)) ? [olderRoot, ...proof] : proof;
  const [first, ...rest] = whole;
  if (!first || proof.length === 0) return false;
  let [fn, sn] = [older - 1, newer - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [from, to] = [first, first];
  for (const hash of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      from = nodeHash(hash, from);
      to = nodeHash(hash, to);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      to = nodeHash(to, hash);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && sameHash(from, olderRoot) && sameHash(to, newerRoot);
}
