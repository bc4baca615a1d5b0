import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';
import { at, obligation, say } from '#test/kit/timeline';

// Rows 15, 16 and 18 of FIELD: the visit list makes itself; what a visit finds becomes cases; every decision traces back.

describe('from the visit list to the decision', () => {
  let province: Province;
  const list = async () => (await province.sees('secretary', 'visit-list')).items;
  const names = async () => (await list()).map(({ unit }: { unit: string }) => unit);
  const register = (id: string, size: string, classes: string[] = []) =>
    province.does('secretary', 'unit', id, 'RegisterUnit', { name: `واحد ${id}`, size, classes, sector: 'چرم' });
  const problem = (id: string, unit: string) =>
    province.does('secretary', 'case', id, 'OpenCase', {
      unit,
      channel: 'desk',
      category: 'gas',
      title: 'قطع گاز',
      statement: 'گاز واحد قطع است.',
    });

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    await register('large', 'large');
    await register('quiet', 'small');
    await register('small', 'small');
    await register('medium', 'medium', ['knowledge-based']);
    await register('brand', 'large', ['brand-revival']);
  });
  afterAll(() => province.close());

  it('nobody is on it whom nothing speaks for; a brand to be revived is, without any case', async () => {
    expect(await names()).toEqual(['brand', 'medium']);
  });

  it('a small unit with a problem enters by itself, before a large one', async () => {
    await problem('c-large', 'large');
    await problem('c-small', 'small');
    expect(await names()).toEqual(['small', 'large', 'brand', 'medium']);
    await problem('c-medium', 'medium');
    expect(await names()).toEqual(['medium', 'small', 'large', 'brand']);
  });

  it('every rank has its reasons, and they add up', async () => {
    const [first, ...rest] = await list();
    expect(first).toMatchObject({
      rank: 1,
      unit: 'medium',
      problems: 1,
      lastVisit: null,
      reasons: [
        { reason: 'problem-of-small-or-medium', text: 'واحد کوچک یا متوسط با ۱ پروندهٔ باز' },
        { reason: 'knowledge-based', text: 'دانش‌بنیان' },
        { reason: 'never-visited', text: 'تاکنون بازدید نشده' },
      ],
    });
    for (const { points, reasons } of [first, ...rest]) {
      expect(points).toBe(reasons.reduce((sum: number, one: { points: number }) => sum + one.points, 0));
    }
  });

  it('an agency that lets its deadline pass moves the unit up', async () => {
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        case: 'c-small',
        number: '1/1',
        text: 'وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation()],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
    ]);
    const small = (await list()).find(({ unit }: { unit: string }) => unit === 'small');
    expect(small).toMatchObject({ overdue: 1, points: 127 });
  });

  it('months since the last visit count, and are told', async () => {
    const plan = { unit: 'brand', date: '2026-05-20', reason: 'بازدید دوره‌ای' };
    await province.remembers([
      say(at('2026-05-10'), 'secretary', 'PlanVisit', 'v-old', plan),
      say(at('2026-05-20'), 'expert', 'RecordFindings', 'v-old', { findings: 'خط خوابیده است.', needs: [] }),
    ]);
    const brand = (await list()).find(({ unit }: { unit: string }) => unit === 'brand');
    expect(brand.lastVisit).toBe('2026-05-20');
    const [, reason] = brand.reasons;
    expect(reason).toMatchObject({ reason: 'not-visited-for-months', text: expect.stringContaining('ماه از آخرین') });
    expect(brand.points).toBe(20 + reason.points);
    expect(reason.points).toBeGreaterThanOrEqual(6);
  });

  it('whose visit is planned leaves the list', async () => {
    const tomorrow = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    await province.does('secretary', 'visit', 'v-1', 'PlanVisit', { unit: 'medium', date: tomorrow, reason: 'بازدید' });
    expect(await names()).toEqual(['small', 'large', 'brand']);
  });

  it('what the visit finds becomes a case, the case a decision, and the decision names the visit', async () => {
    await province.does('expert', 'visit', 'v-1', 'RecordFindings', {
      findings: 'خط دوم از کار افتاده است.',
      needs: [{ category: 'bank-credit', statement: 'سرمایه در گردش' }],
    });
    await eventually(province, 'cases/v-1-1');
    const { does } = province;
    await does('expert', 'case', 'v-1-1', 'ReviewCase', { technicalNote: 'ن', recommendation: 'آ', checklist: [] });
    await does('secretary', 'case', 'v-1-1', 'TableCase', { session: 'facilitation-1' });
    await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance: ['استاندار'] });
    await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
      case: 'v-1-1',
      text: 'بانک سرمایه در گردش بدهد.',
      legalBasis: 'ماده ۶۱',
      obligations: [obligation({ agency: 'bank' })],
    });
    await does('governor', 'session', 'facilitation-1', 'SignMinutes');
    const resolution = await eventually(province, 'resolutions/facilitation-1-1');
    const found = await eventually(province, `cases/${resolution.case}`, ({ resolutions }) => resolutions.length > 0);
    expect(found).toMatchObject({ visit: 'v-1', unit: 'medium', resolutions: [{ id: 'facilitation-1-1' }] });
    const { items } = await province.sees('governor', 'visits?unit=medium');
    expect(items).toMatchObject([
      { id: 'v-1', visited: true, findings: [{ text: 'خط دوم از کار افتاده است.' }], needs: [{ case: 'v-1-1' }] },
    ]);
  });

  it('from the decision back to its finding, and from the finding to what is owed: one chain from either end', async () => {
    const chain = {
      visit: { id: 'v-1', reason: 'بازدید' },
      finding: {
        text: 'خط دوم از کار افتاده است.',
        by: 'expert-1',
        need: { n: 1, category: 'bank-credit', statement: 'سرمایه در گردش' },
      },
      case: { id: 'v-1-1', unit: 'medium', channel: 'visit' },
      resolutions: [
        {
          id: 'facilitation-1-1',
          text: 'بانک سرمایه در گردش بدهد.',
          obligations: [{ obligation: 'o1', agency: 'bank', status: 'issued' }],
        },
      ],
    };
    const from = async (end: string) => (await province.sees('oversight', `trace?${end}`)).items;
    for (const end of ['visit=v-1', 'case=v-1-1', 'resolution=facilitation-1-1']) {
      expect(await from(end)).toMatchObject([chain]);
    }
    // What no visit found says so; what is not there has no chain.
    expect(await from('case=c-small')).toMatchObject([{ visit: null, resolutions: [{ id: 'archive-1-1' }] }]);
    expect(await from('resolution=facilitation-9-9')).toEqual([]);
    expect(await province.asks('oversight', 'GET', 'trace')).toMatchObject({ status: 400 });
  });

  it('agencies and units do not see the list', async () => {
    for (const who of [{ role: 'agency', agency: 'gas' }, { role: 'unit', unit: 'small' }, 'admin'] as const) {
      expect(await province.asks(who, 'GET', 'visit-list')).toMatchObject({ status: 403 });
    }
  });
});
