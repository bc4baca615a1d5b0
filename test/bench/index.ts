/**
 * Measures, never tests: the limit of the machine beside the product in one run, so that ratios mean something elsewhere.
 *
 *     npm run bench                     all of them, one after the other
 *     npm run bench -- commands idle    some
 *
 * Ends with code 1 when a target was missed.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const folder = 'test/bench';
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('kit.ts') && file !== 'index.ts')
  .map((file) => file.slice(0, -'.ts'.length));
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench "${unknown.join('", "')}"; there are: ${all.join(', ')}.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : all) {
  console.log(`\n${name}`);
  const args = ['--import', './test/kit/ts.mjs', `${folder}/${name}.ts`];
  // Each in a process of its own: one's heap and caches are not another's.
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
