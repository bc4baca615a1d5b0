import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { plainDigits } from '../../apps/web/src/digits.js';
import { faults, go, type Stage } from './kit.js';

const GAS = 'obligations/facilitation-9-3/o1';
/** Of all scripts together, compressed. */
const MAX_BUNDLE_BYTES = 300_000;

/** The story of one resolution through the four roles, and what holds for every page. */
export function desks(opened: () => Stage): void {
  let stage: Stage;
  let governor: Page;
  let gas: Page;

  beforeAll(async () => {
    stage = opened();
    [governor, gas] = await Promise.all([stage.enter('governor'), stage.enter('gas')]);
  });

  const api = (page: Page, path: string): Promise<any> =>
    page.evaluate((asked) => fetch(`/v1/${asked}`).then((response) => response.json()), path);
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  it('signs in by a link that works once and leaves nothing behind that a script could read', async () => {
    await governor.getByRole('heading', { name: 'میز استاندار' }).waitFor();
    expect(governor.url()).toBe(`${stage.url}/`);
    expect(await governor.evaluate(() => [document.cookie, Object.keys(localStorage)])).toEqual([
      '',
      ['peygir.language'],
    ]);
    expect(await governor.context().cookies(`${stage.url}/v1`)).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);

    const stranger = await (await stage.context()).newPage();
    const link = stage.link('expert');
    await stranger.goto(link);
    await stranger.getByRole('navigation').waitFor();
    await stranger.context().clearCookies();
    await stranger.goto(link);
    await stranger.getByText('هر پیوند تنها یک بار کار می‌کند').waitFor();
    await stranger.context().close();
  });

  it('puts the worst before the governor first, its ladder drawn as reached, its clock day by day', async () => {
    await go(governor, 'desk');
    const { items } = await api(governor, 'obligations?escalatedTo=governor&status=missed,suspended&limit=500');
    await governor.waitForFunction((count) => document.querySelectorAll('.card').length === count, items.length);
    const missed = await governor.locator('.card .overdue').allTextContents();
    const days = missed.map((text) => Number(plainDigits(text).replaceAll(/\D/g, '')));
    expect(days).toEqual(days.toSorted((a, b) => b - a));

    await go(governor, GAS);
    const why = await api(governor, `${GAS}/why`);
    await governor.locator('.ladder li').first().waitFor();
    expect(await governor.locator('.ladder .reached').count()).toBe(
      why.rungs.filter((rung: { at?: string }) => rung.at).length,
    );
    expect(await governor.locator('.days .counts').count()).toBe(15);
  });

  it('keeps what was typed when the answer is lost, and does it once', async () => {
    await button(governor, 'دستور استاندار').click();
    const dialog = governor.getByRole('dialog');
    await dialog.getByLabel('متن دستور').fill('تا ده روز کاری گاز وصل شود');
    await dialog.getByLabel('مهلت تازه').fill('۱۰');
    // The engine does it, but its answer never arrives.
    await governor.route('**/IssueDirective', async (route) => (await route.fetch(), route.abort()), { times: 1 });
    await button(governor, 'دستور صادر شود').click();
    await dialog.getByText('سامانه پاسخ نمی‌دهد').waitFor();
    expect(await dialog.getByLabel('متن دستور').inputValue()).toBe('تا ده روز کاری گاز وصل شود');
    await button(governor, 'دستور صادر شود').click();
    await dialog.waitFor({ state: 'detached' });
    await governor.getByText('در مهلت', { exact: true }).waitFor();
    const { steps } = await api(governor, `${GAS}/why`);
    expect(steps.filter(({ type }: { type: string }) => type === 'GovernorDirected')).toHaveLength(1);
  });

  it('shows the agency what it owes, and takes its claim with evidence hashed in the browser', async () => {
    await gas.reload();
    await go(gas, 'inbox');
    const card = gas.locator('.card', { hasText: '۹/۳' });
    await card.getByText('۱۰ روز کاری مانده').waitFor();
    await card.locator('summary').first().click();
    await card.getByRole('button', { name: 'اعلام انجام' }).click();
    const name = 'صورت‌جلسه.pdf';
    const file = Buffer.from('%PDF-1.4\nthe gas is on\n%%EOF\n');
    await gas.getByLabel('مدارک').setInputFiles({ name, mimeType: 'application/pdf', buffer: file });
    await button(gas, 'اعلام شود').click();
    await card.getByText('در انتظار راستی‌آزمایی', { exact: true }).waitFor();
    const { latest } = await api(gas, GAS);
    const sha256 = createHash('sha256').update(file).digest('hex');
    expect(latest.AgencyComplied.evidence).toMatchObject([{ name, bytes: file.length, sha256 }]);
  });

  it('tells an agency that its own claim is for others to judge, whatever a script on its page sends', async () => {
    const refused = await gas.evaluate(() =>
      fetch('/v1/resolution/facilitation-9-3/VerifyCompliance', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"obligation":"o1"}',
      }).then((response) => response.json()),
    );
    expect(refused).toMatchObject({ status: 403, code: 'forbidden' });
  });

  it('lets the secretary verify, and the chain of the case tells all of it', async () => {
    const secretary = await stage.enter('secretary');
    await secretary.getByRole('heading', { name: 'جلسه‌ها' }).waitFor();
    await go(secretary, GAS);
    await button(secretary, 'تأیید انجام').click();
    await button(secretary, 'تأیید شود').click();
    await secretary.getByText('انجام شده', { exact: true }).waitFor();
    await secretary.getByRole('link', { name: 'پروندهٔ این تکلیف' }).click();
    await secretary.getByRole('heading', { name: 'ابلاغ با نامهٔ' }).waitFor();
    const moments = await secretary.locator('.timeline > li > h3').allTextContents();
    expect(moments.slice(0, 6).map((text) => text.replaceAll(/[۰-۹/]/g, '').trim())).toEqual([
      'بازدید میدانی',
      'پرونده گشوده شد',
      'در دستور جلسه نشست',
      'جلسهٔ',
      'مصوبهٔ',
      'ابلاغ با نامهٔ',
    ]);
    await secretary.context().close();
  });

  it('takes a new matter from intake to its letter: secretary, expert, governor', async () => {
    const [secretary, expert] = await Promise.all([stage.enter('secretary'), stage.enter('expert')]);
    const close = (page: Page) => page.getByRole('dialog').waitFor({ state: 'detached' });
    await go(secretary, 'cases');
    await button(secretary, 'پروندهٔ تازه').click();
    await secretary.getByLabel('عنوان').fill('برق خط دوم');
    await secretary.getByLabel('موضوع').last().selectOption('electricity');
    await secretary.getByLabel('شرح').fill('برق روزی شش ساعت قطع است');
    await button(secretary, 'گشوده شود').click();
    await secretary.getByRole('heading', { name: 'برق خط دوم' }).waitFor();
    const address = new URL(secretary.url()).hash.slice(2);

    await go(expert, address);
    await button(expert, 'نظر کارشناسی').click();
    await expert.getByLabel('نظر فنی').fill('پست برق ظرفیت دارد');
    await expert.getByLabel('پیشنهاد').fill('خط جداگانه');
    await button(expert, 'ثبت شود').click();
    await close(expert);

    await go(secretary, 'sessions');
    await button(secretary, 'برنامه‌ریزی جلسهٔ بعد').click();
    await secretary.getByLabel('روز').locator('option').first().waitFor({ state: 'attached' });
    await button(secretary, 'برنامه‌ریزی شود').click();
    await secretary.getByRole('link', { name: 'جلسهٔ ۱۰' }).click();
    await button(secretary, 'در دستور بگذار').click();
    await button(secretary, 'در دستور گذاشته شود').click();
    await secretary.locator('.agenda').getByText('برق خط دوم').waitFor();
    await button(secretary, 'گشودن جلسه').click();
    await button(secretary, 'گشوده شود').click();
    await button(secretary, 'تصویب').click();
    // What was last decided on such a matter is filled in; a second agency is a click away.
    expect(await secretary.getByLabel('معیار پذیرش').inputValue()).not.toBe('');
    await button(secretary, 'تکلیف دیگر').click();
    await secretary.getByLabel('دستگاه (تکلیف ۲)').selectOption('parks');
    await button(secretary, 'تصویب شود').click();
    await close(secretary);

    await go(governor, 'sessions/facilitation-10');
    await button(governor, 'امضای صورتجلسه').click();
    await button(governor, 'امضا شود').click();
    await close(governor);
    await secretary.waitForFunction(() =>
      fetch('/v1/resolutions?session=facilitation-10').then(
        async (answer) => ((await answer.json()) as { items: unknown[] }).items.length === 1,
      ),
    );
    await secretary.reload();
    await button(secretary, 'ابلاغ').click();
    await secretary.getByLabel('شمارهٔ نامه').fill('۱۰/۱');
    await button(secretary, 'ابلاغ شود').click();
    await close(secretary);
    await secretary.getByText('۲ / ۰').waitFor();
    const { items } = await api(secretary, 'resolutions?session=facilitation-10');
    expect(items[0].obligations).toMatchObject([{ status: 'running' }, { status: 'running', agency: 'parks' }]);
    await Promise.all([secretary, expert].map((page) => page.context().close()));
  });

  it('says before a closure what it would move, and then moves it', async () => {
    const other = 'obligations/facilitation-9-2/o2';
    await go(governor, other);
    await button(governor, 'دستور استاندار').click();
    await governor.getByLabel('متن دستور').fill('صدور پروانه');
    await governor.getByLabel('مهلت تازه').fill('10');
    await button(governor, 'دستور صادر شود').click();
    await governor.getByRole('dialog').waitFor({ state: 'detached' });
    await governor.getByText('در مهلت', { exact: true }).waitFor();
    const before = (await api(governor, other)).dueAt as string;

    await go(governor, 'calendar');
    // Late in the year there may be no day left in it.
    if ((await governor.locator('.month button').count()) < 4) await button(governor, 'سال بعد').click();
    await governor.locator('.month button').nth(3).click();
    await governor.getByLabel('دلیل').fill('برف');
    await governor.getByLabel('شمارهٔ مصوبه یا نامه').fill('د-۱');
    await button(governor, 'چه جابه‌جا می‌شود؟').click();
    await governor.locator('.moves').getByText('facilitation-۹-۲').waitFor();
    expect((await api(governor, other)).dueAt).toBe(before);
    await button(governor, 'تعطیلی اعلام شود').click();
    await governor.getByText('ثبت شد').waitFor();
    await governor.waitForFunction(
      ([path, due]) =>
        fetch(`/v1/${path}`).then(async (answer) => ((await answer.json()) as { dueAt: string }).dueAt > due),
      [other, before] as const,
    );
  });

  it.each([['desk', GAS, 'cases', 'cases/v-9-3-1', 'sessions', 'sessions/facilitation-9', 'inbox/samt', 'calendar']])(
    'has no fault that axe finds, in either language, and fits on a phone',
    async (...pages) => {
      const found: Record<string, string[]> = {};
      const wide: string[] = [];
      for (const language of ['fa', 'en']) {
        for (const address of pages) {
          await governor.setViewportSize(
            language === 'fa' ? { width: 1280, height: 900 } : { width: 360, height: 740 },
          );
          await go(governor, address);
          // The structure is the same in both languages; names are where they could differ.
          const these = language === 'fa' || ['desk', 'calendar'].includes(address) ? await faults(governor) : [];
          if (these.length > 0) found[`${language} ${address}`] = these;
          const fits = await governor.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
          if (!fits) wide.push(`${language} ${address}`);
        }
        if (language === 'fa') await button(governor, 'English').click();
      }
      expect([found, wide]).toEqual([{}, []]);
      expect(await governor.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
        'en',
        'ltr',
      ]);
    },
  );

  it('works by the keyboard alone: in, through the worst, into a form and out again', async () => {
    await governor.setViewportSize({ width: 1280, height: 900 });
    await go(governor, GAS.replace('9-3', '8-2'));
    const directive = button(governor, 'Directive');
    await directive.focus();
    await governor.keyboard.press('Enter');
    await governor.getByRole('dialog').waitFor();
    expect(await governor.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('text');
    await governor.keyboard.press('Escape');
    await governor.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await directive.evaluate((one) => one === document.activeElement)).toBe(true);
  });

  it('loads within its budget, asks nobody else for anything, and breaks no rule of its own policy', () => {
    const assets = join('dist', 'web', 'assets');
    const code = readdirSync(assets).filter((name) => name.endsWith('.js'));
    const bytes = code.reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
    expect(bytes).toBeLessThan(MAX_BUNDLE_BYTES);
    expect(stage.complaints.filter((each) => !each.includes('ERR_FAILED'))).toEqual([]);
  });
}
