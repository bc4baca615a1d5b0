import { ed25519PublicKey, ed25519Sign, ed25519Verifies, sha256 } from './platform.js';
import { HASH_BYTES, isTreeSize, type Hash } from './tree.js';

/**
 * Signed notes (c2sp.org/signed-note), checkpoints (c2sp.org/tlog-checkpoint) and cosignatures of witnesses
 * (c2sp.org/tlog-cosignature, Ed25519), byte for byte, so that others' tools can read ours.
 */

/** A file or answer that is not of its format. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** The note format asks for 16 signatures at least, and those of the years to come have 5 kB each. */
const LIMIT_BYTES = 128 * 1024;
const LIMIT_SIGNATURES = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
export const utf8 = (text: string): Uint8Array => encoder.encode(text);
/** @throws Malformed */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Malformed('is not UTF-8');
  }
}

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

export const base64 = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};

/** Standard base64 with padding, in its only canonical spelling. @throws Malformed */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    if (base64(bytes) === text) return bytes;
  }
  throw new Malformed('is not base64');
}

/** A hash in base64. @throws Malformed */
export function hashFromBase64(text: string): Hash {
  const hash = fromBase64(text);
  if (hash.length !== HASH_BYTES) throw new Malformed('is not a SHA-256 hash');
  return hash;
}

/** `0`, or digits without leading zeros, as far as we count. @throws Malformed */
export function decimal(text: string): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : NaN;
  if (!isTreeSize(value)) throw new Malformed('is not a number we count to');
  return value;
}

export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export type KeyType = typeof ED25519 | typeof COSIGNATURE;

/** Who signed, to those who know: a name and four bytes of a hash over name and key. */
export interface KeyName {
  name: string;
  /** Eight hex digits. */
  id: string;
}

export interface VerifierKey extends KeyName {
  type: KeyType;
  publicKey: Uint8Array;
}

export interface SignerKey extends VerifierKey {
  /** 32 bytes, to be kept. */
  seed: Uint8Array;
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const unhex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Not empty, no space of any kind, no plus, nothing below U+0020. */
export const isKeyName = (name: string): boolean =>
  name.length > 0 && name.length <= 255 && !/[\s\p{Z}\p{Cc}+]/u.test(name);

const keyId = (name: string, type: KeyType, publicKey: Uint8Array): string =>
  hex(sha256(joined(utf8(`${name}\n`), Uint8Array.of(type), publicKey)).subarray(0, 4));

/** @throws Malformed when the name is none */
export function signerKey(name: string, seed: Uint8Array, type: KeyType = ED25519): SignerKey {
  if (!isKeyName(name)) throw new Malformed(`"${name}" cannot name a key: no spaces, no plus`);
  const publicKey = ed25519PublicKey(seed);
  return { name, type, publicKey, seed, id: keyId(name, type, publicKey) };
}

/** `name+id+base64(type ‖ public key)`, as other tools take it. */
export const vkey = ({ name, id, type, publicKey }: VerifierKey): string =>
  `${name}+${id}+${base64(joined(Uint8Array.of(type), publicKey))}`;

/** @throws Malformed */
export function parseVkey(text: string): VerifierKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
  if (!match || !isKeyName(match[1]!)) throw new Malformed('is not a verifier key: name+id+base64');
  const [, name, id] = match as unknown as [string, string, string];
  const bytes = fromBase64(match[3]!);
  const type = bytes[0] as KeyType;
  const publicKey = bytes.slice(1);
  if ((type !== ED25519 && type !== COSIGNATURE) || publicKey.length !== 32) {
    throw new Malformed('is not an Ed25519 key for notes or cosignatures');
  }
  if (keyId(name, type, publicKey) !== id) throw new Malformed('is a verifier key whose id does not belong to it');
  return { name, id, type, publicKey };
}

export interface Signature extends KeyName {
  /** What follows the key id. */
  bytes: Uint8Array;
}

export interface Note {
  /** Ends with a newline. */
  text: string;
  signatures: readonly Signature[];
}

/** `— name base64`, and the newline. */
export const signatureLine = ({ name, id, bytes }: Signature): string =>
  `— ${name} ${base64(joined(unhex(id), bytes))}\n`;

