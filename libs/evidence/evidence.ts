import { createHash, type Hash } from 'node:crypto';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refused, StoreUnavailable, type Actor, type Asked, type Database, type Sql } from '#kernel';
import { postgresBytes, type EvidenceBytes } from './bytes.js';
import { isMediaType, MEDIA_TYPES, Sniffer, type MediaType } from './media.js';

/** 25 MB: a scanned dossier of some fifty pages. */
export const MAX_EVIDENCE_BYTES = 25 * 1000 * 1000;
export interface StoredEvidence {
  /** Lower-case hex. */
  sha256: string;
  mediaType: string;
  bytes: number;
}

/** What a claim says of one piece of its evidence. */
interface Claimed extends StoredEvidence {
  name: string;
}

const SCHEMA = `
  create table if not exists evidence (
    sha256 text primary key, media_type text not null, bytes bigint not null,
    stored_at timestamptz not null default clock_timestamp());
  alter table evidence add column if not exists place text not null default 'postgres';
  -- Who has shown that they hold the bytes. To know a hash is not to have the file: without this, whoever learned the
  -- hash of another agency's evidence could claim with it and read it through the claim.
  create table if not exists evidence_givers (
    sha256 text not null references evidence on delete cascade, giver text not null, primary key (sha256, giver));`;

/** Two starters that alter a table at once would wait for each other's locks. */
const LOCK = 'select pg_advisory_xact_lock(7309418)';

/** Evidence by its hash: stored whole or not at all, and never changed. What it is stands in PostgreSQL, its bytes in `bytes`. */
export class Evidence {
  /** Where bytes are, or were before the deployment moved them. */
  private readonly places: ReadonlyMap<string, EvidenceBytes>;

  constructor(
    private readonly database: Database,
    private readonly maxBytes = MAX_EVIDENCE_BYTES,
    private readonly bytes: EvidenceBytes = postgresBytes(database),
  ) {
    this.places = new Map([postgresBytes(database), bytes].map((each) => [each.place, each]));
  }

  /** Creates the tables. Safe with several starters. */
  async prepare(): Promise<void> {
    await this.database.transaction(async (sql) => {
      await sql.query(LOCK);
      await sql.query(SCHEMA);
      for (const each of this.places.values()) await each.prepare(sql);
    });
  }

