import Sequencer from '@jest/test-sequencer';

/** What takes longest begins first. Without times of an earlier run jest goes by size, and a small file may start a browser. */
const LONG = ['test/browser/', 'test/e2e/demo', 'test/int/audit-drills', 'test/int/nodes', 'test/e2e/'];
const rank = ({ path }) => LONG.findIndex((part) => path.includes(part)) >>> 0;

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
}
