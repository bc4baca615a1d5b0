/** Runs TypeScript of this project in a plain Node process: `node --import ./test/kit/ts.mjs some/file.ts`. */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const root = new URL('../../', import.meta.url);

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
  const { transform } = await import('@swc/core');
  const { default: jest } = await import(new URL('jest.config.js', root).href);
  const [, options] = jest.transform['^.+\\.ts$'];
  const { code } = await transform(readFileSync(fileURLToPath(url), 'utf8'), {
    ...options,
    filename: fileURLToPath(url),
    sourceMaps: 'inline',
    swcrc: false,
  });
  return { format: 'module', source: code, shortCircuit: true };
}
