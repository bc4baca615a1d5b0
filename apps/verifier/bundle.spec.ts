import { verifiers } from './bundle.js';

it('is one script that needs nothing but Node, and one page that needs nothing at all', async () => {
  const { script, page } = await verifiers();
  const imports = [...script.matchAll(/^import .*?from "([^"]+)"/gm)].map(([, name]) => name);
  expect(new Set(imports)).toEqual(new Set(['node:crypto', 'node:fs', 'node:path', 'node:url', 'node:util']));
  expect(script.length).toBeLessThan(150_000);
  expect(page).not.toMatch(/\brequire\(|\bimport\(|fetch\(|https?:\/\//);
  expect(page).not.toContain('node:');
});
