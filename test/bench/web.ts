/** What somebody at a desk waits for: the first view, cold and warm; and how smoothly a hundred thousand rows scroll. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { api, go, openStage } from '#test/browser/kit';
import { median, quantile, report } from './kit.js';

const VIEWS = 7;
const TARGET_VIEW_MS = 1_000;
const TARGET_BUNDLE_KB = 300;
const ROWS = 100_000;
const SCROLLS = 300;
const SMOOTH_MS = 50;

const stage = await openStage();
try {
  const index = readFileSync(join('dist', 'web', 'index.html'), 'utf8');
  const scripts = [...index.matchAll(/assets\/[\w-]+\.js/g)].map(([name]) => readFileSync(join('dist', 'web', name)));
  const kb = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0) / 1000;
  report('scripts of the first view, compressed', `${kb.toFixed(0)} kB`, {
    met: kb < TARGET_BUNDLE_KB,
    is: `under ${TARGET_BUNDLE_KB} kB`,
  });

  const page = await stage.enter('governor');
  for (const [name, cold] of [
    ['cold', true],
    ['warm', false],
  ] as const) {
    const client = await page.context().newCDPSession(page);
    await client.send('Network.setCacheDisabled', { cacheDisabled: cold });
    const views: number[] = [];
    for (let view = 0; view < VIEWS; view++) {
      const from = performance.now();
      await page.goto(stage.url);
      await page.locator('.long .ladder li').first().waitFor();
      views.push(performance.now() - from);
    }
    const ms = median(views);
    report(`the governor's desk with the worst opened, ${name}, median`, `${ms.toFixed(0)} ms`, {
      met: ms < TARGET_VIEW_MS,
      is: `under ${TARGET_VIEW_MS} ms`,
    });
  }

  const [one] = (await api(page, 'obligations?agency=gas&limit=1')).items;
  await page.route('**/v1/obligations?agency=gas&status=issued*', (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const [from, size] = [Number(asked.get('cursor') ?? 0), Number(asked.get('limit'))];
    const items = Array.from({ length: size }, (_, at) => ({ ...one, obligation: `o${from + at}` }));
    return route.fulfill({ json: { items, ...(from + size < ROWS && { next: String(from + size) }) } });
  });
  await go(page, 'inbox/gas');
  await page.locator('.long > li').first().waitFor();
  const frames = await page.evaluate(async (scrolls) => {
    const took: number[] = [];
    const frame = () => new Promise<number>((drawn) => requestAnimationFrame(drawn));
    let before = await frame();
    for (let each = 0; each < scrolls; each++) {
      scrollBy(0, 400);
      const now = await frame();
      took.push(now - before);
      before = now;
    }
    return took;
  }, SCROLLS);
  const p95 = quantile(frames, 0.95);
  report(`a frame while scrolling through ${ROWS} rows, p95`, `${p95.toFixed(0)} ms`, {
    met: p95 < SMOOTH_MS,
    is: `under ${SMOOTH_MS} ms`,
  });
} finally {
  await stage.close();
}
