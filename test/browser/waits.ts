import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { load } from '#apps/cli/load';
import { tokenFor } from '#apps/cli/token';
import { readConfig } from '#apps/config';
import { button, closed, faults, go, until, type Stage } from './kit.js';

const DAY_MS = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();
const JOINT = 'obligations/energy-1-1/o2';

/** What waits: obligations for each other, the outcome of a case for its check, a referral for its answer. */
export function waits(opened: () => Stage): void {
  let stage: Stage;
  let secretary: Page;
  let governor: Page;
  let gas: Page;

  /** What lies long back comes as it does in life: by an import. */
  async function bring(): Promise<void> {
    const as = (role: string) => ({ id: role, role });
    const matter = { channel: 'desk', category: 'bank-credit', title: 'خط تولید', statement: 'برای خط تولید' };
    const referral = { resolution: 'old', obligation: 'o1', addressee: 'وزارت نیرو', basis: 'ماده ۶۱', chase: { workingDays: 5 } }; // prettier-ignore
    const lines: [number, string, string, string, object][] = [
      [200, 'secretary', 'OpenCase', 'solved', { ...matter, title: 'حل‌شده' }],
      [200, 'secretary', 'CloseCase', 'solved', { outcome: 'وام داده شد', solved: true }],
      [100, 'secretary', 'OpenReferral', 'old-o1-1', referral],
      [1, 'secretary', 'OpenCase', 'twice', { ...matter, title: 'تکراری' }],
      [1, 'secretary', 'OpenCase', 'joint', { ...matter, title: 'مشترک' }],
      [1, 'expert', 'ReviewCase', 'joint', { technicalNote: 'شدنی', recommendation: 'مشترک', checklist: [] }],
      [1, 'secretary', 'ScheduleSession', 'energy', { date: ago(0).slice(0, 10) }],
      [1, 'secretary', 'TableCase', 'joint', { session: 'energy-1' }],
      [1, 'secretary', 'OpenSession', 'energy-1', { attendance: ['governor'] }],
    ];
    const file = join(stage.dataDir, 'waits.ndjson');
    writeFileSync(file, lines.map(([days, role, command, id, data]) => JSON.stringify({ at: ago(days), as: as(role), command, id, data })).join('\n')); // prettier-ignore
    const token = await tokenFor(readConfig({ PEYGIR_DATA: stage.dataDir }), { role: 'registrar', expires: 600 });
    const { refused } = await load(file, { server: stage.url, token });
    expect(refused).toEqual([]);
  }

  beforeAll(async () => {
    stage = opened();
    [secretary, governor, gas] = await Promise.all([
      stage.enter('secretary'),
      stage.enter('governor'),
      stage.enter('gas'),
      bring(),
    ]);
  });
  afterAll(() => Promise.all([secretary, governor, gas].map((page) => page?.context().close())));

  const say = (page: Page, path: string, data: object): Promise<void> =>
    page.evaluate(
      ([to, body]) =>
        fetch(`/v1/${to}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
          async (answer) => {
            if (!answer.ok) throw new Error(await answer.text());
          },
        ),
      [path, JSON.stringify(data)] as const,
    );

  it('says for what an obligation waits, and that somebody has to decide when that was revoked', async () => {
    await go(secretary, 'sessions/energy-1');
    await button(secretary, 'تصویب').click();
    const dialog = secretary.getByRole('dialog');
    await dialog.getByLabel('الگو').selectOption('working-capital');
    expect(await dialog.getByLabel('معیار پذیرش').inputValue()).toContain('سند پرداخت');
    await button(secretary, 'تکلیف دیگر').click();
    await dialog.getByLabel('الگو (تکلیف ۲)').selectOption('debt-instalments');
    expect(await dialog.getByLabel('معیار پذیرش (تکلیف ۲)').inputValue()).toContain('قرارداد تقسیط');
    await dialog.getByRole('group', { name: 'آغاز مهلت (تکلیف ۲)' }).getByLabel('پس از انجام تکلیف ۱').check();
    expect(await faults(secretary)).toEqual([]);
    await button(secretary, 'تصویب شود').click();
    await closed(secretary);

    await say(governor, 'session/energy-1/SignMinutes', {});
    await until(secretary, 'resolutions?session=energy-1', ({ items }) => items.length === 1);
    await say(secretary, 'resolution/energy-1-1/CommunicateResolution', { letterNumber: '۱' });
    await until(secretary, JOINT, ({ waitsOn, waitsFor }) => waitsOn?.length === 1 && waitsFor[0] === 'o1');
    await go(secretary, JOINT);
    await secretary.locator('.head').getByText('مهلت با انجام تکلیف ۱').waitFor();
    await secretary.locator('.head').getByText('در انتظار تکلیف دیگر').waitFor();

    await say(governor, 'resolution/energy-1-1/RevokeObligation', { obligation: 'o1', reason: 'بی‌جا' });
    await until(secretary, 'offices/secretary/duties?limit=500', ({ items }) =>
      items.some(({ duty }: { duty: string }) => duty === 'decide-dependency'),
    );
    await go(secretary, 'cases/joint');
    await secretary.locator('.owing').getByText('بن‌بست: تکلیف ۱').waitFor();
    await go(secretary, 'board');
    await secretary.getByRole('link', { name: 'تکلیف بن‌بست · ۱/۱ · تکلیف ۲' }).click();
    await secretary.locator('.head').getByText('بن‌بست: تکلیف ۱').waitFor();
    expect(await faults(secretary)).toEqual([]);
    await button(secretary, 'سپردن به دستگاه دیگر').click();
    await dialog.getByLabel('دستگاه').selectOption('gas');
    await dialog.getByLabel('مهلت تازه').fill('۱۰');
    await button(secretary, 'سپرده شود').click();
    await closed(secretary);
    await secretary.getByText('در مهلت', { exact: true }).waitFor();
    await go(gas, 'inbox');
    await gas.locator('.card', { hasText: '۱/۱' }).getByText('۱۰ روز کاری مانده').waitFor();
  });

  it('asks for the outcome of what was solved, and for the answer to what was referred', async () => {
    await go(secretary, 'board');
    const owed = secretary.getByRole('region', { name: 'پاسخ‌هایی که بدهکارید' });
    const dialog = secretary.getByRole('dialog');
    const late = (name: string) => owed.getByRole('listitem').filter({ hasText: name }).filter({ hasText: 'دیر شده' });
    await late('پیگیری ارجاع').getByRole('link').click();
    await button(secretary, 'ثبت پاسخ').click();
    await dialog.getByLabel('پاسخ', { exact: true }).fill('پذیرفته شد');
    await button(secretary, 'ثبت شود').click();
    await secretary.getByText('پاسخ داده شده').waitFor();
    expect(await faults(secretary)).toEqual([]);
    await button(secretary, 'بستن ارجاع').click();
    await dialog.getByLabel('نتیجه').fill('انجام شد');
    await button(secretary, 'بسته شود').click();
    await secretary.getByText('بسته شد: انجام شد').waitFor();

    await go(secretary, 'board');
    await late('سنجش نتیجه').getByRole('link').click();
    await button(secretary, 'سنجش نتیجه').click();
    await dialog.getByLabel('شمار شاغلان').fill('۱۲۰');
    await dialog.getByLabel('تولید').fill('۷۰');
    await button(secretary, 'ثبت شود').click();
    await closed(secretary);
    await secretary.getByRole('heading', { name: 'سنجش نتیجه: واحد کار می‌کند' }).waitFor();
    await until(secretary, 'cases/solved', ({ check }) => !check.owed);
    expect(await faults(secretary)).toEqual([]);

    await go(secretary, 'cases/twice');
    await button(secretary, 'بستن پرونده').click();
    await dialog.getByLabel('نتیجه').fill('پروندهٔ دیگری دارد');
    await dialog.getByLabel('مشکل حل شد؟').selectOption('no');
    await button(secretary, 'بسته شود').click();
    await closed(secretary);
    await until(secretary, 'cases/twice', ({ solved, check }) => solved === false && check?.owed === false);
  });
}
