import { EventEmitter } from 'node:events';

/** The revision that the server gives to the end of a stream: nothing may follow, or, in `$tb`, nothing before it is read. */
const DELETED = 2n ** 63n - 1n;
/** Beyond what a JavaScript number holds, and about to become a digit longer: whoever counts or sorts wrongly is found. */
const FIRST_POSITION = 9_999_999_999_990_000n;
/** How far apart positions are. Any number would do: they are bytes in a file. */
const STEP = 131n;

export type Expected = 'any' | 'exists' | bigint;
export const NO_STREAM = -1n;

export interface Proposed {
  id: string;
  type: string;
  contentType: string;
  data: Uint8Array;
  metadata: Uint8Array;
}

export interface Stored extends Proposed {
  position: bigint;
  stream: string;
  revision: bigint;
  createdMs: number;
}

/** What an append, or a deletion, comes to. */
export type Outcome = { last: Stored } | { wrong: 'version'; current: bigint } | { wrong: 'deleted' };

interface StreamMetadata {
  $tb?: number;
  $maxCount?: number;
  $maxAge?: number;
  $acl?: { $r?: string | string[]; $w?: string | string[] };
}

/** Why a stream cannot be read. */
export type Unreadable = 'not-found' | 'deleted';

const ofTheServer = (type: string, data: string): Proposed => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: Buffer.from(data),
  metadata: new Uint8Array(),
});

/**
 * The rules of an EventStoreDB's log, as its sources have them: which append is in order, which was done before, what a
 * stream's metadata leave of it. No wire, no faults.
 */
export class EsdbLog {
  readonly all: Stored[] = [];
  readonly grown = new EventEmitter().setMaxListeners(0);
  private readonly streams = new Map<string, Stored[]>();
  private readonly tombstoned = new Set<string>();
  private readonly byId = new Map<string, Stored>();

  constructor() {
    for (const stream of ['$$$scavenges', '$users', '$user-admin', '$user-ops', '$settings']) {
      this.store(stream, [ofTheServer(stream.startsWith('$$') ? '$metadata' : '$UserCreated', '{}')]);
    }
  }

  /** A repeat, at exact revisions, is one whose ids stand just there; with `any`, one whose ids stand in the stream. */
  append(stream: string, expected: Expected, events: readonly Proposed[]): Outcome {
    const check = this.check(stream, expected, events);
    if (check !== 'append') return check;
    const recreated = this.softlyDeleted(stream);
    const last = this.store(stream, events);
    // Whoever appends to a stream that was deleted softly begins it anew, at the revision where it had ended.
    if (recreated) this.truncate(stream, last.revision - BigInt(events.length) + 1n);
    return { last };
  }

  /** Softly, the stream's metadata say that nothing of it is read; for good, an event of the server's ends the stream. */
  delete(stream: string, expected: Expected, forGood: boolean): Outcome {
    const check = this.check(stream, expected, [ofTheServer('', '')]);
    if (check !== 'append') return check;
    if (forGood) {
      const last = this.store(stream, [ofTheServer('$streamDeleted', '')], DELETED);
      this.tombstoned.add(stream);
      return { last };
    }
    if (this.end(stream) < 0n && this.end(`$$${stream}`) < 0n) return { wrong: 'version', current: -1n };
    return { last: this.truncate(stream, DELETED) };
  }

  /** What is left of a stream, in order. */
  read(stream: string): Stored[] | Unreadable {
    if (this.tombstoned.has(stream)) return 'deleted';
    const known = this.streams.get(stream);
    if (!known || this.softlyDeleted(stream)) return 'not-found';
    const { $tb = 0, $maxCount = Infinity, $maxAge = Infinity } = this.metadata(stream);
    const first = Math.max($tb, known.length - $maxCount);
    const oldest = Date.now() - $maxAge * 1000;
    return known.filter(({ revision, createdMs }) => revision >= first && createdMs >= oldest);
  }

  /** What a `$>` points at. */
  resolve(link: Stored): Stored | undefined {
    const [revision, ...name] = Buffer.from(link.data).toString().split('@');
    const target = this.read(name.join('@'));
    return typeof target === 'string' ? undefined : target.find((event) => String(event.revision) === revision);
  }

  /** Index in {@link all} of the first event at or after a position. */
  indexFrom(position: bigint): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.all[middle]!.position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** `user` is undefined on a server without certificates, which asks nobody who he is. */
  may(what: 'read' | 'write', user: string | undefined, stream: string): boolean {
    const own = /^(?:\$\$)?\$/.test(stream) ? '$admins' : '$all';
    const roles = this.metadata(stream).$acl?.[what === 'read' ? '$r' : '$w'] ?? own;
    return user === undefined || user === 'admin' || [roles].flat().some((role) => role === '$all' || role === user);
  }

  /** As {@link delete} does softly, and as one may do by hand: nothing before a revision is read. */
  truncate(stream: string, before: bigint): Stored {
    return this.store(`$$${stream}`, [ofTheServer('$metadata', `{"$tb":${before}}`)]);
  }

  /** Something of another application, or of the server's own. */
  foreign(stream: string, type: string): void {
    this.store(stream, [ofTheServer(type, '{}')]);
  }

  private check(stream: string, expected: Expected, events: readonly Proposed[]): 'append' | Outcome {
    if (this.tombstoned.has(stream)) return { wrong: 'deleted' };
    const known = this.streams.get(stream) ?? [];
    const current = BigInt(known.length) - 1n;
    const wrong = { wrong: 'version', current } as const;
    if (expected === 'exists') {
      if (this.softlyDeleted(stream)) return { wrong: 'deleted' };
      if (current < 0n && this.end(`$$${stream}`) < 0n) return wrong;
    }
    if (typeof expected === 'string') {
      const stand = events.map(({ id }) => this.byId.get(id)).filter((event) => event?.stream === stream);
      if (stand.length === 0 || this.byId.get(events[0]!.id)?.stream !== stream) return 'append';
      return stand.length === events.length ? { last: stand.at(-1)! } : wrong;
    }
    if (expected === current) return 'append';
    if (expected > current) return wrong;
    const stand = known.slice(Number(expected + 1n), Number(expected + 1n) + events.length);
    if (stand.length === events.length && events.every(({ id }, n) => stand[n]!.id === id))
      return { last: stand.at(-1)! };
    const again = stand[0]?.id !== events[0]!.id && expected === NO_STREAM && this.softlyDeleted(stream);
    return again ? 'append' : wrong;
  }

  private store(stream: string, events: readonly Proposed[], revision?: bigint): Stored {
    const known = this.streams.get(stream) ?? [];
    this.streams.set(stream, known);
    for (const event of events) {
      const position = (this.all.at(-1)?.position ?? FIRST_POSITION) + STEP;
      const stored = { ...event, position, stream, revision: revision ?? BigInt(known.length), createdMs: Date.now() };
      known.push(stored);
      this.all.push(stored);
      this.byId.set(event.id, stored);
    }
    this.grown.emit('grown');
    return known.at(-1)!;
  }

  private end(stream: string): bigint {
    return BigInt(this.streams.get(stream)?.length ?? 0) - 1n;
  }

  private softlyDeleted(stream: string): boolean {
    return (this.metadata(stream).$tb ?? 0) >= Number(DELETED);
  }

  private metadata(stream: string): StreamMetadata {
    if (stream.startsWith('$$')) return { $maxCount: 1 };
    const last = this.streams.get(`$$${stream}`)?.at(-1);
    return last ? (JSON.parse(Buffer.from(last.data).toString()) as StreamMetadata) : {};
  }
}
