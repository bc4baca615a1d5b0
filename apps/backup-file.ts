import { createHash } from 'node:crypto';
import type { Checkpoint } from '#kernel';
import type { CopiedTable } from '#stores';

/**
 * A backup is gzipped text: a header; for each table a line that names it, its rows in PostgreSQL's COPY text format and
 * a line `\.`; and a footer with the SHA-256 of all before it. Since format 2 the rows of what can be erased, and of what was
 * derived from it, are encrypted with a key that is not in the file.
 */
export interface Header {
  peygir: 'backup';
  format: 1 | 2;
  takenAt: string;
  province: string;
  /** Position of the last event. */
  head: string;
  checkpoints: Checkpoint[];
  /** Files of the data directory that no log can give back, by name. */
  keys: Record<string, string>;
  /** Of the sealed tables (format 2): the id of their key (backup-keys.ts), until when it was to be kept, and where. */
  sealed?: { key: string; expiresAt: string; folder: string };
}

export interface SavedTable extends CopiedTable {
  sealed?: true;
}

export interface Footer {
  events: number;
  /** Of the rows of `log.events` in their order: equal logs have equal hashes, whenever they were taken. */
  logSha256: string;
  sha256: string;
}

export const EVENTS: CopiedTable = {
  table: 'log.events',
  columns: ['position', 'stream', 'revision', 'id', 'type', 'data', 'metadata', 'recorded_at'],
};

/** What sealed fields say; and what of it was erased, which is no secret. */
export const OPENINGS: SavedTable = {
  table: 'vault.openings',
  columns: ['commitment', 'event', 'path', 'salt', 'value'],
  sealed: true,
};
export const ERASURES: SavedTable = { table: 'vault.erased', columns: ['event', 'path', 'erasure', 'at'] };

/** Of compression: fast, and on this text still seven to one. */
export const LEVEL = 3;

/** Not a backup, of another release, cut short or changed. */
export class BadBackup extends Error {
  override readonly name = 'BadBackup';
}

const LF = 10;
export const END = Buffer.from('\\.\n');
const END_AFTER_LINE = Buffer.from('\n\\.\n');

/** Reads the file from front to back, and hashes what it has given out. */
export class BackupReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);
  private readonly hash = createHash('sha256');

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  async header(): Promise<Header> {
    const header = await this.line().catch(() => undefined);
    if ((header as Header | undefined)?.peygir !== 'backup') throw new BadBackup('This is not a backup of peygir.');
    const { format } = header as { format: unknown };
    if (format !== 1 && format !== 2) {
      throw new BadBackup(`The backup has format ${String(format)}; this release reads formats 1 and 2.`);
    }
    return header as Header;
  }

  /** The next table, or what ends the file, with the hash of all before. */
  async next(): Promise<SavedTable | { footer: Footer; sha256: string }> {
    const before = this.hash.copy().digest('hex');
    const said = (await this.line()) as SavedTable | Footer;
    return 'table' in said ? said : { footer: said, sha256: before };
  }

  /** The rows of the table just named. Must be read to their end. */
  async *rows(): AsyncGenerator<Buffer> {
    // What is left always begins with a line.
    for (;;) {
      while (this.rest.indexOf(LF) < 0) await this.more();
      if (this.rest.subarray(0, END.length).equals(END)) {
        this.take(END.length);
        return;
      }
      const end = this.rest.indexOf(END_AFTER_LINE);
      yield this.take((end < 0 ? this.rest.lastIndexOf(LF) : end) + 1);
    }
  }

  private async line(): Promise<unknown> {
    let ends: number;
    while ((ends = this.rest.indexOf(LF)) < 0) await this.more();
    return JSON.parse(this.take(ends + 1).toString()) as unknown;
  }

  private async more(): Promise<void> {
    const { done, value } = await this.source.next().catch((error: Error) => {
      throw new BadBackup(`The backup cannot be read: ${error.message}.`);
    });
    if (done) throw new BadBackup('The backup ends too early.');
    this.rest = this.rest.length === 0 ? value : Buffer.concat([this.rest, value]);
  }

  private take(bytes: number): Buffer {
    const taken = this.rest.subarray(0, bytes);
    this.rest = this.rest.subarray(bytes);
    this.hash.update(taken);
    return taken;
  }
}
