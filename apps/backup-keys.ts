import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Instant } from '#kernel';
import { BadBackup, LEVEL } from './backup-file.js';
import type { ErasedPlace } from '#stores';

const DAY_MS = 86_400_000;
/** How long a key is kept, unless told otherwise; and at most after something that its backup holds was erased. */
export const KEEP_DAYS = 90;
export const KEEP_DAYS_AFTER_ERASURE = 30;

export interface BackupKey {
  id: string;
  takenAt: Instant;
  expiresAt: Instant;
  /** AES-256, base64. */
  key: string;
}

const KEY_FILE = /^[0-9a-f-]{36}\.json$/;
const ERASURES = 'erasures.json';

/**
 * The keys of what is sealed in backups: one for each, in a folder that no backup contains. A file of a key that is gone
 * still has the log, the clocks and the evidence, and nothing that can be erased. Beside the keys stands what was erased
 * since, so that whoever can open an old backup knows what must not come back.
 */
export class BackupKeys {
  constructor(readonly dir: string) {}

  async make(takenAt: Instant, keepDays = KEEP_DAYS): Promise<BackupKey> {
    const expiresAt = new Date(Date.parse(takenAt) + keepDays * DAY_MS).toISOString();
    const made = { id: randomUUID(), takenAt, expiresAt, key: randomBytes(32).toString('base64') };
    await this.write(`${made.id}.json`, made);
    return made;
  }

  /** Undefined when it was destroyed, or lies elsewhere. */
  async find(id: string): Promise<BackupKey | undefined> {
    return KEY_FILE.test(`${id}.json`) ? this.read<BackupKey>(`${id}.json`) : undefined;
  }

  async all(): Promise<BackupKey[]> {
    if (!existsSync(this.dir)) return [];
    const names = (await readdir(this.dir)).filter((name) => KEY_FILE.test(name));
    return (await Promise.all(names.map((name) => this.read<BackupKey>(name)))).filter((key) => key !== undefined);
  }

  /** Destroys those whose time has come. @returns how many */
  async expire(now: Instant): Promise<number> {
    const over = (await this.all()).filter(({ expiresAt }) => expiresAt <= now);
    for (const { id } of over) await this.destroy(id);
    return over.length;
  }

  destroy(id: string): Promise<void> {
    return rm(join(this.dir, `${id}.json`), { force: true });
  }

  /** What was erased, all of it: keys of backups that may hold it end sooner. Nothing to do where there are no keys. */
  async remember(erased: readonly ErasedPlace[]): Promise<void> {
    const keys = await this.all();
    if (keys.length === 0) return;
    await this.write(ERASURES, erased);
    for (const key of keys) {
      const after = erased.filter(({ at }) => at > key.takenAt).map(({ at }) => Date.parse(at));
      if (after.length === 0) continue;
      const ends = new Date(Math.min(...after) + KEEP_DAYS_AFTER_ERASURE * DAY_MS).toISOString();
      if (ends < key.expiresAt) await this.write(`${key.id}.json`, { ...key, expiresAt: ends });
    }
  }

  /** Undefined when nobody kept account: then nothing may be opened. */
  erased(): Promise<ErasedPlace[] | undefined> {
    return this.read<ErasedPlace[]>(ERASURES);
  }

  private async read<T>(name: string): Promise<T | undefined> {
    const text = await readFile(join(this.dir, name), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  private async write(name: string, content: object): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    await chmod(this.dir, 0o700);
    const partial = join(this.dir, `${name}.partial`);
    await writeFile(partial, JSON.stringify(content), { mode: 0o600 });
    await rename(partial, join(this.dir, name));
  }
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Rows of a table as lines of base64: IV, tag and the deflated rows; each is bound to its table and its place. */
export async function* sealedRows(rows: AsyncIterable<Buffer>, table: string, key: string): AsyncGenerator<Buffer> {
  let place = 0;
  for await (const chunk of rows) {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, Buffer.from(key, 'base64'), iv).setAAD(Buffer.from(`${table} ${place++}`));
    const text = Buffer.concat([cipher.update(deflateRawSync(chunk, { level: LEVEL })), cipher.final()]);
    yield Buffer.from(`${Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64')}\n`);
  }
}

/** @throws BadBackup when the key is another, or the lines were changed */
export async function* openedRows(lines: AsyncIterable<Buffer>, table: string, key: string): AsyncGenerator<Buffer> {
  let place = 0;
  for await (const chunk of lines) {
    for (const line of chunk.toString('latin1').split('\n')) {
      if (line === '') continue;
      const bytes = Buffer.from(line, 'base64');
      const decipher = createDecipheriv(CIPHER, Buffer.from(key, 'base64'), bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(`${table} ${place++}`))
        .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      let rows: Buffer;
      try {
        const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
        rows = inflateRawSync(Buffer.concat([text, decipher.final()]));
      } catch {
        throw new BadBackup(`What is sealed of ${table} was changed, or its key is another.`);
      }
      yield rows;
    }
  }
}
