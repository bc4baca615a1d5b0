import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';
import { at, obligation, say } from '#test/kit/timeline';

// Rows 2 and 8 of FIELD: what a missed deadline leads to, and how a silent ministry is asked again and again.

describe('what the province cannot do itself is referred', () => {
  let province: Province;
  const refer = (command: string, body: string) =>
    province.does('governor', 'resolution', 'archive-1-1', command, { obligation: 'o1', body, basis: 'ماده ۶۱' });
  const [national, oversight] = ['nationalReferral-archive-1-1-o1-1', 'oversightReferral-archive-1-1-o1-2'];

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        number: '1/1',
        text: 'وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation()],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
    ]);
    await refer('ReferToNational', 'وزارت نفت');
    await refer('ReferToOversight', 'بازرسی کل کشور');
    await eventually(province, `referrals/${national}`);
    await eventually(province, `referrals/${oversight}`);
  });
  afterAll(() => province.close());

  it('each referral is numbered, with its addressee and its legal basis', async () => {
    const { items } = await province.sees('governor', 'referrals');
    expect(items).toMatchObject([
      { id: national, kind: 'national', addressee: 'وزارت نفت', basis: 'ماده ۶۱', status: 'open', answers: [] },
      { id: oversight, kind: 'oversight', addressee: 'بازرسی کل کشور', status: 'open' },
    ]);
    expect((await province.sees('governor', 'referrals?kind=oversight')).items).toHaveLength(1);
  });

  it('"referred" is not "done": the deadline stays missed', async () => {
    const owed = await province.sees('governor', 'obligations/archive-1-1/o1');
    expect(owed).toMatchObject({ status: 'missed', open: true });
  });

  it('while nobody answers it is a duty of the secretary: to ask again, at an opening, ten working days on', async () => {
    const { chases, openedAt } = await province.sees('secretary', `referrals/${national}`);
    expect(chases).toMatchObject({ rounds: 0, told: 0 });
    expect(chases.nextAt.slice(11)).toBe('04:00:00.000Z'); // 07:30 in Tehran
    const days = (Date.parse(chases.nextAt) - Date.parse(openedAt)) / 86_400_000;
    expect(days).toBeGreaterThan(12);
    expect(days).toBeLessThan(17);
    const { items } = await province.sees('secretary', 'offices/secretary/duties');
    expect(items.filter(({ duty }: { duty: string }) => duty === 'ask-again')).toMatchObject([
      { referral: national, resolution: 'archive-1-1', obligation: 'o1', nextAt: chases.nextAt, overdue: false },
      { referral: oversight },
    ]);
  });

  it('a ministry that is silent since last summer is late, and the secretary is told so', async () => {
    await province.remembers([
      say(at('2026-06-06'), 'secretary', 'OpenReferral', 'archive-1-2-o1-1', {
        resolution: 'archive-1-2',
        obligation: 'o1',
        addressee: 'وزارت نیرو',
        basis: 'ماده ۶۱',
        chase: { workingDays: 5 },
      }),
    ]);
    // Here nobody has an address, which is recorded too: he was to be asked, and could not be.
    const silent = 'referrals/nationalReferral-archive-1-2-o1-1';
    const { chases } = await eventually(province, silent, (one) => one.chases.rounds === 1);
    expect(chases).toMatchObject({ rounds: 1, told: 0 });
    expect(Date.parse(chases.nextAt)).toBeGreaterThan(Date.now());
    const { items } = await province.sees('secretary', 'offices/secretary/duties');
    expect(items[0]).toMatchObject({
      duty: 'ask-again',
      since: at('2026-06-06'),
      dueAt: at('2026-06-13', '14:30'),
      overdue: true,
      asked: 1,
      told: 0,
    });
  });

  it('answered, it is asked no more; closed, it says how it ended', async () => {
    const id = 'archive-1-1-o1-1';
    const answer = { answer: 'اعتبار تخصیص یافت', letterNumber: '۱۴۰۵/۹' };
    await province.does('secretary', 'nationalReferral', id, 'RecordAnswer', answer);
    expect(await province.sees('governor', `referrals/${national}`)).toMatchObject({
      status: 'answered',
      answers: [{ ...answer, by: 'secretary-1' }],
      chases: null,
    });
    const duties = (await province.sees('secretary', 'offices/secretary/duties')).items;
    expect(duties.map(({ referral }: { referral?: string }) => referral)).not.toContain(national);
    await province.does('secretary', 'nationalReferral', id, 'CloseReferral', { outcome: 'انجام شد' });
    expect((await province.sees('governor', 'referrals?status=closed')).items).toMatchObject([
      { id: national, closed: { outcome: 'انجام شد' } },
    ]);
    expect(await province.isRefused('secretary', 'nationalReferral', id, 'RecordAnswer', { answer: 'دیر' })).toBe(
      'referral-closed',
    );
  });

  it('only the governor refers, and whom it is about does not read it', async () => {
    const body = { obligation: 'o1', body: 'وزارت', basis: 'ماده ۶۱' };
    expect(await province.isRefused('secretary', 'resolution', 'archive-1-1', 'ReferToNational', body)).toBe(
      'forbidden',
    );
    expect(await province.asks({ role: 'agency', agency: 'gas' }, 'GET', 'referrals')).toMatchObject({ status: 403 });
  });
});
