import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild-wasm';
import { ROLES_OF } from './roles.js';

const HERE = dirname(fileURLToPath(import.meta.url));
/** `.ts` in a checkout's tests, `.js` in what was built. */
const EXT = extname(import.meta.url);

/** Our own modules have no side effects that a verifier needs: what it does not use stays out, frameworks above all. */
const ours = (browser: boolean): Plugin => ({
  name: 'ours',
  setup({ onResolve, onLoad }) {
    onLoad({ filter: /verifier[\\/]roles\.[jt]s$/ }, () => ({
      contents: `export const ROLES_OF = ${JSON.stringify(ROLES_OF)};`,
    }));
    onResolve({ filter: /^#/ }, ({ path }) => ({
      path: join(HERE, '../../libs', path.slice(1), `index${EXT}`),
      sideEffects: false,
    }));
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const file = join(resolveDir, path.replace(/\.js$/, EXT));
      const platform = browser && file.endsWith(`/audit/platform${EXT}`);
      return { path: platform ? join(HERE, `platform.browser${EXT}`) : file, sideEffects: false };
    });
    onResolve({ filter: /^[a-z@]/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
});

async function bundled(entry: string, browser: boolean): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `import './${entry}.js'`, resolveDir: HERE },
    plugins: [{ ...ours(browser), setup: (b) => (keepEntry(b, entry), ours(browser).setup(b)) }],
    bundle: true,
    write: false,
    format: browser ? 'iife' : 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
  });
  return outputFiles[0]!.text;
}

/** The entry is there for what it does. */
const keepEntry: (build: Parameters<Plugin['setup']>[0], entry: string) => void = ({ onResolve }, entry) =>
  onResolve({ filter: /^\.\// }, ({ path, importer }) =>
    importer === '<stdin>' ? { path: join(HERE, `${path.slice(2, -3) === entry ? entry : ''}${EXT}`) } : undefined,
  );

let made: Promise<{ script: string; page: string }> | undefined;

/** The verifier as it lies in an export: one script for Node and one page for a browser, each in one file. */
export const verifiers = (): Promise<{ script: string; page: string }> =>
  (made ??= Promise.all([bundled('main', false), bundled('page', true)]).then(
    ([script, page]) => ({ script: `#!/usr/bin/env node\n${script}`, page: html(page) }),
    (error: unknown) => ((made = undefined), Promise.reject(error)),
  ));

const html = (script: string): string => `<!doctype html>
<html lang="fa" dir="rtl">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>پیگیر: راستی‌آزمایی · Verify</title>
<style>
  body { font: 1rem/1.7 Vazirmatn, Tahoma, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  pre { font: inherit; white-space: pre-wrap; unicode-bidi: plaintext } label { display: block } progress { width: 100% }
</style>
<h1>راستی‌آزمایی خروجی دفتر <span dir="ltr">· Verify an export</span></h1>
<p>هیچ چیز از این صفحه فرستاده یا گرفته نمی‌شود. <span dir="ltr">Nothing is sent or fetched.</span></p>
<label>کلید دفتر، از روی کاغذ · the log's key, from paper <input id="key" dir="ltr" size="60"></label>
<label>مهر بازدید پیشین · the checkpoint of your last visit <input id="since" type="file"></label>
<label>رسیدهای دیگران · receipts of others <input id="receipts" type="file" multiple></label>
<label>پوشهٔ خروجی · the folder <input id="folder" type="file" webkitdirectory></label>
<progress id="bar" value="0"></progress>
<pre id="out" dir="auto"></pre>
<a id="keep" download="checkpoint" hidden>مهر امروز، برای بازدید بعد · today's checkpoint, for the next visit</a>
<script>
${script.replaceAll('</script', '<\\/script')}</script>
</html>
`;
