/**
 * What somebody at a desk waits for: the first view, cold and warm; and how smoothly a hundred thousand rows scroll. Beside
 * it, a page with nothing to fetch and nothing to draw, in the same browser.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { api, go, openStage } from '#test/browser/kit';
import { inTurns, median, quantile, report } from './kit.js';

const VIEWS = 7;
const TARGET_VIEW_MS = 1_000;
const TARGET_BUNDLE_KB = 300;
const ROWS = 100_000;
const SCROLLS = 300;
const SMOOTH_MS = 50;

const timed = async (work: () => Promise<unknown>) => {
  const from = performance.now();
  await work();
  return performance.now() - from;
};

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
    const found = await inTurns(VIEWS, {
      product: () => timed(() => page.goto(stage.url).then(() => page.locator('.long .ladder li').first().waitFor())),
      limit: () => timed(() => page.goto(`${stage.url}/health/live`)),
    });
    const [ms, limit] = [median(found.product), median(found.limit)];
    report(
      `the governor's desk with the worst opened, ${name}, median`,
      `${ms.toFixed(0)} ms`,
      { met: ms < TARGET_VIEW_MS, is: `under ${TARGET_VIEW_MS} ms` },
      { what: 'a line of text from the same server', figure: `${limit.toFixed(0)} ms`, ratio: limit / ms },
    );
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
  const scrolled = () =>
    page.evaluate(async (scrolls) => {
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
  const p95 = quantile(await scrolled(), 0.95);
  await page.setContent(`<p style="height: ${ROWS * 40}px">`);
  const limit = quantile(await scrolled(), 0.95);
  report(
    `a frame while scrolling through ${ROWS} rows, p95`,
    `${p95.toFixed(0)} ms`,
    { met: p95 < SMOOTH_MS, is: `under ${SMOOTH_MS} ms` },
    { what: 'a frame of an empty page as long', figure: `${limit.toFixed(0)} ms`, ratio: limit / p95 },
  );
} finally {
  await stage.close();
}
