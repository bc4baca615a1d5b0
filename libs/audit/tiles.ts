import { joined, Malformed } from './note.js';
import { HASH_BYTES, isTreeSize, nodeHash, type Hash, type NodeReader } from './tree.js';

/** Tiles and entry bundles of c2sp.org/tlog-tiles. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
/** The length of an entry is written in two bytes. */
export const MAX_ENTRY_BYTES = 65_535;

/** `1234067` → `x001/x234/067`; a partial tile ends in `.p/<width>`. */
function indexPath(index: number, width: number): string {
  const groups = String(index)
    .padStart(Math.ceil(String(index).length / 3) * 3, '0')
    .match(/.{3}/g)!;
  const path = groups.map((group, place) => (place < groups.length - 1 ? `x${group}` : group)).join('/');
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

export const tilePath = (level: number, index: number, width = TILE_WIDTH): string =>
  `tile/${level}/${indexPath(index, width)}`;
export const entriesPath = (index: number, width = TILE_WIDTH): string => `tile/entries/${indexPath(index, width)}`;

/** Hashes in the tile at `level`, `index` of a tree of `size`: 256, fewer at the right edge, 0 beyond. */
export const tileWidth = (level: number, index: number, size: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH));

/** Every tile of a tree of `size`: level by level, left to right. */
export function* tilesOf(size: number): Generator<{ level: number; index: number; width: number }> {
  for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) {
    for (let index = 0, width = 0; (width = tileWidth(level, index, size)) > 0; index += 1)
      yield { level, index, width };
  }
}

/** Reads a tile's hashes, one after the other; at least `width` of them. */
export type TileReader = (level: number, index: number, width: number) => Promise<Uint8Array>;

/**
 * The nodes of a tree of `size` from its tiles. Each tile is read once.
 * @throws Malformed when a tile is too short
 */
export function nodesFrom(size: number, readTile: TileReader): NodeReader {
  const known = new Map<string, Promise<Hash[]>>();
  const tile = (level: number, index: number): Promise<Hash[]> => {
    const name = `${level}/${index}`;
    let hashes = known.get(name);
    if (!hashes) {
      const width = tileWidth(level, index, size);
      hashes = readTile(level, index, width).then((bytes) => hashesOf(bytes, width));
      known.set(name, hashes);
    }
    return hashes;
  };
  return async (height, index) => {
    const level = Math.floor(height / TILE_HEIGHT);
    const span = 2 ** (height % TILE_HEIGHT);
    const first = index * span;
    const hashes = await tile(level, Math.floor(first / TILE_WIDTH));
    const from = first % TILE_WIDTH;
    return perfectRoot(hashes.slice(from, from + span), span);
  };
}

function hashesOf(bytes: Uint8Array, width: number): Hash[] {
  if (bytes.length < width * HASH_BYTES) throw new Malformed(`is a tile of ${bytes.length} bytes for ${width} hashes`);
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

function perfectRoot(hashes: Hash[], count: number): Hash {
  if (hashes.length !== count) throw new Malformed('is a tile with hashes missing');
  while (hashes.length > 1)
    hashes = Array.from({ length: hashes.length / 2 }, (_, i) => nodeHash(hashes[2 * i]!, hashes[2 * i + 1]!));
  return hashes[0]!;
}

/** Entries, each after its length in two bytes. */
export function bundle(entries: readonly Uint8Array[]): Uint8Array {
  return joined(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) throw new Malformed(`is an entry of ${entry.length} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** @throws Malformed unless it is exactly `width` entries */
export function unbundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width && at + 2 <= bytes.length) {
    const end = at + 2 + bytes[at]! * 256 + bytes[at + 1]!;
    if (end > bytes.length) break;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== width || at !== bytes.length) {
    throw new Malformed(`holds ${entries.length} whole entries in ${at} of ${bytes.length} bytes, not ${width}`);
  }
  return entries;
}

/** Bytes that no bundle of `width` entries exceeds. */
export const bundleLimit = (width: number): number => (isTreeSize(width) ? width * (2 + MAX_ENTRY_BYTES) : 0);
