import {
  base64,
  bundleLimit,
  checkProof,
  entriesPath,
  Frontier,
  HASH_BYTES,
  hashFromBase64,
  leafHash,
  openingsPath,
  openLeaf,
  Malformed,
  MAX_ENTRY_BYTES,
  parseLeaf,
  parsePolicy,
  parseProof,
  parseSignedCheckpoint,
  parseVkey,
  sameHash,
  SCOPES,
  sha256,
  textOf,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  unbundle,
  whoSigned,
  type Checkpoint,
  type Hash,
  type Leaf,
  type Note,
  type Openings,
  type Policy,
  type Scope,
  type VerifierKey,
} from '#audit';
import { sameJson } from '#kernel';
import { Clocks } from './clocks.js';
import { Numbers } from './numbers.js';
import { People } from './people.js';
import { CODES, STAGES, type Code, type Finding, type Report } from './report.js';

/** The folder that is checked. Reading never takes more than `limit` bytes. */
export interface Source {
  /** Undefined when there is no such file. @throws Malformed when it is longer than `limit` */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
}

/** What the auditor brings along; none of it comes from the operator. */
export interface Brought {
  /** Verifier key of the log, from paper. */
  key?: string;
  /** A policy of one's own instead of the one in the folder. */
  policy?: string;
  /** A checkpoint of an earlier visit: the file, or size and root in base64. */
  since?: string | { size: number; root: string };
  /** Receipts that others were given. */
  receipts?: readonly { name: string; text: string }[];
}

const SMALL = 1_000_000;
const LARGE = 64_000_000;
const MAX_EVIDENCE = 25_000_000;
/** More of a kind are counted, not listed. */
const MAX_FINDINGS = 20;

/** Somebody knows the root of a size: an earlier visit, a kept checkpoint, a receipt. */
interface Known {
  size: number;
  root: Hash;
  code: Code;
  whose: string;
}

interface Manifest {
  format: string;
  scope: Scope;
  size: number;
}

export async function verify(
  source: Source,
  brought: Brought = {},
  progress: (done: number, of: number) => void = () => {},
): Promise<Report> {
  const findings: Finding[] = [];
  const notes: string[] = [];
  const counts = new Map<Code, number>();
  const find = (code: Code, detail: string) => {
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    if (count <= MAX_FINDINGS) findings.push({ code, detail: printable(detail) });
  };
  // The first is of the first stage that fails.
  const inOrder = () => findings.sort((a, b) => CODES[a.code][0] - CODES[b.code][0]);
  try {
    const visit = new Visit(source, brought, find, (note) => notes.push(note), progress);
    const checkpoint = await visit.all();
    return { findings: inOrder(), notes, stages: visit.stages, ...(checkpoint && { checkpoint }) };
  } catch (error) {
    // Whatever is in the folder, the answer is a verdict.
    find('unreadable', error instanceof Error ? error.message : String(error));
    return { findings: inOrder(), notes, stages: 0 };
  }
}

/** What comes out of the folder must not play with the terminal of whoever reads the verdict. */
const printable = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.slice(0, 500).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�');

class Visit {
  stages = 0;
  private manifest!: Manifest;
  private policy!: Policy;
  private note!: Note;
  private text!: string;
  private checkpoint!: Checkpoint;
  /** Those of this log that are believed. */
  private logKeys: readonly VerifierKey[] = [];
  private readonly clocks = new Clocks((leaf, what) => this.find('clock', `${place(leaf)}: ${what}`));
  private readonly people = new People();
  private readonly numbers = new Numbers((kind, leaf, what) => this.find(kind, `${place(leaf)}: ${what}`));
  private readonly evidence = new Map<string, { bytes: number; stream: string }>();
  private readonly known = new Map<number, Known[]>();
  private readonly receipts: { name: string; text: string }[] = [];
  /** Hashes of the entries that receipts speak of, as they are here. */
  private readonly receiptLeaves = new Map<number, Hash>();
  private lastRecordedAt = '';
  private disclosed = 0;
  /** What stays closed, by event and path; and what was erased, on the record. */
  private readonly closed = new Set<string>();
  private readonly erased = new Set<string>();

  constructor(
    private readonly source: Source,
    private readonly brought: Brought,
    private readonly find: (code: Code, detail: string) => void,
    private readonly say: (note: string) => void,
    private readonly progress: (done: number, of: number) => void,
  ) {}

