import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Malformed } from '#audit';
import type { Source } from './verify.js';

/** Files below a folder; nothing above it, whatever the paths say. */
export const folder = (root: string): Source => ({
  async read(path, limit) {
    const file = join(root, path);
    let bytes: number;
    try {
      const found = statSync(file);
      if (!found.isFile()) return undefined;
      bytes = found.size;
    } catch {
      return undefined;
    }
    if (bytes > limit) throw new Malformed(`${path} has ${bytes} bytes; ${limit} are expected at most`);
    const { buffer, byteOffset, length } = readFileSync(file);
    return new Uint8Array(buffer, byteOffset, length);
  },
});
