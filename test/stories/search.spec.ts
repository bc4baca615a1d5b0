import { aProvince, withOffices, withResolution, type Person, type Province } from '#test/kit/province';

// Row 25 of FIELD: one word is written in many ways, and is found in all of them; what was signed stays as it was signed.

describe('whoever looks for something finds it, however it is spelled', () => {
  let province: Province;
  const NAME = 'صنايع چرم‌سازي تبريز'; // as it was typed on an Arabic keyboard
  const found = async (q: string, who: Person = 'expert') => {
    const { items } = await province.sees(who, `search?q=${encodeURIComponent(q)}`);
    return items.map(({ kind, id }: { kind: string; id: string }) => `${kind} ${id}`);
  };

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    const { does } = province;
    const unit = { size: 'small', classes: ['knowledge-based'], sector: 'چرم' };
    await does('secretary', 'unit', 'leather', 'RegisterUnit', { ...unit, name: NAME, legalId: '10380284790' });
    await does('secretary', 'unit', 'tiles', 'RegisterUnit', { ...unit, name: 'کاشی آذر', sector: 'کاشی' });
    await does('secretary', 'case', 'c-14', 'OpenCase', {
      unit: 'leather',
      channel: 'desk',
      category: 'gas',
      title: 'قطع گاز در ۱۴ روز',
      statement: 'مصوّبهٔ لازم‌الاجرا اجرا نشده است.',
    });
    await does('expert', 'case', 'c-14', 'ReviewCase', { technicalNote: 'ن', recommendation: 'آ', checklist: [] });
    await does('secretary', 'case', 'c-14', 'TableCase', { session: 'facilitation-1' });
    await withResolution(province, 'gas', { case: 'c-14' });
  });
  afterAll(() => province.close());

  it.each([
    ['لازمالاجرا', 'without ZWNJ'],
    ['لازم الاجرا', 'with a space'],
    ['لازم‌الاجرا', 'with ZWNJ'],
    ['لازم‌الإجراء', 'in Arabic spelling'],
    ['مصوبه', 'without the sign on the و'],
    ['مصـوبه', 'stretched'],
    ['گاز 14', 'in Latin digits'],
    ['١٤ روز گاز', 'in Arabic digits, in another order'],
  ])('a case by %s (%s)', async (q) => expect(await found(q)).toContain('case c-14'));

  it.each(['صنایع چرم سازی تبریز', 'چرمسازی', 'صنايع چرم‌سازي تبريز', '۱۰۳۸۰۲۸۴۷۹۰', '10380284790', 'leather'])(
    'a unit by %s',
    async (q) => expect(await found(q)).toEqual(['unit leather']),
  );

  it.each(['گاز واحد را وصل', '۱/۱', '۱۴۰۵/۱۲۳', 'ماده 61'])('a resolution by %s', async (q) =>
    expect(await found(q)).toEqual(['resolution facilitation-1-1']),
  );

  it('a case by the tracking code that was given on the telephone, and nothing else', async () => {
    const { trackingCode } = await province.sees('expert', 'cases/c-14');
    expect(await found(trackingCode)).toEqual(['case c-14']);
    expect(await found(trackingCode.replaceAll('-', ''))).toEqual(['case c-14']);
  });

  it('what is not there is not found', async () => expect(await found('پتروشیمی')).toEqual([]));

  it('the bytes are those that were signed', async () => {
    const { items } = await province.sees('expert', `search?q=${encodeURIComponent('چرمسازی')}`);
    expect(items[0].title).toBe(NAME);
  });

  it('everybody finds only what they may read', async () => {
    const gas: Person = { role: 'agency', agency: 'gas' };
    expect(await found('گاز', gas)).toEqual(expect.arrayContaining(['case c-14', 'resolution facilitation-1-1']));
    expect(await found('چرم', gas)).toContain('unit leather');
    expect(await found('کاشی', gas)).toEqual([]);
    for (const q of ['گاز', 'چرم']) {
      expect(await found(q, { role: 'agency', agency: 'bank' })).toEqual([]);
      expect(await found(q, { role: 'unit', unit: 'tiles' })).toEqual([]);
    }
    expect(await found('گاز', { role: 'unit', unit: 'leather' })).toHaveLength(2);
    expect(await province.asks('admin', 'GET', 'search?q=gas')).toMatchObject({ status: 403 });
  });

  it.each(['گ', '! !', '-', '%', ''])('a question that says nothing (%p) is told so', async (q) => {
    expect(await province.asks('expert', 'GET', `search?q=${encodeURIComponent(q)}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid' },
    });
  });

  it.each(["' or 1=1", '%%', '\\x00 گاز', 'گاز_', '"گاز"'])('no question does harm (%p)', async (q) => {
    expect([200, 400]).toContain((await province.asks('expert', 'GET', `search?q=${encodeURIComponent(q)}`)).status);
  });
});

describe('ids of companies and persons have check digits', () => {
  let province: Province;
  beforeAll(async () => void (province = await aProvince()));
  afterAll(() => province.close());
  const unit = (legalId: string) => ({ name: 'واحد', size: 'small', classes: [], sector: 'چرم', legalId });

  it.each(['10380284790', '14007650912', '۱۰۳۸۰۲۸۴۷۹۰', '0499370899'])('%s is taken', (legalId) =>
    province.does('secretary', 'unit', `u-${Buffer.from(legalId).toString('hex')}`, 'RegisterUnit', unit(legalId)),
  );

  it.each(['10380284791', '01380284790', '0499370898', '1111111111', '123', 'abcdefghijk'])(
    '%s is refused as invalid',
    async (legalId) => {
      expect(await province.isRefused('secretary', 'unit', 'u-x', 'RegisterUnit', unit(legalId))).toBe('invalid');
    },
  );
});
