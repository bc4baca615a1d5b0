import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const ROOT = join(import.meta.dirname, '../..');
const VERIFIER = [join(ROOT, 'libs'), join(ROOT, 'apps/verifier')];

/**
 * The engine's own modules in the page: the verifier with what it uses, as in an export's verify.html. Modules that are
 * not used have no effect and stay out, and with them the frameworks that they would bring.
 */
const engine: Plugin = {
  name: 'engine',
  enforce: 'pre',
  async load(id) {
    if (id !== join(ROOT, 'apps/verifier/roles.ts')) return undefined;
    // Who may do what stands in the deciders' own tables: asked of the engine as it was built, and taken along as data.
    const { ROLES_OF } = (await import(pathToFileURL(join(ROOT, 'dist/apps/verifier/roles.js')).href)) as object & { ROLES_OF: unknown }; // prettier-ignore
    return `export const ROLES_OF = ${JSON.stringify(ROLES_OF)};`;
  },
  resolveId(source, importer = '') {
    const to = (file: string) => ({ id: file, moduleSideEffects: false });
    if (source.startsWith('#apps/')) return to(join(ROOT, `${source.slice(1)}.ts`));
    if (source.startsWith('#')) return to(join(ROOT, 'libs', source.slice(1), 'index.ts'));
    if (!VERIFIER.some((folder) => importer.startsWith(folder))) return undefined;
    if (!source.startsWith('.')) return { id: source, external: true, moduleSideEffects: false };
    const file = join(dirname(importer), source.replace(/\.js$/, '.ts'));
    return to(file === join(ROOT, 'libs/audit/platform.ts') ? join(ROOT, 'apps/verifier/platform.browser.ts') : file);
  },
};

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [engine],
  oxc: { jsx: { runtime: 'automatic' }, decorator: { legacy: true } },
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    // The content security policy has no room for data: URLs of scripts and fonts.
    assetsInlineLimit: 0,
    target: 'es2022',
    // In kB, before compression.
    chunkSizeWarningLimit: 900,
  },
});
