import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { plainDigits } from '../../apps/web/src/digits.js';
import { api, button, closed, faults, go, until, type Stage } from './kit.js';

const GAS = 'obligations/facilitation-9-3/o1';
/** Of all scripts that the first view needs, compressed. */
const MAX_BUNDLE_BYTES = 300_000;

/** The story of one resolution through the four roles, and what holds for every page. */
export function desks(opened: () => Stage): void {
  let stage: Stage;
  let governor: Page;
  let gas: Page;
  let secretary: Page;
  let expert: Page;

  beforeAll(async () => {
    stage = opened();
    [governor, gas, secretary, expert] = (await Promise.all(
      ['governor', 'gas', 'secretary', 'expert'].map((desk) => stage.enter(desk)),
    )) as [Page, Page, Page, Page];
  });
  afterAll(() => Promise.all([governor, gas, secretary, expert].map((page) => page?.context().close())));

  it('signs in by a link that works once and leaves nothing behind that a script could read', async () => {
    await governor.getByRole('heading', { name: 'میز استاندار' }).waitFor();
    expect(governor.url()).toBe(`${stage.url}/`);
    expect(await governor.evaluate(() => [document.cookie, Object.keys(localStorage)])).toEqual([
      '',
      ['peygir.language'],
    ]);
    expect(await governor.context().cookies(`${stage.url}/v1`)).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);

    const stranger = await (await stage.context()).newPage();
    const link = stage.link('oversight');
    await stranger.goto(link);
    await stranger.getByRole('navigation').waitFor();
    await stranger.context().clearCookies();
    await stranger.goto(link);
    await stranger.getByText('هر پیوند تنها یک بار کار می‌کند').waitFor();
    await stranger.context().close();
  });

  it('puts the worst before the governor first, its ladder drawn as reached, its clock day by day', async () => {
    await go(governor, 'desk');
    const { items } = await api(governor, 'obligations?escalatedTo=governor&status=missed&limit=500');
    await governor.getByRole('button', { name: 'نزد استاندار' }).getByText(digits(items.length)).waitFor();
    const days = (await governor.locator('.long .overdue').allTextContents()).map((text) =>
      Number(plainDigits(text).replaceAll(/\D/g, '')),
    );
    expect(days.length).toBeGreaterThan(5);
    expect(days).toEqual(days.toSorted((a, b) => b - a));

    await go(governor, GAS);
    const why = await api(governor, `${GAS}/why`);
    await governor.locator('.ladder li').first().waitFor();
    expect(await governor.locator('.ladder .reached').count()).toBe(
      why.rungs.filter((rung: { at?: string }) => rung.at).length,
    );
    expect(await governor.locator('.days .counts').count()).toBe(15);
  });

  it('keeps what was typed when the answer is lost, and does it once; the agency sees it without asking', async () => {
    await go(gas, 'inbox');
    const card = gas.locator('.card', { hasText: '۹/۳' });
    await card.getByText('مهلت گذشته', { exact: true }).waitFor();

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
    await closed(governor);
    await governor.getByText('در مهلت', { exact: true }).waitFor();
    const { steps } = await api(governor, `${GAS}/why`);
    expect(steps.filter(({ type }: { type: string }) => type === 'GovernorDirected')).toHaveLength(1);
    await card.getByText('۱۰ روز کاری مانده').waitFor();
  });

  it('says which field is wrong, in words that help', async () => {
    await button(governor, 'دستور استاندار').click();
    const dialog = governor.getByRole('dialog');
    await dialog.getByLabel('متن دستور').fill('باز هم');
    await dialog.getByLabel('مهلت تازه').fill('۹۹۹');
    await button(governor, 'دستور صادر شود').click();
    await dialog.getByText('«مهلت تازه»').waitFor();
    expect(await dialog.getByLabel('مهلت تازه').getAttribute('aria-invalid')).toBe('true');
    await button(governor, 'انصراف').click();
    await closed(governor);
  });

  it('takes the claim of an agency with evidence hashed in the browser', async () => {
    const card = gas.locator('.card', { hasText: '۹/۳' });
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

  it('shows the secretary the answer that is owed, who verifies; the chain of the case tells all of it', async () => {
    await secretary.getByRole('heading', { name: 'میز دبیر' }).waitFor();
    await secretary.getByRole('link', { name: 'راستی‌آزمایی · ۹/۳' }).click();
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
  });

  it('says that it hears nothing, and goes on by itself', async () => {
    const stale = governor.getByText('ارتباط زنده قطع است');
    await governor.route('**/v1/live', (route) => route.abort());
    await governor.reload();
    await stale.waitFor();
    // What can be read is there all the same.
    await go(governor, 'desk');
    await governor.locator('.long .card').first().waitFor();
    await governor.unroute('**/v1/live');
    await stale.waitFor({ state: 'detached' });
  });

  it('finds what is spelled otherwise, from the keyboard', async () => {
    await governor.keyboard.press('/');
    await governor.keyboard.type('بهرهبرداري');
    await governor.keyboard.press('Enter');
    await governor.locator('.found').getByText('صدور پروانهٔ بهره‌برداری').first().waitFor();
    // What is typed next is looked for as it is typed.
    await governor.keyboard.press('Control+A');
    await governor.keyboard.type('۹/۳');
    await governor.getByRole('link', { name: 'مصوبه ۹/۳', exact: true }).click();
    await governor.getByRole('heading', { name: 'مصوبهٔ ۹/۳' }).waitFor();
  });

  it('takes a new matter from intake to its letter: secretary, expert, governor', async () => {
    await go(secretary, 'board');
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
    await closed(expert);

    await go(secretary, 'board');
    await button(secretary, 'برنامه‌ریزی جلسهٔ بعد').click();
    await secretary.getByLabel('روز').locator('option').first().waitFor({ state: 'attached' });
    await button(secretary, 'برنامه‌ریزی شود').click();
    await closed(secretary);
    // The board has it as soon as there is a session that it could be put on.
    await button(secretary, 'در دستور بگذار').click();
    await button(secretary, 'در دستور گذاشته شود').click();
    await closed(secretary);
    await secretary.getByText('۱ پرونده از گنجایش ۱۴').waitFor();
    await go(secretary, 'sessions/facilitation-10');
    await button(secretary, 'گشودن جلسه').click();
    await button(secretary, 'گشوده شود').click();
    await closed(secretary);
  });

  it('adopts by the keyboard alone, from a template, with a ladder of its own', async () => {
    await governor.evaluate(() =>
      fetch('/v1/ladder/quick/DefineLadder', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          rungs: [{ id: 'governor', when: { after: { workingDays: 1 } }, action: 'escalate', to: 'governor' }],
        }),
      }),
    );
    await until(secretary, 'ladders', ({ items }) => items.length > 1);
    await button(secretary, 'تصویب').focus();
    const key = (name: string) => secretary.keyboard.press(name);
    const focused = () => secretary.evaluate(() => (document.activeElement as HTMLInputElement).name);
    const choose = async (value: string) => {
      const chosen = () => secretary.evaluate(() => (document.activeElement as HTMLSelectElement).value);
      for (let before = ''; before !== (before = await chosen()) && before !== value;) await key('ArrowDown');
      for (let before = ''; before !== (before = await chosen()) && before !== value;) await key('ArrowUp');
      expect(await chosen()).toBe(value);
    };
    await key('Enter');
    const dialog = secretary.getByRole('dialog');
    // What was last decided on such a matter is filled in.
    await secretary.waitForFunction(() => document.querySelector<HTMLInputElement>('[name=acceptance1]')?.value);
    await dialog.locator('[name=ladder1] option[value=quick]').waitFor({ state: 'attached' });
    for (let field = await focused(); field !== 'ladder1'; field = await focused()) await key('Tab');
    await choose('quick');
    while ((await focused()) !== '') await key('Tab');
    await key('Tab');
    await key('Enter'); // another obligation
    await dialog.getByLabel('دستگاه (تکلیف ۲)').waitFor();
    for (let field = await focused(); field !== 'agency2'; field = await focused()) await key('Shift+Tab');
    await choose('parks');
    while ((await focused()) !== '') await key('Tab');
    await key('Enter');
    await closed(secretary);
    const { adopted } = await until(secretary, 'sessions/facilitation-10', (one) => one.adopted.length > 0);
    expect(adopted).toHaveLength(1);
  });

  it('has the minutes signed and the letter sent; the clocks run', async () => {
    await go(governor, 'sessions/facilitation-10');
    await button(governor, 'امضای صورتجلسه').click();
    await button(governor, 'امضا شود').click();
    await closed(governor);
    await go(secretary, 'board');
    await button(secretary, 'ابلاغ').click();
    await secretary.getByLabel('شمارهٔ نامه').fill('۱۰/۱');
    await button(secretary, 'ابلاغ شود').click();
    await closed(secretary);
    const { items } = await until(secretary, 'resolutions?session=facilitation-10', (found) =>
      found.items[0]?.obligations.every(({ status }: { status: string }) => status === 'running'),
    );
    expect(items[0].obligations).toMatchObject([{ ladder: 'quick' }, { agency: 'parks' }]);
  });

  it('scrolls through a hundred thousand obligations with few of them on the page', async () => {
    const all = 100_000;
    const { items } = await api(gas, 'obligations?agency=gas&limit=1');
    await gas.route('**/v1/obligations?agency=gas&status=issued*', (route) => {
      const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
      const size = Number(new URL(route.request().url()).searchParams.get('limit'));
      const page = Array.from({ length: size }, (_, at) => ({
        ...items[0],
        obligation: `o${from + at}`,
        number: `1/${from + at}`,
      }));
      return route.fulfill({ json: { items: page, ...(from + size < all && { next: String(from + size) }) } });
    });
    await go(gas, 'cases');
    await go(gas, 'inbox');
    await gas.locator('.long > li').first().waitFor();
    // Down through many pages: each comes when it is near, and what was passed leaves the page.
    let most = 0;
    for (let seen = 0; seen < 400;) {
      const { last, count } = await gas.evaluate(async () => {
        scrollTo(0, document.documentElement.scrollHeight);
        await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
        const rows = [...document.querySelectorAll<HTMLElement>('.long > li')];
        return { last: Number(rows.at(-1)?.dataset['index'] ?? 0), count: rows.length };
      });
      most = Math.max(most, count);
      seen = last;
    }
    expect(most).toBeLessThan(100);
    await gas
      .locator('.long > li')
      .last()
      .getByText(/^۱\/[۴-۹]/)
      .waitFor();
    await gas.unrouteAll({ behavior: 'wait' });
    await go(gas, 'cases');
  });

  it('says before a closure what it would move, and then moves it', async () => {
    const other = 'obligations/facilitation-9-2/o2';
    await go(governor, other);
    await button(governor, 'دستور استاندار').click();
    await governor.getByLabel('متن دستور').fill('صدور پروانه');
    await governor.getByLabel('مهلت تازه').fill('10');
    await button(governor, 'دستور صادر شود').click();
    await closed(governor);
    const { dueAt } = await until(governor, other, ({ status }) => status === 'running');

    await go(governor, 'calendar');
    // Late in the year there may be no day left in it.
    if ((await governor.locator('.month button').count()) < 4) await button(governor, 'سال بعد').click();
    await governor.locator('.month button').nth(3).click();
    await governor.getByLabel('دلیل').fill('برف');
    await governor.getByLabel('شمارهٔ مصوبه یا نامه').fill('د-۱');
    await button(governor, 'چه جابه‌جا می‌شود؟').click();
    await governor.locator('.moves').getByText('facilitation-۹-۲').waitFor();
    expect((await api(governor, other)).dueAt).toBe(dueAt);
    // Refused at the first try: sent again it is the same deed, and the engine would know it.
    const keys: (string | undefined)[] = [];
    await governor.route('**/DeclareClosure', async (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length > 1) return route.continue();
      return route.fulfill({ status: 429, json: { code: 'too-many-requests', detail: 'Later.' } });
    });
    await button(governor, 'تعطیلی اعلام شود').click();
    await governor.getByRole('alert').waitFor();
    await button(governor, 'تعطیلی اعلام شود').click();
    await governor.getByText('ثبت شد').waitFor();
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0]]);
    await until(governor, other, (now) => now.dueAt > dueAt);
  });

  it.each([
    ['desk', GAS, 'cases', 'sessions', 'sessions/facilitation-9', 'inbox/samt', 'board', 'search/گاز', 'calendar'],
  ])('has no fault that axe finds, in either language, and fits on a phone', async (...pages) => {
    const found: Record<string, string[]> = {};
    const wide: string[] = [];
    for (const language of ['fa', 'en']) {
      for (const address of pages) {
        await secretary.setViewportSize(language === 'fa' ? { width: 1280, height: 900 } : { width: 360, height: 740 });
        await go(secretary, address);
        // The structure is the same in both languages; names are where they could differ.
        const these = language === 'fa' || ['desk', 'board'].includes(address) ? await faults(secretary) : [];
        if (these.length > 0) found[`${language} ${address}`] = these;
        const fits = await secretary.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
        if (!fits) wide.push(`${language} ${address}`);
      }
      if (language === 'fa') await button(secretary, 'English').click();
    }
    expect([found, wide]).toEqual([{}, []]);
    expect(await secretary.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual([
      'en',
      'ltr',
    ]);
  });

  it('has none in its dialogs either, nor in the dark, and they open and close by the keyboard', async () => {
    const found: Record<string, string[]> = {};
    const look = async (page: Page, name: string) => {
      const opener = button(page, name).first();
      await opener.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      const these = await faults(page);
      if (these.length > 0) found[name] = these;
      await page.keyboard.press('Escape');
      await closed(page);
      expect(await opener.evaluate((one) => one === document.activeElement)).toBe(true);
    };
    await secretary.setViewportSize({ width: 1280, height: 900 });
    await go(secretary, 'board');
    for (const name of ['New case', 'Schedule the next session', 'Plan a visit']) await look(secretary, name);
    await governor.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await go(governor, GAS.replace('9-3', '8-2'));
    await look(governor, 'دستور استاندار');
    await go(gas, 'obligations/facilitation-2-9/o1');
    await look(gas, 'اعلام انجام');
    expect(found).toEqual({});
  });

  it('loads within its budget, asks nobody else for anything, and breaks no rule of its own policy', () => {
    const web = join('dist', 'web');
    const first = [...readFileSync(join(web, 'index.html'), 'utf8').matchAll(/assets\/[\w-]+\.js/g)].map(
      ([name]) => name,
    );
    expect(first.length).toBeGreaterThan(0);
    const bytes = first.reduce((sum, name) => sum + gzipSync(readFileSync(join(web, name))).length, 0);
    expect(bytes).toBeLessThan(MAX_BUNDLE_BYTES);
    expect(readdirSync(join(web, 'assets')).filter((name) => name.endsWith('.map'))).toEqual([]);
    // The first two are made by stories; the third is the machine's, on which somebody else's network came or went.
    const ours = /ERR_(FAILED|INTERNET_DISCONNECTED|NETWORK_CHANGED)/;
    expect(stage.complaints.filter((each) => !ours.test(each))).toEqual([]);
  });
}

const digits = (n: number): string => n.toLocaleString('fa-IR', { useGrouping: false });
