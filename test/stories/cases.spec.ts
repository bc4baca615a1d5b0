import { createHash } from 'node:crypto';
import { CATEGORIES } from '#directory';
import { adoptTemplates, OUR_TEMPLATES, readTemplates } from '#apps/cli/templates';
import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';
import { at, obligation, say } from '#test/kit/timeline';

// Rows 10 to 14 and 21 to 23 of FIELD: whatever a unit (or a sector, or an investor) needs goes the same way, from the
// desk to the outcome, by the measure that its category has; what became of it is counted, and looked at again.

const HOLIDAYS = { zone: 'Asia/Tehran', holidays: [], validFrom: '2026-03-21' };
const DAYS = Object.fromEntries(['sat', 'sun', 'mon', 'tue', 'wed'].map((day) => [day, '07:30-13:30']));
const OFFICES = ['samt', 'parks', 'insurance', 'environment', 'science', 'customs'];

describe('from the desk to the outcome', () => {
  let province: Province;
  const done = Buffer.from('%PDF-1.7\nانجام شد\n%%EOF\n');
  const sha256 = createHash('sha256').update(done).digest('hex');
  const evidence = [{ name: 'گواهی.pdf', sha256, mediaType: 'application/pdf', bytes: done.length }];
  const report = async (query: string) => (await province.sees('governor', `reports/cases?${query}`)).items;

  beforeAll(async () => {
    province = await aProvince();
    const { does, remembers, url, token } = province;
    await withOffices(province);
    await does('admin', 'calendar', 'banks', 'DefineCalendar', {
      ...HOLIDAYS,
      week: { ...DAYS, thu: '07:30-12:30', fri: null },
    });
    await does('admin', 'agency', 'mellat', 'RegisterAgency', { name: 'بانک ملت', kind: 'bank', calendar: 'banks' });
    for (const id of OFFICES) await does('admin', 'agency', id, 'RegisterAgency', { name: id, kind: 'office' });
    await adoptTemplates(readTemplates(OUR_TEMPLATES), { server: url, token: await token('admin') });
    await does('secretary', 'unit', 'startup', 'RegisterUnit', {
      name: 'شرکت دانش‌بنیان',
      size: 'small',
      classes: ['knowledge-based'],
      sector: 'الکترونیک', // prettier-ignore
    });
    await does('secretary', 'unit', 'shoes', 'RegisterUnit', {
      name: 'کفش ملی تبریز',
      size: 'large',
      classes: ['brand-revival', 'supply-chain'],
      sector: 'چرم', // prettier-ignore
    });
    // Last spring, before there was a register: a brand brought down by sanctions, and a matter that came twice.
    const old = { unit: 'shoes', channel: 'chamber', category: 'revival', title: 'احیا', statement: 'خط خوابیده' };
    await remembers([
      say(at('2026-05-02'), 'secretary', 'OpenCase', 'old', { ...old, cause: 'sanctions' }),
      say(at('2026-05-03'), 'secretary', 'OpenCase', 'old-again', { ...old, channel: 'phone', cause: 'sanctions' }),
      say(at('2026-05-04'), 'secretary', 'CloseCase', 'old-again', { outcome: 'تکراری', solved: false }),
      say(at('2026-06-10'), 'secretary', 'CloseCase', 'old', { outcome: 'خط راه افتاد' }),
    ]);
  });
  afterAll(() => province.close());

  it('every kind of need goes its way by the measure of its category, is closed by evidence, and confirmed', async () => {
    const { does, sees, asks } = province;
    const open = async (category: string) => {
      // What an investor or a sector needs is nobody's in particular.
      const unit = ['investment', 'renewable-energy'].includes(category) ? {} : { unit: 'startup' };
      const matter = { ...unit, channel: 'desk', category, title: category, statement: 'شرح نیاز' };
      await does('secretary', 'case', category, 'OpenCase', matter);
      await does('expert', 'case', category, 'ReviewCase', { technicalNote: 'ن', recommendation: 'آ', checklist: [] });
      await does('secretary', 'case', category, 'TableCase', { session: 'facilitation-1' });
    };
    await Promise.all(CATEGORIES.map(open));
    await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance: ['استاندار'] });
    const owed = new Map<string, string>();
    for (const category of CATEGORIES) {
      const [template] = (await sees('secretary', `templates?category=${category}`)).items;
      const agency = template.obligation.agency ?? template.agencies.at(-1).id;
      owed.set(category, agency);
      await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
        case: category,
        text: template.title,
        legalBasis: template.legalBasis,
        obligations: [{ id: 'o1', ...template.obligation, agency }],
      });
    }
    await does('governor', 'session', 'facilitation-1', 'SignMinutes');
    await eventually(province, `resolutions/facilitation-1-${CATEGORIES.length}`);
    const fulfil = async (category: string, index: number) => {
      const resolution = ['resolution', `facilitation-1-${index + 1}`] as const;
      const agency = { role: 'agency', agency: owed.get(category)! } as const;
      await does('secretary', ...resolution, 'CommunicateResolution', { letterNumber: `${index + 1}` });
      await asks(agency, 'PUT', `evidence/${sha256}`, new Uint8Array(done), { 'content-type': 'application/pdf' });
      await does(agency, ...resolution, 'ReportCompliance', { obligation: 'o1', evidence });
      await does('expert', ...resolution, 'VerifyCompliance', { obligation: 'o1', note: 'بازدید شد' });
    };
    await Promise.all(CATEGORIES.map(fulfil));
    const whole = (body: { items: any[] }) => body.items.every(({ resolutions: [one] }) => one?.status === 'fulfilled');
    const { items } = await eventually(province, 'cases?session=facilitation-1', whole);
    expect(items.map(({ category }: any) => category).toSorted()).toEqual(CATEGORIES.toSorted());
    expect(items.flatMap((one: any) => one.resolutions[0].obligations)).toEqual(
      expect.arrayContaining([{ obligation: 'o1', agency: 'mellat', status: 'met' }]),
    );
  });

  it('the one who brought it says whether it is solved; what nobody brought is confirmed by the secretary', async () => {
    const { does, isRefused } = province;
    const startup = { role: 'unit', unit: 'startup' } as const;
    expect(await isRefused(startup, 'case', 'investment', 'ConfirmOutcome', { note: 'بله' })).toBe('forbidden');
    await does(startup, 'case', 'gas', 'ConfirmOutcome', { note: 'گاز وصل است' });
    await does('secretary', 'case', 'investment', 'ConfirmOutcome', { note: 'سرمایه‌گذار آمد' });
    await does(startup, 'case', 'electricity', 'ObjectToOutcome', { note: 'برق هنوز قطع می‌شود' });
    for (const id of ['gas', 'investment']) await does('secretary', 'case', id, 'CloseCase', { outcome: 'حل شد' });
    expect(await isRefused('secretary', 'case', 'electricity', 'CloseCase', { outcome: 'حل شد' })).toBe(
      'objection-stands',
    );
  });

  it('a case that goes to the energy group keeps its whole history', async () => {
    const { does, sees } = province;
    await does('admin', 'workingGroup', 'energy', 'EstablishWorkingGroup', {
      name: 'کارگروه انرژی',
      chair: 'deputy',
      secretary: 'secretary', // prettier-ignore
    });
    await does('secretary', 'workingGroup', 'energy', 'ScheduleSession', { date: '2026-12-06' });
    await does('secretary', 'case', 'electricity', 'TransferCase', { workingGroup: 'energy' });
    await does('secretary', 'case', 'electricity', 'TableCase', { session: 'energy-1' });
    const moved = await sees('governor', 'cases/electricity');
    expect(moved).toMatchObject({
      status: 'tabled',
      workingGroup: 'energy',
      session: { id: 'energy-1', number: 1 },
      tabled: [{ session: 'facilitation-1' }, { session: 'energy-1' }],
      transfers: [{ from: 'facilitation', to: 'energy' }],
      answer: { type: 'OutcomeObjected' },
      resolutions: [{ status: 'fulfilled' }],
      review: { technicalNote: 'ن' },
    });
  });

  it('a bank’s clock runs on a Thursday, when the offices rest', async () => {
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        number: '1/1',
        text: 'تقسیط بدهی و وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation({ agency: 'mellat' }), obligation({ id: 'o2' })],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
    ]);
    // Five working days from Saturday on: Thursday for the bank, the next Saturday for the gas company.
    const due = async (id: string) => (await province.sees('governor', `obligations/archive-1-1/${id}`)).missedAt;
    expect(await due('o1')).toBe(at('2026-09-03', '12:30'));
    expect(await due('o2')).toBe(at('2026-09-05', '14:30'));
  });

  it('what was solved is looked at after ninety days: until then it is a duty that shows how late it is', async () => {
    const { does, sees, isRefused } = province;
    const checks = async () =>
      (await sees('secretary', 'offices/secretary/duties')).items.filter((one: any) => one.duty === 'check-outcome');
    const [first, ...later] = await checks();
    expect(first).toMatchObject({
      case: 'old',
      since: at('2026-06-10'),
      dueAt: at('2026-09-08', '14:30'),
      overdue: true,
    });
    expect(later.map((one: any) => [one.case, one.overdue])).toEqual([['gas', false], ['investment', false]]); // prettier-ignore
    const found = { unitOpen: true, jobs: 42, output: 60, note: 'دو خط از سه خط کار می‌کند' };
    expect(await isRefused('secretary', 'case', 'gas', 'RecordOutcomeCheck', found)).toBe('too-early');
    expect(await isRefused({ role: 'unit', unit: 'shoes' }, 'case', 'old', 'RecordOutcomeCheck', found)).toBe('forbidden'); // prettier-ignore
    await does('expert', 'case', 'old', 'RecordOutcomeCheck', found);
    expect((await checks()).map((one: any) => one.case)).toEqual(['gas', 'investment']);
    expect((await sees('governor', 'cases/old')).checks).toMatchObject([{ ...found, by: 'expert-1' }]);
  });

  it('cases are counted by cause and by outcome, with what the check has found', async () => {
    const [sanctions, unknown] = await report('by=cause');
    expect(sanctions).toMatchObject({ cause: 'sanctions', opened: 2, open: 0, closed: 2, solved: 1, checked: 1, working: 1, jobs: 42 }); // prettier-ignore
    expect(unknown).toMatchObject({ cause: null, opened: 12, open: 10, closed: 2, solved: 2, confirmed: 2, objected: 1 }); // prettier-ignore
    expect((await report('by=outcome')).map((one: any) => [one.outcome, one.opened, one.solved])).toEqual([
      ['تکراری', 1, 0],
      ['حل شد', 2, 2],
      ['خط راه افتاد', 1, 1],
      [null, 10, 0],
    ]);
  });

  it('… by channel, by class, and by what was needed; and only of some of them', async () => {
    const opened = async (query: string, key: string) =>
      Object.fromEntries((await report(query)).map((one: any) => [one[key], one.opened]));
    expect(await opened('by=channel', 'channel')).toEqual({ chamber: 1, desk: 12, phone: 1 });
    expect(await opened('by=class', 'class')).toEqual({ 'brand-revival': 2, 'knowledge-based': 10, 'supply-chain': 2, null: 2 }); // prettier-ignore
    expect(await opened('by=category&class=brand-revival', 'category')).toEqual({ revival: 2 });
    for (const category of ['expansion-plan', 'technology', 'export']) {
      expect(await report(`by=channel&category=${category}`)).toMatchObject([{ channel: 'desk', opened: 1 }]);
    }
    const listed = async (query: string) =>
      (await province.sees('expert', `cases?${query}`)).items.map((one: any) => one.id).toSorted();
    expect(await listed('cause=sanctions&class=brand-revival')).toEqual(['old', 'old-again']);
    expect(await listed('class=knowledge-based&category=gas')).toEqual(['gas']);
    expect(await province.asks('governor', 'GET', 'reports/cases?by=weather')).toMatchObject({ status: 400 });
  });

  it('… as of any day: what was known then, and nothing of later', async () => {
    expect(await report('by=cause&asOf=2026-05-01')).toEqual([]);
    const [may] = await report('by=cause&asOf=2026-05-31');
    expect(may).toMatchObject({ cause: 'sanctions', opened: 2, open: 1, closed: 1, solved: 0, checked: 0 });
    const [june] = await report('by=cause&asOf=2026-06-30');
    expect(june).toMatchObject({ open: 0, solved: 1, checked: 0 });
  });

  it('the knowledge-based have a scorecard of their own', async () => {
    const { items } = await province.sees('governor', 'scorecards?by=class');
    expect(items).toMatchObject([{ class: 'knowledge-based', obligations: 10, kept: 10, missed: 0 }]);
  });

  it('opened again, it is counted as open, and what was found of its outcome no longer', async () => {
    await province.does('secretary', 'case', 'old', 'ReopenCase', { reason: 'خط دوباره خوابید' });
    const [sanctions] = await report('by=cause');
    expect(sanctions).toMatchObject({ opened: 2, open: 1, closed: 1, solved: 0, reopened: 1, checked: 0, jobs: 0 });
  });
});
