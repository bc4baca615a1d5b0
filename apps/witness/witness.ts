import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from 'node:fs'; // prettier-ignore
import { dirname, join } from 'node:path';
import {
  cosign,
  Malformed,
  parseAddCheckpoint,
  parseCheckpoint,
  sameHash,
  signatureLine,
  verifyConsistency,
  whoSigned,
  type AddCheckpoint,
  type Checkpoint,
  type SignerKey,
  type VerifierKey,
} from '#audit';

/** An answer of HTTP; a file gets the same text. */
export interface Answer {
  status: 200 | 400 | 403 | 404 | 409 | 422;
  body: string;
  type?: string;
}

/**
 * A witness swears to have seen one history of a log and no other: it cosigns a checkpoint only when that contains the
 * one it cosigned before (c2sp.org/tlog-witness).
 *
 * Its memory is a folder for each log, with one file for each checkpoint, numbered from 0. A checkpoint is written and
 * synced under another name and then *linked* to the next number. Linking fails when the number is taken, so checking
 * and storing are one step, between threads of a request, processes and machines with a common disk; nothing is locked,
 * so nothing stays locked when it is killed; and nothing is signed before it is on the disk.
 */
export class Witness {
  constructor(
    private readonly key: SignerKey,
    private readonly logs: readonly VerifierKey[],
    private readonly dir: string,
    private readonly seconds: () => number = () => Math.floor(Date.now() / 1000),
  ) {}

  async addCheckpoint(body: string): Promise<Answer> {
    let asked: AddCheckpoint;
    try {
      asked = parseAddCheckpoint(body);
    } catch (error) {
      if (error instanceof Malformed) return { status: 400, body: `The request ${error.message}.\n` };
      throw error;
    }
    const { old, proof, note, checkpoint } = asked;
    const keys = this.logs.filter(({ name }) => name === checkpoint.origin);
    if (keys.length === 0) return { status: 404, body: 'This log is not known here.\n' };
    const { by, forged } = await whoSigned(note, keys);
    if (by.length === 0 || forged.length > 0) return { status: 403, body: 'No key of this log signed that.\n' };
    if (old > checkpoint.size) return { status: 400, body: 'The old size is larger than the new one.\n' };

    const memory = this.memory(checkpoint.origin);
    const { next, latest } = memory.read();
    const size = latest?.size ?? 0;
    const conflict: Answer = { status: 409, body: `${size}\n`, type: 'text/x.tlog.size' };
    if (old !== size) return conflict;
    if (latest && old === checkpoint.size) {
      // The same again: its cosignature may have been lost on the way.
      if (!sameHash(latest.root, checkpoint.root)) return conflict;
    } else {
      const from = latest?.root;
      const consistent = from
        ? verifyConsistency(old, checkpoint.size, proof, from, checkpoint.root)
        : proof.length === 0 &&
          verifyConsistency(checkpoint.size, checkpoint.size, [], checkpoint.root, checkpoint.root);
      if (!consistent) return { status: 422, body: 'The proof does not lead from the old tree to the new one.\n' };
      // Somebody else was faster: what was checked above is no longer the latest.
      if (!memory.store(next, note.text)) return this.addCheckpoint(body);
    }
    return { status: 200, body: signatureLine(cosign(note.text, this.key, this.seconds())) };
  }

  private memory(origin: string): Memory {
    return new Memory(join(this.dir, createHash('sha256').update(origin).digest('hex')));
  }
}

class Memory {
  constructor(private readonly folder: string) {
    // Nothing in a folder is kept that is not kept itself.
    if (mkdirSync(folder, { recursive: true, mode: 0o700 })) sync(dirname(folder), 'r', () => {});
  }

  read(): { next: number; latest?: Checkpoint } {
    const numbers = readdirSync(this.folder).flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
    if (numbers.length === 0) return { next: 0 };
    const last = numbers.reduce((a, b) => Math.max(a, b));
    return { next: last + 1, latest: parseCheckpoint(readFileSync(join(this.folder, String(last)), 'utf8')) };
  }

  /** @returns false when `number` is taken: somebody stored something since it was read */
  store(number: number, text: string): boolean {
    const draft = join(this.folder, `draft-${process.pid}-${process.hrtime.bigint()}`);
    sync(draft, 'wx', (file) => writeSync(file, text));
    try {
      linkSync(draft, join(this.folder, String(number)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      if (existsSync(draft)) unlinkSync(draft);
    }
    sync(this.folder, 'r', () => {});
    return true;
  }
}

function sync(path: string, flags: string, work: (file: number) => void): void {
  const file = openSync(path, flags, 0o600);
  try {
    work(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
