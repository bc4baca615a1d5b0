import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';

// Rows 19 and 20 of FIELD: units are received in many ways, each with a code and a receipt; what comes twice is pointed
// out; the unit has the last word on whether it is solved.

const CHANNELS = ['desk', 'phone', 'visit', 'portal', 'chamber', 'agency'];

describe('a unit brings its problem', () => {
  let province: Province;
  const mill = { role: 'unit', unit: 'mill' } as const;
  const matter = { unit: 'mill', channel: 'desk', category: 'gas', title: 'قطع گاز', statement: 'گاز قطع است.' };
  const open = (id: string, more: object = {}) =>
    province.does('secretary', 'case', id, 'OpenCase', { ...matter, ...more });

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    for (const id of ['mill', 'bakery']) {
      const unit = { name: `کارخانهٔ ${id}`, size: 'small', classes: [], sector: 'غذایی' };
      await province.does('secretary', 'unit', id, 'RegisterUnit', unit);
    }
  });
  afterAll(() => province.close());

  it('every channel gives a tracking code and a receipt, and no two the same', async () => {
    const codes = new Set<string>();
    for (const channel of CHANNELS) {
      await open(`b-${channel}`, { unit: 'bakery', channel });
      const receipt = await province.sees('secretary', `cases/b-${channel}/receipt`);
      expect(receipt.trackingCode).toMatch(/^\d{4}-\d{4}-\d{4}$/);
      expect(receipt.text).toMatch(
        /^رسید ثبت پرونده\nکد رهگیری: [۰-۹]{4}-[۰-۹]{4}-[۰-۹]{4}\nواحد تولیدی: کارخانهٔ bakery\n/,
      );
      expect(receipt.text).toMatch(/زمان ثبت: \S+ [۰-۹]{1,2} \S+ ۱[۰-۹]{3}، ساعت [۰-۹]{2}:[۰-۹]{2}\n/);
      codes.add(receipt.trackingCode);
    }
    expect(codes.size).toBe(CHANNELS.length);
  });

  it('with the code on the telephone the case is found', async () => {
    const { trackingCode } = await province.sees('secretary', 'cases/b-phone/receipt');
    const { items } = await province.sees('secretary', `cases?trackingCode=${trackingCode}`);
    expect(items.map(({ id }: { id: string }) => id)).toEqual(['b-phone']);
  });

  it('the unit itself may bring it, for itself only', async () => {
    await province.does(mill, 'case', 'm-own', 'OpenCase', { ...matter, channel: 'portal', category: 'land' });
    expect((await province.sees(mill, 'cases/m-own/receipt')).title).toBe('قطع گاز');
    expect(await province.isRefused(mill, 'case', 'm-x', 'OpenCase', { ...matter, unit: 'bakery' })).toBe('forbidden');
    expect(await province.asks(mill, 'GET', 'cases/b-desk/receipt')).toMatchObject({ status: 404 });
  });

  it('a matter of the sector or of an investor has no unit, and is taken like any other', async () => {
    await open('sector', { unit: undefined, category: 'investment', title: 'سرمایه‌گذار قطعه‌سازی' });
    expect((await province.sees('secretary', 'cases/sector/receipt')).text).not.toContain('واحد تولیدی');
    expect((await province.sees('secretary', 'cases/sector')).duplicates).toEqual([]);
  });

  it('what comes a second time is pointed out: the same unit, the same category, still open', async () => {
    await open('m-1');
    await open('m-2', { channel: 'phone', title: 'باز هم گاز' });
    await open('m-other', { category: 'electricity' });
    const duplicates = async (id: string) =>
      (await province.sees('secretary', `cases/${id}`)).duplicates.map((one: { id: string }) => one.id);
    expect(await duplicates('m-2')).toEqual(['m-1']);
    expect(await duplicates('m-1')).toEqual(['m-2']);
    expect(await duplicates('m-other')).toEqual([]);
    const { trackingCode } = await province.sees('secretary', 'cases/m-1/receipt');
    const receipt = await province.sees('secretary', 'cases/m-2/receipt');
    expect(receipt).toMatchObject({ duplicates: [{ id: 'm-1', trackingCode }] });
    expect(receipt.text).toContain('پروندهٔ باز دیگری در همین موضوع: ');
    await province.does('secretary', 'case', 'm-2', 'CloseCase', { outcome: 'تکراری: m-1' });
    expect(await duplicates('m-1')).toEqual([]);
    expect(await duplicates('m-2')).toEqual([]);
  });

  it('a case without an expert’s review cannot go on an agenda', async () => {
    const table = ['secretary', 'case', 'm-1', 'TableCase', { session: 'facilitation-1' }] as const;
    expect(await province.isRefused(...table)).toBe('not-reviewed');
    const review = { technicalNote: 'ایستگاه تقویت فشار لازم است', recommendation: 'تأیید', checklist: [] };
    await province.does('expert', 'case', 'm-1', 'ReviewCase', review);
    await province.does(...table);
  });

  it('it is not closed while a resolution runs, nor while the unit says "not fixed"', async () => {
    const { does, isRefused } = province;
    const close = ['secretary', 'case', 'm-1', 'CloseCase', { outcome: 'حل شد' }] as const;
    await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance: ['استاندار'] });
    await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
      case: 'm-1',
      text: 'گاز وصل شود.',
      legalBasis: 'ماده ۶۱',
      obligations: [{ id: 'o1', agency: 'gas', action: 'وصل', acceptance: 'صورتجلسه', term: { workingDays: 5 } }],
    });
    await does('governor', 'session', 'facilitation-1', 'SignMinutes');
    await eventually(province, 'cases/m-1', ({ resolutions }) => resolutions.length === 1);
    expect(await isRefused(...close)).toBe('resolution-running');
    const gas = { role: 'agency', agency: 'gas' } as const;
    await does('secretary', 'resolution', 'facilitation-1-1', 'CommunicateResolution', { letterNumber: '1' });
    await does(gas, 'resolution', 'facilitation-1-1', 'ReportCompliance', { obligation: 'o1', evidence: [] });
    // Who owes it does not judge it, in whatever role.
    const verify = ['resolution', 'facilitation-1-1', 'VerifyCompliance', { obligation: 'o1' }] as const;
    expect(await isRefused({ role: 'expert', agency: 'gas' }, ...verify)).toBe('own-agency');
    await does('expert', ...verify);
    await eventually(province, 'resolutions/facilitation-1-1', ({ status }) => status === 'fulfilled');

    await does(mill, 'case', 'm-1', 'ObjectToOutcome', { note: 'فشار گاز کافی نیست' });
    // That the resolution has ended reaches the case a moment later.
    let code: string;
    do code = await isRefused(...close);
    while (code === 'resolution-running');
    expect(code).toBe('objection-stands');
    await does(mill, 'case', 'm-1', 'ConfirmOutcome', { note: 'درست شد' });
    await eventually(province, 'cases/m-1', ({ resolutions }) => resolutions[0].status === 'fulfilled');
    await does(...close);
    expect(await province.sees(mill, 'cases/m-1')).toMatchObject({ status: 'closed', outcome: 'حل شد' });
  });

  it('and it is opened again when the problem comes back, with its history whole', async () => {
    await province.does('secretary', 'case', 'm-1', 'ReopenCase', { reason: 'گاز دوباره قطع شد' });
    const again = await province.sees('secretary', 'cases/m-1');
    expect(again.status).toBe('reviewed');
    expect(again.tabled).toMatchObject([{ session: 'facilitation-1' }]);
    expect(again.resolutions).toMatchObject([{ id: 'facilitation-1-1', status: 'fulfilled' }]);
  });
});
