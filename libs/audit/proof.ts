import {
  base64,
  decimal,
  fromBase64,
  hashFromBase64,
  Malformed,
  parseSignedCheckpoint,
  whoSigned,
  type Checkpoint,
  type Note,
  type VerifierKey,
} from './note.js';
import { leafHash, MAX_PROOF_LENGTH, verifyInclusion, type Hash } from './tree.js';

/** A receipt (c2sp.org/tlog-proof): an entry's place in a tree whose checkpoint it carries along, whole. */
export interface TlogProof {
  index: number;
  hashes: readonly Hash[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
  /** Application data, vouched for by nobody: here the entry itself, so that the file needs no other. */
  extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';

export const formatProof = ({ index, hashes, checkpoint, extra }: TlogProof): string =>
  [HEADER, ...(extra ? [`extra ${base64(extra)}`] : []), `index ${index}`, ...hashes.map(base64), '', checkpoint].join(
    '\n',
  );

/** An entry of 65,535 bytes in base64, 63 hashes and a note. */
const LIMIT_CHARS = 256 * 1024;

/** @throws Malformed */
export function parseProof(text: string): TlogProof {
  if (text.length > LIMIT_CHARS) throw new Malformed('is too long for a proof');
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  if (header !== HEADER) throw new Malformed(`does not begin with ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()!.slice('extra '.length)) : undefined;
  const index = lines.shift();
  if (!index?.startsWith('index ')) throw new Malformed('has no index line');
  if (lines.length > MAX_PROOF_LENGTH) throw new Malformed('has more hashes than any proof');
  return {
    index: decimal(index.slice('index '.length)),
    hashes: lines.map(hashFromBase64),
    checkpoint: text.slice(end + 2),
    ...(extra && { extra }),
  };
}

export interface ProvenBy {
  checkpoint: Checkpoint;
  note: Note;
  index: number;
}

/**
 * Whether `entry` stands in the log of `key`. The entry comes from elsewhere or is the proof's own `extra`.
 * @returns what it was proven by, or the reason why it was not
 */
export async function checkProof(
  text: string,
  entry: Uint8Array | undefined,
  key: VerifierKey,
): Promise<ProvenBy | string> {
  let proof: TlogProof;
  let signed: { note: Note; checkpoint: Checkpoint };
  try {
    proof = parseProof(text);
    signed = parseSignedCheckpoint(proof.checkpoint);
  } catch (error) {
    if (error instanceof Malformed) return `it ${error.message}`;
    throw error;
  }
  const leaf = entry ?? proof.extra;
  if (!leaf) return 'it carries no entry';
  const { checkpoint, note } = signed;
  if (checkpoint.origin !== key.name) return 'it is of another log';
  if ((await whoSigned(note, [key])).by.length === 0) return 'its checkpoint is not signed by the log';
  if (!verifyInclusion(proof.index, checkpoint.size, leafHash(leaf), proof.hashes, checkpoint.root)) {
    return 'its hashes do not lead from the entry to the root';
  }
  return { checkpoint, note, index: proof.index };
}