  async all(): Promise<{ note: string; size: number; root: string; entries: number } | undefined> {
    await this.open();
    await this.signature();
    await this.collectKnown();
    const entries = await this.rebuild();
    const { kind, id } = this.manifest.scope;
    if (!this.everything) {
      this.say(`An export of ${kind} ${id}: what belongs to nothing else was not looked at.`);
      if (!this.numbers.has(`${kind}-${id}`)) this.find('stream-gap', `${kind}-${id} itself is not in its export`);
    }
    this.stages = 4;
    await this.quorum();
    await this.checkEvidence();
    this.tellSealed();
    if (this.lastRecordedAt) this.clocks.end(this.lastRecordedAt);
    await this.claims();
    this.checkReceipts();
    this.say(`${entries} entries, ${this.people.checked} acts, ${this.clocks.checked} clocks computed again`);
    this.stages = STAGES.length;
    return { note: this.text, size: this.checkpoint.size, root: base64(this.checkpoint.root), entries };
  }

  private tellSealed(): void {
    if (this.disclosed + this.closed.size === 0) return;
    const erased = [...this.closed].filter((one) => this.erased.has(one)).length;
    this.say(
      `${this.disclosed} sealed texts disclosed; ${this.closed.size} closed, of which ${erased} were erased on the record`,
    );
    if (this.people.unnamed > 0) this.say(`${this.people.unnamed} acts in offices whose holders' names are closed`);
  }

  private get everything(): boolean {
    return this.manifest.scope.kind === 'all';
  }

  private async needed(path: string, limit = SMALL): Promise<Uint8Array> {
    const bytes = await this.source.read(path, limit);
    if (!bytes) throw new Malformed(`${path} is missing`);
    return bytes;
  }

  private async json<T>(path: string, limit = SMALL): Promise<T> {
    try {
      return JSON.parse(textOf(await this.needed(path, limit))) as T;
    } catch (error) {
      throw error instanceof Malformed ? error : new Malformed(`${path} is not JSON`);
    }
  }

  private async open(): Promise<void> {
    this.manifest = await this.json<Manifest>('export.json');
    const { format, scope } = this.manifest ?? {};
    if (format !== 'peygir-export/1' || !SCOPES.some((kind) => kind === scope?.kind))
      throw new Malformed('export.json is of another format');
    this.policy = parsePolicy(this.brought.policy ?? textOf(await this.needed('policy')));
    this.text = textOf(await this.needed('checkpoint'));
    const { note, checkpoint } = parseSignedCheckpoint(this.text);
    this.note = note;
    this.checkpoint = checkpoint;
    if (checkpoint.size !== this.manifest.size)
      throw new Malformed('export.json and checkpoint are of different sizes');
  }

  /** 1: the log's own key. */
  private async signature(): Promise<void> {
    const keys = this.brought.key ? [parseVkey(this.brought.key)] : this.policy.logs.map(({ key }) => key);
    const mine = keys.filter(({ name }) => name === this.checkpoint.origin);
    this.logKeys = mine;
    if (mine.length === 0) this.find('other-log', `the checkpoint is of "${this.checkpoint.origin}"`);
    const { by, forged } = await whoSigned(this.note, mine);
    if (forged.length > 0) this.find('signature-forged', forged.map(({ name }) => name).join(', '));
    else if (mine.length > 0 && by.length === 0)
      this.find('other-key', `nobody of ${mine.map(({ id }) => id).join(', ')} signed it`);
    if (!this.brought.key && !this.brought.policy)
      this.say('The key came with the folder: compare it with the one you know.');
  }

  private async collectKnown(): Promise<void> {
    const { since } = this.brought;
    if (since !== undefined) {
      const { origin } = this.checkpoint;
      const earlier: Checkpoint =
        typeof since === 'string'
          ? parseSignedCheckpoint(since).checkpoint
          : { origin, size: since.size, root: hashFromBase64(since.root) };
      if (earlier.origin !== origin) this.find('other-log', `the earlier checkpoint is of "${earlier.origin}"`);
      const { size, root } = earlier;
      this.know({
        size,
        root,
        code: size === this.checkpoint.size ? 'split-view' : 'history-changed',
        whose: 'the earlier checkpoint',
      });
    }
    const kept = await this.json<string[]>('checkpoints.json', LARGE);
    for (const text of Array.isArray(kept) ? kept : []) {
      const { note, checkpoint } = parseSignedCheckpoint(String(text));
      const { by } = await whoSigned(note, this.logKeys);
      if (by.length === 0 && this.logKeys.length > 0)
        this.find('kept-checkpoint', `the kept checkpoint of size ${checkpoint.size} is not signed`);
      this.know({ ...checkpoint, code: 'kept-checkpoint', whose: `the kept checkpoint of size ${checkpoint.size}` });
    }
    const own = await this.json<string[]>('receipts.json', LARGE);
    this.receipts.push(
      ...(Array.isArray(own) ? own : []).map((text, i) => ({ name: `receipts.json ${i}`, text: String(text) })),
      ...(this.brought.receipts ?? []),
    );
    for (const { name, text } of this.receipts) {
      const [key] = this.logKeys;
      const proven = key ? await checkProof(text, undefined, key) : 'the log is not known';
      if (typeof proven === 'string') this.find('receipt-broken', `${name}: ${proven}`);
      else {
        this.know({ ...proven.checkpoint, code: 'receipt-other-history', whose: `the receipt ${name}` });
        this.receiptLeaves.set(proven.index, proven.checkpoint.root);
      }
    }
  }