  /**
   * Takes a file as it comes. It is kept in a temporary file until hash, size and type are seen to be right, so that a
   * slow or broken sender holds no transaction and leaves nothing behind.
   * @throws Refused 415 `unsupported-media-type`, 413 `too-large`, 422 `evidence-empty`, `evidence-hash-mismatch`,
   * `evidence-type-mismatch`.
   */
  async put(
    sha256: string,
    mediaType: string,
    content: AsyncIterable<Uint8Array>,
    giver: Actor,
    announced = 0,
  ): Promise<StoredEvidence & { isNew: boolean }> {
    if (!isMediaType(mediaType)) {
      const known = MEDIA_TYPES.join(', ');
      throw new Refused('unsupported-media-type', `"${mediaType}" is not taken as evidence; taken are ${known}.`, 415);
    }
    if (announced > this.maxBytes) throw this.tooLarge();
    const folder = await mkdtemp(join(tmpdir(), 'peygir-evidence-'));
    try {
      const file = await open(join(folder, 'upload'), 'wx+', 0o600);
      try {
        const bytes = await this.received(file, sha256, mediaType, content);
        return await this.store(file, { sha256, mediaType, bytes }, giverOf(giver));
      } finally {
        await file.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async find(sha256: string): Promise<StoredEvidence | undefined> {
    const { rows } = await this.database.query<{ media_type: string; bytes: string }>(
      'select media_type, bytes from evidence where sha256 = $1',
      [sha256],
    );
    const [row] = rows;
    return row && { sha256, mediaType: row.media_type, bytes: Number(row.bytes) };
  }

  /**
   * The bytes of what is stored, a piece at a time; it answers when the first can be had. They are hashed once more on
   * their way: of bytes that are not those that were given, the last piece is never handed out.
   * @throws StoreUnavailable
   */
  async read(sha256: string): Promise<AsyncIterable<Uint8Array>> {
    const { rows } = await this.database.query<{ place: string }>('select place from evidence where sha256 = $1', [
      sha256,
    ]);
    const place = this.places.get(rows[0]?.place ?? '');
    if (!place) throw new StoreUnavailable(`The evidence lies in ${rows[0]?.place}, which EVIDENCE_URL does not name.`);
    return checked(sha256, await place.open(sha256));
  }

  /**
   * What a live claim must find before it is decided (CONTRACT section 7): its evidence, given by the one who claims,
   * and as the claim describes it. A claim that names none has nothing that could be missing: whether words alone, or a
   * look on the spot, are enough for the acceptance is for whoever verifies it.
   * @throws Refused 422 `evidence-missing`, `evidence-mismatch`.
   */
  async admit({ name, data, actor }: Pick<Asked, 'name' | 'data' | 'actor'>): Promise<void> {
    if (name !== 'ReportCompliance') return;
    const claimed = data.evidence as Claimed[];
    if (claimed.length === 0) return;
    const { rows } = await this.database.query<{ sha256: string; media_type: string; bytes: string }>(
      `select e.sha256, e.media_type, e.bytes from evidence e where e.sha256 = any($1)
         and ($2 = $3 or exists (select from evidence_givers g where g.sha256 = e.sha256 and g.giver in ($2, $3)))`,
      [claimed.map(({ sha256 }) => sha256), giverOf(actor), REGISTRY],
    );
    const stored = new Map(rows.map((row) => [row.sha256, row]));
    const missing = claimed.filter(({ sha256 }) => !stored.has(sha256));
    if (missing.length > 0) {
      const names = missing.map((one) => `"${one.name}" (${one.sha256.slice(0, 12)}…)`).join(', ');
      throw new Refused('evidence-missing', `Put the evidence first (PUT /v1/evidence/{sha256}); missing: ${names}.`);
    }
    for (const { name: file, sha256, mediaType, bytes } of claimed) {
      const { media_type: type, bytes: size } = stored.get(sha256)!;
      if (type === mediaType && Number(size) === bytes) continue;
      throw new Refused('evidence-mismatch', `"${file}" is ${type} of ${size} bytes, not ${mediaType} of ${bytes}.`);
    }
  }

  private async received(
    file: FileHandle,
    sha256: string,
    mediaType: MediaType,
    content: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const hash: Hash = createHash('sha256');
    const sniffer = new Sniffer(mediaType);
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > this.maxBytes) throw this.tooLarge();
      hash.update(chunk);
      sniffer.take(chunk);
      await file.writeFile(chunk);
    }
    if (bytes === 0) throw new Refused('evidence-empty', 'The file has no bytes.');
    const found = hash.digest('hex');
    if (found !== sha256) {
      throw new Refused('evidence-hash-mismatch', `The bytes that came have the SHA-256 ${found}.`);
    }
    const fault = sniffer.fault();
    if (fault) throw new Refused('evidence-type-mismatch', `Declared as ${mediaType}, but the bytes ${fault}.`);
    return bytes;
  }

  private async store(
    file: FileHandle,
    evidence: StoredEvidence,
    giver: string,
  ): Promise<StoredEvidence & { isNew: boolean }> {
    const { sha256, mediaType, bytes } = evidence;
    const known = async (sql: Sql) => {
      const { rowCount } = await sql.query(
        'insert into evidence (sha256, media_type, bytes, place) values ($1, $2, $3, $4) on conflict do nothing',
        [sha256, mediaType, bytes, this.bytes.place],
      );
      await sql.query('insert into evidence_givers (sha256, giver) values ($1, $2) on conflict do nothing', [
        sha256,
        giver,
      ]);
      return { ...evidence, isNew: rowCount === 1 };
    };
    const before = await this.find(sha256);
    return before ? this.database.transaction(known) : this.bytes.keep({ sha256, bytes, file }, known);
  }

  private tooLarge(): Refused {
    return new Refused('too-large', `Evidence may have at most ${this.maxBytes} bytes.`, 413);
  }
}

async function* checked(sha256: string, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  let last: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (last) yield last;
    hash.update(chunk);
    last = chunk;
  }
  if (hash.digest('hex') !== sha256) throw new Error(`The bytes that are kept as ${sha256} are others.`);
  if (last) yield last;
}

/** The registry enters documents for everybody: what it gave, or claims with, needs no other giver. */
const REGISTRY = 'registrar';

const giverOf = ({ role, agency }: Actor): string => (role === 'agency' ? `agency ${agency}` : role);
