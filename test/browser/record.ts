import { readFileSync } from 'node:fs';
import { unzipSync, zipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { jalali, toJalali } from '../../apps/web/src/days.js';
import { digits } from '../../apps/web/src/digits.js';
import { faults, go, type Stage } from './kit.js';

const EXPECTED = JSON.parse(readFileSync('apps/cli/data/economic-tuesdays.expected.json', 'utf8'));
const CASE = 'cases/v-9-3-1';

/** The record: the chain of a case, its past, its proof, the calendars and ladders that it is counted by. */
export function record(opened: () => Stage): void {
  let stage: Stage;
  let governor: Page;
  let oversight: Page;

  beforeAll(async () => {
    stage = opened();
    [governor, oversight] = await Promise.all([stage.enter('governor'), stage.enter('oversight')]);
  });
  afterAll(() => Promise.all([governor, oversight].map((page) => page?.context().close())));

  const fa = (value: number | string) => digits(value, 'fa');
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const status = (page: Page, path: string): Promise<number> =>
    page.evaluate((asked) => fetch(`/v1/${asked}`).then((response) => response.status), path);

  it('turns the province back to each of the nine Tuesdays: 14 cases a session, 10 in the ninth', async () => {
    const tuesdays: { date: string; number: number }[] = await governor.evaluate(() =>
      fetch('/v1/sessions?status=signed&limit=100').then(async (answer) =>
        ((await answer.json()) as { items: { date: string; number: number }[] }).items.filter((one) => one.number <= 9),
      ),
    );
    expect(tuesdays).toHaveLength(9);
    await go(governor, 'sessions');
    await button(governor, 'ماشین زمان').click();
    const bar = governor.getByRole('region', { name: 'ماشین زمان' });
    const figure = (label: string) => bar.locator('.then div', { hasText: label }).locator('dd');
    for (const { date, number } of tuesdays.toReversed()) {
      await bar
        .getByLabel('روز', { exact: true })
        .last()
        .fill(fa(toJalali(date)));
      await bar.getByText(`پرونده در جلسهٔ ${fa(number)}`, { exact: true }).waitFor();
      await governor.waitForFunction((count) => document.querySelectorAll('main .list tbody tr, main .rows a[href*="sessions/"]').length >= count, number); // prettier-ignore
    }
    // The day stands in the address: who is sent it, or loads it again, sees the same.
    expect(governor.url()).toMatch(/#\/?sessions\?validAt=\d{4}-\d\d-\d\d$/);
    await governor.reload();
    await bar.getByText('پرونده در جلسهٔ ۹', { exact: true }).waitFor();
    expect(await figure('میانگین').textContent()).toBe(fa(EXPECTED.averageCasesPerSession));
    expect(await figure('پرونده در جلسهٔ').textContent()).toBe(fa(EXPECTED.casesInNinth));

    // On that evening nothing of it had been communicated, and nothing can be done about the past.
    await go(governor, CASE);
    await governor.getByRole('heading', { name: 'مصوبهٔ ۹/۳' }).waitFor();
    expect(await governor.getByRole('heading', { name: 'ابلاغ با نامهٔ' }).count()).toBe(0);
    await go(governor, 'obligations/facilitation-1-1/o1');
    expect(await button(governor, 'دستور استاندار').count()).toBe(0);
    await bar.getByLabel('روز', { exact: true }).first().focus();
    await governor.keyboard.press('Home');
    await governor.getByText('در این روز هنوز نبود').first().waitFor();
    await bar.getByLabel('چه چیز').selectOption('asOf');
    await bar.getByText('هنوز جلسه‌ای برگزار نشده بود').waitFor();
    await bar.getByLabel('چه چیز').selectOption('validAt');

    await bar.getByLabel('سرعت').selectOption('10');
    await button(governor, 'پخش').click();
    await bar.getByText('پرونده در جلسهٔ ۱', { exact: true }).waitFor();
    await button(governor, 'درنگ').click();
    await governor.emulateMedia({ reducedMotion: 'reduce' });
    await button(governor, 'رویداد بعد').click();
    await button(governor, 'پخش').waitFor({ state: 'detached' });
    await governor.emulateMedia({ reducedMotion: 'no-preference' });

    await bar.getByRole('link', { name: 'چه فرق کرده است؟' }).click();
    await governor.getByRole('heading', { name: 'تکلیف‌ها' }).waitFor();
    expect(await faults(governor)).toEqual([]);
    await button(governor, 'بازگشت به اکنون').click();
    await bar.waitFor({ state: 'detached' });
  });

  it('keeps the past from those who do not read the province', async () => {
    const gas = await stage.enter('gas');
    expect(await button(gas, 'ماشین زمان').count()).toBe(0);
    expect(await status(gas, 'cases?validAt=2026-09-01T00:00:00Z')).toBe(403);
    expect(await status(gas, 'cases')).toBe(200);
    await gas.context().close();
  });

  it('tells a case from visit to outcome with every clock, also on paper', async () => {
    await go(governor, CASE);
    await governor.getByRole('heading', { name: 'به استاندار رسید' }).waitFor();
    await governor.getByRole('figure').filter({ hasText: 'همهٔ ساعت‌ها' }).locator('.lane .runs').first().waitFor();
    const folded = governor.locator('.whys details:not([open])');
    expect(await folded.count()).toBeGreaterThan(0);
    await governor.emulateMedia({ media: 'print' });
    await governor.evaluate(() => dispatchEvent(new Event('beforeprint')));
    expect(await folded.count()).toBe(0);
    expect(await governor.getByText('روز کاری ۱۵').isVisible()).toBe(true);
    expect(await governor.locator('.top').isVisible()).toBe(false);
    await governor.evaluate(() => dispatchEvent(new Event('afterprint')));
    await governor.emulateMedia({ media: 'screen' });
    expect(await folded.count()).toBeGreaterThan(0);
    const paper = await governor.pdf({ format: 'A4' });
    expect(paper.subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('shows oversight the log, and proves an event and every checkpoint in the browser', async () => {
    await go(oversight, 'audit');
    await oversight.getByLabel('گونه').fill('MinutesSigned');
    await button(oversight, 'نشان بده').click();
    await oversight.waitForFunction(() => {
      const shown = [...document.querySelectorAll('.events summary')];
      return shown.length >= 9 && shown.every((one) => one.textContent!.includes('MinutesSigned'));
    });
    await oversight.getByRole('link', { name: 'اثبات' }).first().click();
    await oversight.getByText('✓ اثبات درست است').waitFor();
    expect(await oversight.locator('.way li').count()).toBeGreaterThan(3);
    // Of a key that is not the log's, the same proof proves nothing.
    const key = (await oversight.getByLabel('کلید دفتر').getAttribute('placeholder'))!;
    await oversight.getByLabel('کلید دفتر').fill('other+e9d6ac13+ATTBrvhTfmXsYHYGTZP3P3dYYuF5AEexZsBs5JXAgVVN');
    await oversight.getByText(/✗/).first().waitFor();
    await oversight.getByLabel('کلید دفتر').fill(key);
    await oversight.getByText('✓ اثبات درست است').waitFor();

    await go(oversight, 'audit/checkpoints');
    await oversight.waitForFunction(() => document.querySelectorAll('tbody .holds').length >= 50);
    expect(await oversight.locator('tbody .overdue').count()).toBe(0);
    expect(await status(governor, 'checkpoints')).toBe(403);
  });

  it('makes an export and verifies it without asking anybody; a changed one is found out', async () => {
    await go(oversight, 'audit/verify');
    await oversight.getByLabel('چه چیز').selectOption('case');
    await oversight.getByLabel('شناسه').fill('v-9-3-1');
    const [download] = await Promise.all([
      oversight.waitForEvent('download', { timeout: 100_000 }),
      button(oversight, 'بساز و ببر').click(),
    ]);
    await oversight.context().setOffline(true);
    await button(oversight, 'همین را بیازما').click();
    await oversight.getByText('✓ درست است').waitFor();
    expect(await oversight.locator('.checks .holds').count()).toBe(10);

    const files = unzipSync(readFileSync(await download.path()));
    const entry = Object.keys(files).find((name) => /^entries\/\d+\.json$/.test(name))!;
    files[entry]![files[entry]!.length - 30]! ^= 1;
    const changed = { name: 'changed.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync(files)) };
    await oversight.getByLabel('فایل خروجی').setInputFiles(changed);
    await oversight.getByText('✗ نادرست است').waitFor();
    await oversight.getByText('رویدادی دست‌کاری شده است').first().waitFor();
    await oversight.context().setOffline(false);
  });

  it('closes a day of a calendar and opens it again, each after a look', async () => {
    await go(governor, 'calendar/banks');
    if ((await governor.locator('.month button').count()) < 8) await button(governor, 'سال بعد').click();
    const day = governor.locator('.month button').nth(6);
    const name = (await day.getAttribute('aria-label'))!;
    await day.click();
    await governor.getByLabel('دلیل').fill('مراسم');
    await governor.getByLabel('شمارهٔ مصوبه یا نامه').fill('د-۲');
    await button(governor, 'چه جابه‌جا می‌شود؟').click();
    await button(governor, 'تعطیلی اعلام شود').click();
    await governor.getByText('ثبت شد').waitFor();
    const closed = governor.getByRole('button', { name: `${name} — مراسم (د-۲)` });
    await closed.click();
    await button(governor, 'چه جابه‌جا می‌شود؟').click();
    await button(governor, 'تعطیلی لغو شود').click();
    await governor.locator('.month').getByRole('button', { name, exact: true }).waitFor();
    await governor.getByText('لغو تعطیلی').first().waitFor();
  });

  it('draws a ladder by keyboard and pointer; refusals stand at their rung; what was compared is adopted', async () => {
    await go(governor, 'ladders');
    await governor.getByLabel('نردبان تازه').fill('steep');
    await button(governor, 'آغاز').click();
    const rung = governor.getByRole('slider', { name: 'گزارش به استاندار' }).first();
    await rung.waitFor();
    const days = async () => Number(await rung.getAttribute('aria-valuenow'));
    expect(await days()).toBe(5);
    await rung.focus();
    await governor.keyboard.press('ArrowUp');
    expect(await days()).toBe(6);
    const { x, y, width } = (await rung.boundingBox())!;
    await governor.mouse.move(x + width / 2, y + 5);
    await governor.mouse.down();
    await governor.mouse.move(x - 150, y + 5, { steps: 4 });
    await governor.mouse.up();
    expect(await days()).toBeGreaterThan(6);

    await governor.getByLabel('نام').fill('due');
    await button(governor, 'با نسخهٔ در اجرا بسنج').click();
    await governor.locator('.rungs .is-wrong').getByRole('alert').waitFor();
    await governor.getByLabel('نام').fill('governor');
    await button(governor, 'پلهٔ دیگر').click();
    await governor.locator('.track [role=slider]').nth(1).focus();
    await governor.keyboard.press('Delete');
    expect(await governor.getByRole('slider').count()).toBe(1);
    await button(governor, 'با نسخهٔ در اجرا بسنج').click();
    await button(governor, 'این نسخه به اجرا درآید').click();
    await governor.getByText('نسخهٔ ۱، در اجرا').waitFor();
    expect(await status(oversight, 'ladders')).toBe(200);
    await go(oversight, 'ladders/steep');
    await oversight.getByText('نسخهٔ ۱، در اجرا').waitFor();
    expect(await oversight.getByRole('slider').count()).toBe(0);

    const secretary = await stage.enter('secretary');
    await go(secretary, 'ladders');
    const term = secretary.locator('.terms li', { hasText: 'آزادسازی وثیقهٔ مازاد' });
    await term.getByRole('slider').focus();
    await secretary.keyboard.press('ArrowUp');
    await term.getByText('اگر امروز ابلاغ شود').waitFor();
    await term.getByRole('button', { name: 'به اجرا درآید' }).click();
    await term.getByText('۱۶ روز کاری', { exact: true }).waitFor();
    await term.getByText('اگر امروز ابلاغ شود').waitFor({ state: 'detached' });
    await secretary.context().close();
  });

  it('has no fault that axe finds, and fits on a phone in both languages', async () => {
    const found: Record<string, string[]> = {};
    const pages: [Page, string][] = [
      [governor, CASE],
      [governor, 'calendar'],
      [governor, 'ladders/standard'],
      [oversight, 'audit/events'],
      [oversight, 'audit/checkpoints'],
      [oversight, 'audit/verify'],
      [oversight, 'audit/proof/resolution-facilitation-9-3/0'],
    ];
    const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    const look = async (page: Page, address: string) => {
      await go(page, address);
      if (address.startsWith('audit/proof')) await page.locator('.way').waitFor();
      await page.setViewportSize({ width: 360, height: 740 });
      const wide = (await fits(page)) ? [] : ['wide'];
      await page.setViewportSize({ width: 1280, height: 900 });
      return [...(await faults(page)), ...wide];
    };
    for (const [page, address] of pages) found[`fa ${address}`] = await look(page, address);
    await Promise.all([governor, oversight].map((page) => button(page, 'English').click()));
    for (const [page, address] of [pages[2]!, pages[3]!]) found[`en ${address}`] = await look(page, address);
    await Promise.all([governor, oversight].map((page) => button(page, 'فارسی').click()));
    expect(Object.entries(found).filter(([, faulty]) => faulty.length > 0)).toEqual([]);
    expect(jalali('2026-10-20')).toEqual({ year: 1405, month: 7, day: 28 });
  });
}
