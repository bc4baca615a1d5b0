import { CATEGORIES } from '#directory';
import { adoptTemplates, OUR_TEMPLATES, readTemplates } from '#apps/cli/templates';
import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';

// Rows 11 and 21 of FIELD: measures that come again and again (land in a park, instalments for a debt) are data, with
// their legal basis; whoever writes a resolution begins with one.

describe('templates of measures', () => {
  let province: Province;
  const land = {
    category: 'land',
    title: 'واگذاری زمین در شهرک صنعتی',
    agency: 'parks',
    action: 'زمین مورد نیاز طرح توسعه واگذار شود.',
    acceptance: 'قرارداد واگذاری امضاشده',
    term: { workingDays: 20 },
    legalBasis: 'ماده ۶۱ قانون رفع موانع تولید رقابت‌پذیر',
  };
  const debt = {
    ...land,
    category: 'bank-credit',
    title: 'تقسیط بدهی بانکی',
    agency: 'bank',
    action: 'بدهی واحد در ۳۶ قسط تقسیط شود.',
    acceptance: 'جدول اقساط امضاشده',
    term: { workingDays: 15 },
    legalBasis: 'ماده ۶۲ قانون رفع موانع تولید رقابت‌پذیر',
  };
  const define = (id: string, template: object) => ['secretary', 'template', id, 'DefineTemplate', template] as const;

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    await province.does('admin', 'agency', 'parks', 'RegisterAgency', { name: 'شهرک‌های صنعتی', kind: 'office' });
    await province.does(...define('land-park', land));
    await province.does(...define('debt-instalments', debt));
  });
  afterAll(() => province.close());

  it('are found by category, ready to be adopted', async () => {
    expect(await province.sees('expert', 'templates?category=land')).toMatchObject({
      items: [{ id: 'land-park', version: 1, legalBasis: land.legalBasis, obligation: { agency: 'parks' } }],
    });
    expect((await province.sees('expert', 'templates')).items).toHaveLength(2);
  });

  it('a resolution begins with one, and is issued as it says', async () => {
    const { does, sees } = province;
    const { items } = await sees('secretary', 'templates?category=land');
    const [{ obligation, legalBasis, title }] = items;
    await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance: ['استاندار'] });
    await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
      text: title,
      legalBasis,
      obligations: [{ id: 'o1', ...obligation }],
    });
    await does('governor', 'session', 'facilitation-1', 'SignMinutes');
    const issued = await eventually(province, 'obligations/facilitation-1-1/o1');
    expect(issued).toMatchObject({ agency: 'parks', acceptance: land.acceptance, term: land.term });
  });

  it('a new version changes what is proposed, and nothing that was decided', async () => {
    await province.does(...define('land-park', { ...land, term: { workingDays: 10 } }));
    const template = await province.sees('expert', 'templates/land-park');
    expect(template).toMatchObject({ version: 2, obligation: { term: { workingDays: 10 } } });
    expect(template.versions.map(({ version, term }: any) => [version, term.workingDays])).toEqual([
      [1, 20],
      [2, 10],
    ]);
    expect(await province.sees('governor', 'obligations/facilitation-1-1/o1')).toMatchObject({ term: land.term });
  });

  it.each([
    ['an unknown agency', { agency: 'nobody' }],
    ['an unknown ladder', { ladder: 'nobody' }],
    ['no term', { term: {} }],
    ['no legal basis', { legalBasis: '' }],
  ])('one that names %s is refused, and changes nothing', async (_, wrong) => {
    expect(await province.isRefused(...define('land-park', { ...land, ...wrong }))).toBe('invalid');
    expect(await province.sees('expert', 'templates/land-park')).toMatchObject({ version: 2 });
  });

  it('a retired one is proposed no more, and still tells its history', async () => {
    await province.does('secretary', 'template', 'debt-instalments', 'RetireTemplate', { reason: 'قانون تغییر کرد' });
    expect((await province.sees('expert', 'templates?category=bank-credit')).items).toEqual([]);
    expect(await province.sees('expert', 'templates/debt-instalments')).toMatchObject({
      version: 1,
      retired: { reason: 'قانون تغییر کرد' },
    });
  });

  describe('that come with Peygir', () => {
    const ours = readTemplates(OUR_TEMPLATES);
    const adopt = async () => adoptTemplates(ours, { server: province.url, token: await province.token('admin') });

    it('name a measure for every category, each with its legal basis', () => {
      expect(new Set(ours.map(({ category }) => category))).toEqual(new Set(CATEGORIES));
      expect(ours.filter(({ legalBasis }) => !legalBasis.includes('رفع موانع تولید'))).toEqual([]);
    });

    it('are adopted where their agency is registered; the others are refused and stop nothing', async () => {
      const { adopted, refused } = await adopt();
      expect(adopted).toEqual(expect.arrayContaining(['working-capital', 'gas-connection', 'land-in-park']));
      expect(refused.map(({ id, code }) => [id, code])).toContainEqual(['insurance-clearance', 'invalid']);
      expect(refused.map(({ detail }) => detail)).toContainEqual('agency "insurance" is not registered.');
    });

    it('once the agencies are there, the rest follows; what the province has made its own is left alone', async () => {
      for (const id of ['samt', 'insurance', 'environment', 'science', 'customs']) {
        await province.does('admin', 'agency', id, 'RegisterAgency', { name: id, kind: 'office' });
      }
      const { id: _, ...gas } = ours.find(({ id }) => id === 'gas-connection')!;
      await province.does(...define('gas-connection', { ...gas, term: { workingDays: 3 } }));
      expect((await adopt()).refused).toEqual([]);
      expect((await adopt()).adopted).toEqual([]);
      const found = await province.sees('secretary', 'templates/gas-connection');
      expect(found).toMatchObject({ version: 2, obligation: { agency: 'gas', term: { workingDays: 3 } } });
    });

    it('one for banks leaves open which, and offers those that are registered', async () => {
      const found = await province.sees('secretary', 'templates/working-capital');
      expect(found).toMatchObject({ agencyKind: 'bank', agencies: [{ id: 'bank', name: 'بانک' }] });
      expect(found.obligation).not.toHaveProperty('agency');
    });
  });
});