/** @throws Malformed */
function parseSignature(line: string): Signature {
  const match = /^— ([^ ]+) ([^ ]+)$/.exec(line);
  if (!match || !isKeyName(match[1]!)) throw new Malformed('has a signature line that is none');
  const bytes = fromBase64(match[2]!);
  if (bytes.length < 5) throw new Malformed('has a signature that is too short');
  return { name: match[1]!, id: hex(bytes.subarray(0, 4)), bytes: bytes.slice(4) };
}

/** Signature lines alone: the answer of a witness. @throws Malformed */
export function parseSignatures(text: string): Signature[] {
  if (text.length > LIMIT_BYTES || !text.endsWith('\n')) throw new Malformed('is not a list of signature lines');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > LIMIT_SIGNATURES) throw new Malformed('has too many signatures');
  return lines.map(parseSignature);
}

/** @throws Malformed */
export function parseNote(note: string): Note {
  if (note.length > LIMIT_BYTES) throw new Malformed('is too long for a note');
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note) || !note.isWellFormed()) throw new Malformed('has control characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 0) throw new Malformed('has no blank line before its signatures');
  return { text: note.slice(0, end + 1), signatures: parseSignatures(note.slice(end + 2)) };
}

export const formatNote = ({ text, signatures }: Note): string => `${text}\n${signatures.map(signatureLine).join('')}`;

export const signNote = (text: string, key: SignerKey): Signature => ({
  name: key.name,
  id: key.id,
  bytes: ed25519Sign(key.seed, utf8(text)),
});

/** The message of cosignature/v1: what a witness swears to have seen, and when (seconds since 1970). */
const cosigned = (text: string, seconds: number | bigint): Uint8Array =>
  utf8(`cosignature/v1\ntime ${seconds}\n${text}`);

export function cosign(text: string, key: SignerKey, seconds: number): Signature {
  const stamp = new Uint8Array(8);
  new DataView(stamp.buffer).setBigUint64(0, BigInt(seconds));
  return { name: key.name, id: key.id, bytes: joined(stamp, ed25519Sign(key.seed, cosigned(text, seconds))) };
}

/** When a cosignature says it was made, in seconds since 1970. */
export const cosignedAt = ({ bytes }: Signature): number =>
  bytes.length === 72 ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)) : 0;

const isBy = (signature: KeyName, key: KeyName): boolean => signature.name === key.name && signature.id === key.id;

export async function signatureHolds(text: string, signature: Signature, key: VerifierKey): Promise<boolean> {
  if (!isBy(signature, key)) return false;
  const { bytes } = signature;
  if (key.type === ED25519) return ed25519Verifies(key.publicKey, utf8(text), bytes);
  if (bytes.length !== 72) return false;
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return seconds < 2n ** 63n && ed25519Verifies(key.publicKey, cosigned(text, seconds), bytes.subarray(8));
}

export interface Signed {
  /** Of those keys that were asked for, whose signature holds. */
  by: VerifierKey[];
  /** Of those, who is said to have signed but has not: the note is to be rejected. */
  forged: VerifierKey[];
}

/** Looks for the signatures of `keys`; those of keys that nobody knows are ignored, as the format says. */
export async function whoSigned({ text, signatures }: Note, keys: readonly VerifierKey[]): Promise<Signed> {
  const signed: Signed = { by: [], forged: [] };
  for (const key of keys) {
    const mine = signatures.filter((signature) => isBy(signature, key));
    if (mine.length === 0) continue;
    const hold = await Promise.all(mine.map((signature) => signatureHolds(text, signature, key)));
    (hold.every(Boolean) ? signed.by : signed.forged).push(key);
  }
  return signed;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Hash;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${base64(root)}\n`;

/** The three lines that matter; extension lines are allowed and say nothing to us. @throws Malformed */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.some((line) => line === '')) {
    throw new Malformed('is not a checkpoint: origin, size and root on three lines');
  }
  const [origin, size, root] = lines as [string, string, string];
  return { origin, size: decimal(size), root: hashFromBase64(root) };
}

/** A signed checkpoint and what it says. @throws Malformed */
export function parseSignedCheckpoint(note: string): { note: Note; checkpoint: Checkpoint } {
  const parsed = parseNote(note);
  return { note: parsed, checkpoint: parseCheckpoint(parsed.text) };
}
