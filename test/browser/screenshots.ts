/**
 * The pictures of the README, from the demo with the nine Tuesdays, in Persian: `npm run screenshots` writes
 * docs/screenshots/*.png anew.
 */
import { mkdirSync } from 'node:fs';
import { go, openStage } from './kit.js';

const FOLDER = 'docs/screenshots';
const PICTURES = [
  { desk: 'governor', address: 'desk', file: 'desk.png' },
  { desk: 'secretary', address: 'calendar', file: 'calendar.png' },
  { desk: 'governor', address: 'cases/v-9-3-1', file: 'case.png' },
];

mkdirSync(FOLDER, { recursive: true });
const stage = await openStage();
try {
  for (const { desk, address, file } of PICTURES) {
    const page = await stage.enter(desk);
    await page.setViewportSize({ width: 1366, height: 820 });
    await go(page, address);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: `${FOLDER}/${file}`, animations: 'disabled' });
    await page.context().close();
    console.log(`${FOLDER}/${file}`);
  }
} finally {
  await stage.close();
}
