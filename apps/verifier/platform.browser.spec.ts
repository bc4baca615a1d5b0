import { createHash, randomBytes } from 'node:crypto';
import { sha256 } from './platform.browser.js';

it("hashes in a page as Node does, at every length around a block's", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = randomBytes(length);
    expect(Buffer.from(sha256(bytes)).toString('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
