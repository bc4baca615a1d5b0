import { spawnSync } from 'node:child_process';

/**
 * `describe` for what needs a program of the system. In CI its absence is a failure; on a developer's machine the
 * tests are left out, and that is said.
 *
 *     needs('redis-server')('jobs on Redis', () => { … });
 */
export function needs(program: string): (name: string, tests: () => void) => void {
  const there = spawnSync('sh', ['-c', `command -v "$1"`, 'sh', program]).status === 0;
  if (there) return describe;
  return (name, tests) => {
    if (process.env['CI']) {
      describe(name, () => it(`needs ${program}`, () => Promise.reject(new Error(`no ${program} on PATH`))));
    } else {
      process.stderr.write(`skipped: no ${program} on PATH: ${name}\n`);
      describe.skip(name, tests);
    }
  };
}
