import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

/**
 * What tree, notes and verifier need of the machine. The page that verifies in a browser is built with another file in
 * this one's place (apps/verifier/platform.browser.ts); everything else in this folder that it uses is plain TypeScript.
 */
export const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');

/** RFC 8410 wrappers of a raw Ed25519 key: Node takes keys as DER. */
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Made once for each key: reading one costs more than using it. */
const publicKeys = new WeakMap<Uint8Array, KeyObject>();

/** Whether `signature` (64 bytes) over `message` was made by the owner of `publicKey` (32 bytes); false for anything malformed. */
export async function ed25519Verifies(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key =
      publicKeys.get(publicKey) ??
      createPublicKey({ key: Buffer.concat([PUBLIC, publicKey]), format: 'der', type: 'spki' });
    publicKeys.set(publicKey, key);
    return verify(null, message, key, signature);
  } catch {
    return false; // not a point of the curve
  }
}

/** Making a key of its seed takes longer than signing with it. */
const keys = new WeakMap<Uint8Array, KeyObject>();

function privateKey(seed: Uint8Array): KeyObject {
  const key = keys.get(seed) ?? createPrivateKey({ key: Buffer.concat([PRIVATE, seed]), format: 'der', type: 'pkcs8' });
  keys.set(seed, key);
  return key;
}

export const ed25519Sign = (seed: Uint8Array, message: Uint8Array): Uint8Array => sign(null, message, privateKey(seed));

export const ed25519PublicKey = (seed: Uint8Array): Uint8Array =>
  new Uint8Array(createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(-32));
