import {
  base64,
  decimal,
  hashFromBase64,
  joined,
  Malformed,
  parseSignatures,
  parseSignedCheckpoint,
  textOf,
  type Checkpoint,
  type Note,
  type Signature,
} from './note.js';
import { MAX_PROOF_LENGTH, type Hash } from './tree.js';

/** What a log asks of a witness (c2sp.org/tlog-witness). */
export interface AddCheckpoint {
  /** The size that the witness is thought to have cosigned last. */
  old: number;
  proof: readonly Hash[];
  note: Note;
  checkpoint: Checkpoint;
}

export const formatAddCheckpoint = (old: number, proof: readonly Hash[], note: string): string =>
  `old ${old}\n${proof.map((hash) => `${base64(hash)}\n`).join('')}\n${note}`;

/** @throws Malformed */
export function parseAddCheckpoint(body: string): AddCheckpoint {
  const end = body.indexOf('\n\n');
  if (end < 0) throw new Malformed('has no empty line before the checkpoint');
  const [old, ...proof] = body.slice(0, end).split('\n');
  if (!old!.startsWith('old ')) throw new Malformed('does not begin with the old size');
  if (proof.length > MAX_PROOF_LENGTH) throw new Malformed('has more than 63 hashes');
  return {
    old: decimal(old!.slice('old '.length)),
    proof: proof.map(hashFromBase64),
    ...parseSignedCheckpoint(body.slice(end + 2)),
  };
}

export type WitnessAnswer = { cosignatures: Signature[] } | { size: number } | { refused: string };

const PATIENCE_MS = 10_000;
const LIMIT_BYTES = 64 * 1024;

/** Sends it. A network that fails, and an answer that is none, are a refusal in words. */
export async function askWitness(url: string, body: string): Promise<WitnessAnswer> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'error',
    });
    const text = await limitedText(response);
    if (response.status === 200) return { cosignatures: parseSignatures(text) };
    const size = response.headers.get('content-type') === 'text/x.tlog.size';
    if (response.status === 409 && size) return { size: decimal(text.trim()) };
    return { refused: `${response.status} ${text.trim()}` };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/** A witness that goes on for ever is not listened to for ever. */
async function limitedText({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body ?? []) {
    length += piece.length;
    if (length > LIMIT_BYTES) throw new Malformed('is longer than any answer');
    pieces.push(piece);
  }
  return textOf(joined(...pieces));
}
