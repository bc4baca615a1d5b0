import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic' } },
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