  private know(one: Known): void {
    if (one.size > this.checkpoint.size) {
      const code = one.code === 'history-changed' ? 'shrunk' : one.code;
      this.find(code, `${one.whose} has ${one.size} entries, this log only ${this.checkpoint.size}`);
    } else {
      const same = this.known.get(one.size);
      if (same) same.push(one);
      else this.known.set(one.size, [one]);
    }
  }

  /** 2 and 3: the root from the entries; on the way every root that somebody knows; and 5, 7, 8 entry by entry. */
  private async rebuild(): Promise<number> {
    const { size, root } = this.checkpoint;
    const tree = Frontier.empty();
    const included = this.everything ? undefined : new Set(await this.json<number[]>('entries.json', LARGE));
    const compare = () => {
      for (const { root: theirs, code, whose } of this.known.get(tree.size) ?? []) {
        if (!sameHash(tree.root(), theirs))
          this.find(code, `${whose} has another root than the first ${tree.size} entries here`);
      }
    };
    compare();
    let entries = 0;
    for (let index = 0; index * TILE_WIDTH < size; index += 1) {
      const width = tileWidth(0, index, size);
      const tile = await this.needed(tilePath(0, index, width), width * HASH_BYTES);
      if (tile.length !== width * HASH_BYTES)
        throw new Malformed(`${tilePath(0, index, width)} has ${tile.length} bytes`);
      const path = entriesPath(index, width);
      const openings = await this.openings(index);
      const whole = included ? undefined : unbundle(await this.needed(path, bundleLimit(width)), width);
      for (let i = 0; i < width; i += 1) {
        const place_ = index * TILE_WIDTH + i;
        let hash: Hash = tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
        const entry =
          whole?.[i] ??
          (included?.has(place_) ? await this.needed(`entries/${place_}.json`, MAX_ENTRY_BYTES) : undefined);
        if (entry) {
          const own = leafHash(entry);
          if (!sameHash(own, hash)) this.find('entry-changed', `entry ${place_} is not what its tile says`);
          hash = own;
          this.take(entry, place_, Object.hasOwn(openings, place_) ? openings[place_] : undefined);
          entries += 1;
        }
        if (this.receiptLeaves.has(place_)) this.receiptLeaves.set(place_, hash);
        tree.append(hash);
        compare();
      }
      this.progress(Math.min(size, (index + 1) * TILE_WIDTH), size);
    }
    if (!sameHash(tree.root(), root))
      this.find('root', `the entries give ${base64(tree.root())}, the checkpoint says ${base64(root)}`);
    for (let level = 1; tileWidth(level, 0, size) > 0; level += 1) await this.upperTiles(level, size);
    return entries;
  }

  private async openings(tile: number): Promise<Openings> {
    const bytes = await this.source.read(openingsPath(tile), LARGE);
    const found: unknown = bytes && (await this.json(openingsPath(tile), LARGE));
    return found !== null && typeof found === 'object' ? (found as Openings) : {};
  }

