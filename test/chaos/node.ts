/** A node whose clock is the machine's, moved on by the milliseconds in the file CHAOS_CLOCK: `node.ts api|worker`. */
import { readFileSync } from 'node:fs';
import type { Clock } from '#kernel';
import { runNode } from '#apps/node';

const file = process.env['CHAOS_CLOCK']!;
const aheadMs = () => Number(readFileSync(file, 'utf8'));
const clock: Clock = { now: () => new Date(Date.now() + aheadMs()).toISOString() };

await runNode(process.argv[2] as 'api' | 'worker', clock, ({ wake }) => {
  let before = aheadMs();
  // A machine whose clock jumps wakes nobody who sleeps; the engine would look within half a minute by itself.
  setInterval(() => {
    const now = aheadMs();
    if (now !== before) wake();
    before = now;
  }, 200).unref();
});
