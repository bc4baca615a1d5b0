/** Runs TypeScript of this project in a plain Node process: `node --import ./test/kit/ts.mjs some/file.ts`. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import jest from '../../jest.config.js';

const root = new URL('../../', import.meta.url);
const KEPT = fileURLToPath(new URL('node_modules/.cache/peygir', root));
/** As jest compiles; with the compiler's version, because that changes what comes out. */
const OPTIONS = JSON.stringify(jest.transform['^.+\\.ts$'][1]);

if (isMainThread) register(import.meta.url);

export async function resolve(specifier, context, next) {
  const [, inner] = /^#(.+)$/.exec(specifier) ?? [];
  if (inner) {
    const path = /^(test|apps)\//.test(inner) ? `${inner}.ts` : `libs/${inner}/index.ts`;
    return { url: new URL(path, root).href, shortCircuit: true };
  }
  const ours = context.parentURL?.startsWith(root.href) && context.parentURL.endsWith('.ts');
  if (ours && /^\.{1,2}\/.*\.js$/.test(specifier)) {
    return { url: new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL).href, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
  return { format: 'module', source: await compiled(fileURLToPath(url)), shortCircuit: true };
}

/** Compiling takes a process longer than all else that it does to begin, so what one has compiled the next ones read. */
async function compiled(filename) {
  const text = readFileSync(filename, 'utf8');
  const kept = join(KEPT, `${createHash('sha256').update(OPTIONS).update(filename).update(text).digest('hex')}.mjs`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { transform } = await import('@swc/core');
  const { code } = await transform(text, { ...JSON.parse(OPTIONS), filename, sourceMaps: 'inline', swcrc: false });
  try {
    mkdirSync(KEPT, { recursive: true });
    const mine = `${kept}.${process.pid}`;
    writeFileSync(mine, code);
    renameSync(mine, kept);
  } catch {
    // Another user's folder: this process goes on without.
  }
  return code;
}