  /** Tiles above the leaves are computed again from those below: others will build their proofs on them. */
  private async upperTiles(level: number, size: number): Promise<void> {
    for (let index = 0, width = 0; (width = tileWidth(level, index, size)) > 0; index += 1) {
      const path = tilePath(level, index, width);
      const tile = await this.needed(path, width * HASH_BYTES);
      for (let i = 0; i < width; i += 1) {
        const below = await this.needed(tilePath(level - 1, index * TILE_WIDTH + i), TILE_WIDTH * HASH_BYTES);
        const part = Frontier.empty();
        for (let j = 0; j < TILE_WIDTH; j += 1) part.append(below.subarray(j * HASH_BYTES, (j + 1) * HASH_BYTES));
        if (!sameHash(part.root(), tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)))
          this.find('root', `${path} is not the tree of the tiles below`);
      }
    }
  }

  private take(entry: Uint8Array, index: number, openings: Openings[string] | undefined): void {
    let leaf: Leaf;
    try {
      leaf = this.opened(parseLeaf(entry), openings);
    } catch (error) {
      return this.find('entry-malformed', `entry ${index} ${(error as Error).message}`);
    }
    try {
      this.numbers.take(leaf);
      this.people.take(leaf, this.clocks.state(leaf.stream), (kind, of, what) =>
        this.find(kind, `${place(of)}: ${what}`),
      );
      this.clocks.take(leaf);
    } catch (error) {
      this.find('clock', `${place(leaf)}: cannot be computed: ${(error as Error).message}`);
    }
    if (leaf.type === 'AgencyComplied' && Array.isArray(leaf.data.evidence)) {
      for (const { sha256: hash, bytes } of leaf.data.evidence)
        this.evidence.set(String(hash), { bytes, stream: place(leaf) });
    }
    this.lastRecordedAt = leaf.recordedAt;
  }

  /** 6, for what is sealed: each disclosed text against its commitment. The rest goes on with what is disclosed. */
  private opened(sealed: Leaf, openings: Openings[string] | undefined): Leaf {
    const { leaf, opened, closed, false: wrong } = openLeaf(sealed, openings ?? undefined);
    this.disclosed += opened;
    for (const path of closed) this.closed.add(`${leaf.id} ${path}`);
    for (const path of wrong) this.find('opening-false', `${place(leaf)}: ${path}`);
    if (leaf.type === 'DataErased' && Array.isArray(leaf.data.erased)) {
      for (const { event, paths } of leaf.data.erased) {
        for (const path of Array.isArray(paths) ? paths : []) this.erased.add(`${event} ${path}`);
      }
    }
    return leaf;
  }

  /** 4: enough of the witnesses that the policy names. */
  private async quorum(): Promise<void> {
    const { by, forged } = await whoSigned(
      this.note,
      this.policy.witnesses.map(({ key }) => key),
    );
    for (const { name } of forged) this.find('witness-forged', `the line of ${name} does not hold`);
    const names = this.policy.witnesses.filter(({ key }) => by.includes(key)).map(({ name }) => name);
    if (!this.policy.quorum(new Set(names))) {
      this.find(
        'witness-missing',
        `the policy asks for ${this.policy.rule}; it was cosigned by ${names.join(', ') || 'nobody'}`,
      );
    }
    if (this.policy.rule === 'none')
      this.say('No witness is asked for: that nobody else was shown another log is not proven.');
  }

  /** 6: evidence by its hash. What lies elsewhere is listed as not included. */
  private async checkEvidence(): Promise<void> {
    const listed = await this.json<{ sha256: string; included: boolean }[]>('evidence.json', LARGE);
    const list = new Map((Array.isArray(listed) ? listed : []).map((one) => [String(one?.sha256), one]));
    for (const [hash, { stream }] of this.evidence) {
      const entry = list.get(hash);
      if (!entry) this.find('evidence-missing', `${stream} cites ${hash}, which is not listed`);
      if (!entry?.included || !/^[0-9a-f]{64}$/.test(hash)) continue;
      const bytes = await this.source.read(`evidence/${hash}`, MAX_EVIDENCE);
      if (!bytes) this.find('evidence-missing', `${stream} cites ${hash}, which is not there`);
      else if (hex(sha256(bytes)) !== hash)
        this.find('evidence-changed', `${stream} cites ${hash}; the file of that name is another`);
    }
  }

  /** 9: what the log adds up to against what the operator says it does. */
  private async claims(): Promise<void> {
    const claimed = await this.json<Record<string, unknown>>('claims.json');
    const found: Record<string, unknown> = { ...this.numbers.claims(this.clocks.resolutions, this.everything) };
    for (const name of new Set([...Object.keys(found), ...Object.keys(claimed)])) {
      if (!sameJson(found[name], claimed[name])) {
        this.find(
          'claims',
          `${name}: claimed ${JSON.stringify(claimed[name])}, in the log ${JSON.stringify(found[name])}`,
        );
      }
    }
  }

  /** 10: what others were given is still in here, at its place. Their checkpoints were compared on the way. */
  private checkReceipts(): void {
    for (const { name, text } of this.receipts) {
      let proof;
      try {
        proof = parseProof(text);
      } catch {
        continue; // found broken before
      }
      const here = this.receiptLeaves.get(proof.index);
      if (proof.extra && here && !sameHash(here, leafHash(proof.extra))) {
        this.find('receipt-other-history', `${name}: entry ${proof.index} is another here`);
      }
    }
    if (this.receipts.length > 0) this.say(`${this.receipts.length} receipts compared`);
  }
}

const place = (leaf: Leaf | string): string =>
  typeof leaf === 'string' ? leaf : `${leaf.stream} revision ${leaf.revision}, ${leaf.type}`;
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
