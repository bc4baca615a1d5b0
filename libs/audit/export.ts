import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sealsIn } from '#kernel';
import { leafBytes, type Leaf } from './leaf.js';
import { base64, joined, parseSignedCheckpoint } from './note.js';
import { Disclosure, openingsPath, type OpeningPair, type Reader } from './openings.js';
import { formatProof } from './proof.js';
import { Rewritten } from './log.projection.js';
import { Selection, type Scope } from './scope.js';
import { bundle, entriesPath, nodesFrom, tilePath, TILE_WIDTH, tilesOf } from './tiles.js';
import { Frontier, inclusionProof, leafHash, sameHash, type Hash } from './tree.js';

export interface ExportOf {
  scope: Scope;
  /** The whole log in order, from the beginning each time it is asked for; what lies beyond the checkpoint is left out. */
  events(): AsyncIterable<Leaf>;
  /** The signed checkpoint that is exported, with its cosignatures. */
  checkpoint: string;
  /** Earlier ones, all that are kept. */
  kept: readonly string[];
  policy: string;
  /** What these streams add up to, by the operator's account. */
  claims(streams: ReadonlySet<string>): object;
  receipts?: readonly string[];
  /** For whom it is; oversight when not given, which may read everything. */
  reader?: Reader;
  /** What opens these commitments (base64) as far as it was not erased. Without it nothing that is sealed is disclosed. */
  open?(commitments: readonly string[]): Promise<ReadonlyMap<string, { salt: Uint8Array; value: string }>>;
  /** Undefined when it is not stored here; then it is listed without its bytes. */
  evidence?(sha256: string): Promise<Uint8Array | undefined>;
  /** Other files by name: the verifier, FORMAT.md. */
  files: Readonly<Record<string, string>>;
}

/**
 * Writes a folder that proves itself. The tiles are made from the events that are written, not copied, so what the log
 * says now is compared with what was signed before anything leaves the house.
 * @throws Rewritten when the log is not what the checkpoint says
 */
export async function writeExport(dir: string, of: ExportOf): Promise<{ entries: number; size: number }> {
  const { checkpoint } = parseSignedCheckpoint(of.checkpoint);
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  };
  const json = (path: string, value: unknown) => write(path, `${JSON.stringify(value, null, 1)}\n`);
  const everything = of.scope.kind === 'all';

  const selection = new Selection(of.scope);
  const disclosure = new Disclosure(of.reader ?? 'oversight', of.scope.kind === 'agency' ? of.scope.id : undefined);
  const tree = Frontier.empty();
  const tiles = new Map<string, Hash[]>();
  const keep = (height: number, index: number, hash: Hash) => {
    if (height % 8 > 0) return;
    const name = `${height / 8}/${Math.floor(index / TILE_WIDTH)}`;
    const hashes = tiles.get(name) ?? [];
    hashes.push(hash);
    tiles.set(name, hashes);
  };
  let pending: Uint8Array[] = [];
  const flush = () => {
    if (everything && pending.length > 0) {
      write(entriesPath(Math.floor((tree.size - 1) / TILE_WIDTH), pending.length), bundle(pending));
    }
    pending = [];
  };
  for await (const event of of.events()) {
    if (tree.size === checkpoint.size) break;
    const leaf = leafBytes(event);
    tree.append(leafHash(leaf), keep);
    selection.see(event);
    disclosure.see(event);
    pending.push(leaf);
    if (pending.length === TILE_WIDTH) flush();
  }
  flush();
  if (tree.size !== checkpoint.size || !sameHash(tree.root(), checkpoint.root)) throw new Rewritten(checkpoint.size);
  for (const { level, index, width } of tilesOf(tree.size)) {
    write(tilePath(level, index, width), joined(...tiles.get(`${level}/${index}`)!));
  }

  const chosen = selection.close();
  const nodes = nodesFrom(tree.size, async (level, index) => joined(...tiles.get(`${level}/${index}`)!));
  const evidence = new Map<string, object>();
  const entries: number[] = [];
  const streams = new Set<string>();
  let place = 0;
  // What the entries of one tile disclose, by commitment.
  let sealed: { index: number; path: string; commitment: string }[] = [];
  const disclose = async (tile: number) => {
    const known = await of.open?.(sealed.map(({ commitment }) => commitment));
    const openings: Record<string, Record<string, OpeningPair>> = {};
    for (const { index, path, commitment } of sealed) {
      const opening = known?.get(commitment);
      if (opening) (openings[index] ??= {})[path] = [base64(opening.salt), opening.value];
    }
    if (Object.keys(openings).length > 0) json(openingsPath(tile), openings);
    sealed = [];
  };
  for await (const event of of.events()) {
    if (place === tree.size) break;
    const index = place++;
    if (index > 0 && index % TILE_WIDTH === 0 && sealed.length > 0) await disclose(index / TILE_WIDTH - 1);
    if (!chosen(event.stream)) continue;
    entries.push(index);
    streams.add(event.stream);
    if (event.stored && disclosure.shows(event)) {
      for (const [path, commitment] of sealsIn(event.stored)) sealed.push({ index, path, commitment });
    }
    if (!everything) {
      const extra = leafBytes(event);
      const hashes = await inclusionProof(index, tree.size, nodes);
      write(`entries/${index}.json`, extra);
      write(`entries/${index}.tlog-proof`, formatProof({ index, hashes, checkpoint: of.checkpoint, extra }));
    }
    for (const { sha256, name, mediaType, bytes } of event.type === 'AgencyComplied'
      ? (event.data.evidence ?? [])
      : []) {
      if (evidence.has(sha256)) continue;
      const content = await of.evidence?.(sha256);
      if (content) write(`evidence/${sha256}`, content);
      evidence.set(sha256, { sha256, name, mediaType, bytes, stream: event.stream, included: content !== undefined });
    }
  }
  if (sealed.length > 0) await disclose(Math.floor((tree.size - 1) / TILE_WIDTH));
  json('entries.json', everything ? [] : entries);
  json('evidence.json', [...evidence.values()]);
  json('checkpoints.json', of.kept);
  json('receipts.json', of.receipts ?? []);
  json('claims.json', of.claims(streams));
  json('export.json', {
    format: 'peygir-export/1',
    scope: of.scope,
    reader: of.reader ?? 'oversight',
    size: tree.size,
  });
  write('checkpoint', of.checkpoint);
  write('policy', of.policy);
  for (const [name, content] of Object.entries(of.files)) write(name, content);
  return { entries: entries.length, size: tree.size };
}
