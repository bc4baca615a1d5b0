import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from './json.js';

/** Namespace of every id that Peygir derives; made once, never changed: derived ids must be equal for ever. */
const NAMESPACE = Buffer.from('8d1f0d7e5c8b4b1c9a4a7f3be2c6a901', 'hex');

/** UUID version 5 (RFC 9562) of the parts. The same fact always has the same id, so it cannot happen twice. */
export function derivedId(...parts: readonly (string | number)[]): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(parts.join('\u0000')).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export const hmacOf = (key: string, value: unknown): string =>
  createHmac('sha256', key).update(canonicalJson(value)).digest('hex');
