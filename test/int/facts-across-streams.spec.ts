import { at, obligation, say, tell } from '#test/kit/timeline';

/** One unit's way through every stream, on the virtual clock: what one stream learns, a policy tells the next. */
const day = (n: number) => at(`2026-08-${n}`);
const all = [
  say(day(10), 'admin', 'EstablishWorkingGroup', 'facilitation', {
    name: 'تسهیل',
    chair: 'governor',
    secretary: 's',
  }),
  say(day(10), 'secretary', 'ScheduleSession', 'facilitation', { date: '2026-08-25' }),
  say(day(11), 'secretary', 'RegisterUnit', 'u-7', { name: 'واحد ۷', size: 'small', classes: [], sector: 'نساجی' }),
  say(day(12), 'secretary', 'PlanVisit', 'v-1', { unit: 'u-7', date: '2026-08-13', reason: 'دارای مشکل' }),
  say(day(13), 'expert', 'RecordFindings', 'v-1', {
    findings: 'نیمه‌تعطیل',
    needs: [
      { category: 'gas', statement: 'انشعاب گاز' },
      { category: 'bank-credit', statement: 'تقسیط بدهی' },
    ],
  }),
  say(day(15), 'expert', 'ReviewCase', 'v-1-1', { technicalNote: 'بررسی شد', recommendation: 'وصل', checklist: [] }),
  say(day(16), 'secretary', 'TableCase', 'v-1-1', { session: 'facilitation-1' }),
  say(day(25), 'secretary', 'OpenSession', 'facilitation-1', { attendance: ['gas'] }),
  say(day(25), 'secretary', 'AdoptResolution', 'facilitation-1', {
    case: 'v-1-1',
    text: 'متن مصوبه',
    legalBasis: 'ماده ۶۱',
    obligations: [obligation(), obligation({ id: 'o2' })],
  }),
  say(day(25), 'governor', 'SignMinutes', 'facilitation-1'),
];
const close = (n: number) => say(day(n), 'secretary', 'CloseCase', 'v-1-1', { outcome: 'حل شد' });
const r = 'facilitation-1-1';

describe('facts cross streams', () => {
  it('findings open cases, each traced to its visit', async () => {
    const { of, codes } = await tell(all.slice(0, 5));
    expect(codes).toEqual([]);
    expect(of('CaseOpened').map(({ stream, data }) => [stream, data.unit, data.visit, data.title])).toEqual([
      ['case-v-1-1', 'u-7', 'v-1', 'انشعاب گاز'],
      ['case-v-1-2', 'u-7', 'v-1', 'تقسیط بدهی'],
    ]);
  });

  it('a signature issues what was adopted, and the case waits for it', async () => {
    const { of, codes } = await tell([...all, close(26)]);
    expect(of('ResolutionIssued').map(({ stream, data }) => [stream, data.number])).toEqual([
      [`resolution-${r}`, '1/1'],
    ]);
    expect(of('ResolutionLinked').map(({ stream, data }) => [stream, data.resolution])).toEqual([['case-v-1-1', r]]);
    expect(codes).toEqual(['resolution-running']);
  });

  it.each([
    ['revoked as a whole', [say(day(26), 'governor', 'RevokeResolution', r, { reason: 'منتفی' })]],
    [
      'revoked one by one',
      ['o1', 'o2'].map((o) => say(day(26), 'governor', 'RevokeObligation', r, { obligation: o, reason: 'منتفی' })),
    ],
  ])('a resolution %s frees its case', async (_, revocations) => {
    const { of, codes } = await tell([...all, ...revocations, close(27)]);
    expect(codes).toEqual([]);
    expect(of('ResolutionEnded').map(({ data }) => data)).toEqual([{ resolution: r, outcome: 'revoked' }]);
    expect(of('CaseClosed')).toHaveLength(1);
  });

  it('a fulfilled resolution frees its case once, one met and one revoked', async () => {
    const evidence = [{ name: 'a.pdf', sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];
    const claim = { obligation: 'o1', evidence, note: 'شد' };
    const { of, codes } = await tell([
      ...all,
      say(day(26), 'secretary', 'CommunicateResolution', r, { letterNumber: '1' }),
      say(day(27), { role: 'agency', agency: 'gas' }, 'ReportCompliance', r, claim),
      say(day(28), 'secretary', 'VerifyCompliance', r, { obligation: 'o1', note: 'بود' }),
      say(day(29), 'governor', 'RevokeObligation', r, { obligation: 'o2', reason: 'منتفی' }),
      close(30),
    ]);
    expect(codes).toEqual([]);
    expect(of('ResolutionEnded').map(({ data }) => data)).toEqual([{ resolution: r, outcome: 'fulfilled' }]);
  });

  it('each referral has a stream of its own, and is answered there', async () => {
    const refer = (n: number, command: string, body: string) =>
      say(day(n), 'governor', command, r, { obligation: 'o1', body, basis: 'ماده ۶۲' });
    const { of, codes } = await tell([
      ...all,
      say(day(26), 'secretary', 'CommunicateResolution', r, { letterNumber: '1' }),
      refer(26, 'ReferToNational', 'وزارت نفت'),
      refer(27, 'ReferToOversight', 'سازمان بازرسی'),
      say(day(29), 'secretary', 'RecordAnswer', `${r}-o1-1`, { answer: 'در دست بررسی' }),
      say(day(29), 'secretary', 'RecordOversightAnswer', `${r}-o1-2`, { answer: 'ثبت شد' }),
    ]);
    expect(codes).toEqual([]);
    expect(of('ReferralOpened', 'OversightReferralOpened').map(({ stream, data }) => [stream, data.addressee])).toEqual(
      [
        [`nationalReferral-${r}-o1-1`, 'وزارت نفت'],
        [`oversightReferral-${r}-o1-2`, 'سازمان بازرسی'],
      ],
    );
    expect(of('AnswerRecorded', 'OversightAnswerRecorded')).toHaveLength(2);
  });
});
