import { needs } from '#test/kit/needs';
import { desks } from './desks.js';
import { openStage, type Stage } from './kit.js';
import { record } from './record.js';
import { waits } from './waits.js';

/** One server and one browser for all stories: starting them is what takes time. Each story leaves the others' alone. */
needs('chromium')('the web interface in a real browser, on the nine Tuesdays', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

  describe('the desks of the offices', () => desks(() => stage));
  describe('the record', () => record(() => stage));
  describe('what waits', () => waits(() => stage));
});
