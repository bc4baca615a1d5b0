import { aProvince, eventually, withOffices, withResolution, type Person, type Province } from '#test/kit/province';
import { at, obligation, say } from '#test/kit/timeline';

// Row 4 of FIELD: offices stay and persons change. What is open when they do goes from hand to hand on a list that both
// sign, so that nobody can say later that it was not told.

const GOVERNOR = 'offices/governor/handovers';

describe('an office changes hands', () => {
  let province: Province;
  const appoint = (office: string, person: string, from: string) =>
    province.does('admin', 'workingGroup', 'facilitation', 'AppointHolder', { office, person, from });
  const sign = (who: Person, id: string, party: string, sha256: string) =>
    [who, 'handover', id, 'SignHandover', { party, sha256 }] as const;
  const listOf = async (office: string, good = (items: any[]) => items.length > 0) =>
    (await eventually(province, `offices/${office}/handovers`, ({ items }) => good(items))).items;

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    await appoint('governor', 'خانم کریمی', '2026-01-01');
    await appoint('secretary', 'آقای رضایی', '2026-01-01');
    await withResolution(province);
    await province.does('admin', 'ladder', 'governor-only', 'DefineLadder', {
      rungs: [{ id: 'governor', when: { after: { workingDays: 2 } }, action: 'escalate', to: 'governor' }],
    });
    // An obligation of last summer that was escalated to the governor, and referred.
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        number: '1/1',
        text: 'وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation({ ladder: 'governor-only' })],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
    ]);
    const referral = { obligation: 'o1', body: 'وزارت نفت', basis: 'ماده ۶۱' };
    await province.does('governor', 'resolution', 'archive-1-1', 'ReferToNational', referral);
    await eventually(province, 'referrals/nationalReferral-archive-1-1-o1-1');
    const claim = { obligation: 'o1', evidence: [], note: 'انجام شد' };
    await province.does({ role: 'agency', agency: 'gas' }, 'resolution', 'facilitation-1-1', 'ReportCompliance', claim);
    await province.does('secretary', 'workingGroup', 'facilitation', 'ScheduleSession', { date: '2026-12-08' });
    await province.does('secretary', 'session', 'facilitation-2', 'OpenSession', { attendance: ['دبیر'] });
    await province.settles();
  });
  afterAll(() => province.close());

  it('the first holder takes over from nobody: there is no list', async () => {
    for (const office of ['governor', 'secretary']) {
      expect((await province.sees('governor', `offices/${office}/handovers`)).items).toEqual([]);
    }
  });

  it('when another is appointed, what is open for the office is put on a list, as it is known then', async () => {
    await appoint('secretary', 'خانم نوری', '2026-11-01');
    const [list] = await listOf('secretary');
    expect(list).toMatchObject({
      id: 'facilitation-3',
      workingGroup: 'facilitation',
      outgoing: 'آقای رضایی',
      incoming: 'خانم نوری',
      duties: expect.arrayContaining(['verify facilitation-1-1/o1']),
      referrals: ['nationalReferral-archive-1-1-o1-1'],
      sessions: [],
      omitted: 0,
      status: 'drawn',
      signatures: [],
    });
    await appoint('governor', 'آقای احمدی', '2026-11-01');
    expect((await listOf('governor'))[0]).toMatchObject({
      escalations: ['archive-1-1/o1'],
      sessions: ['facilitation-2'],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('the list stays as it was drawn, whatever becomes of what is on it', async () => {
    const [before] = await listOf('governor');
    await province.does('governor', 'session', 'facilitation-2', 'SignMinutes');
    await province.settles();
    expect((await listOf('governor'))[0]).toEqual(before);
  });

  it('both sign, each once and for himself, and what they sign is what they have seen', async () => {
    const [{ id, sha256 }] = await listOf('governor');
    const leaving = { role: 'governor', sub: 'karimi' } as const;
    const coming = { role: 'governor', sub: 'ahmadi' } as const;
    expect(await province.isRefused(...sign(leaving, id, 'outgoing', '0'.repeat(64)))).toBe('list-differs');
    await province.does(...sign(leaving, id, 'outgoing', sha256));
    expect(await province.isRefused(...sign(leaving, id, 'incoming', sha256))).toBe('same-person');
    expect(await province.isRefused(...sign(coming, id, 'outgoing', sha256))).toBe('already-signed');
    await province.does(...sign(coming, id, 'incoming', sha256));
    const [signed] = await listOf('governor', ([first]) => first.status === 'signed');
    expect(signed.signatures).toMatchObject([
      { party: 'outgoing', by: 'karimi', inPlace: false },
      { party: 'incoming', by: 'ahmadi', inPlace: false },
    ]);
  });

  it('only holders of the office sign, and the governor for one who can no longer', async () => {
    const [{ id, sha256 }] = await listOf('secretary');
    expect(await province.isRefused(...sign('deputy', id, 'outgoing', sha256))).toBe('forbidden');
    expect(await province.isRefused(...sign('admin', id, 'outgoing', sha256))).toBe('forbidden');
    expect(await province.isRefused(...sign('governor', 'facilitation-99', 'outgoing', sha256))).toBe('not-found');
    await province.does(...sign('governor', id, 'outgoing', sha256));
    const [{ signatures }] = await listOf('secretary', ([first]) => first.signatures.length > 0);
    expect(signatures).toMatchObject([{ party: 'outgoing', inPlace: true }]);
  });

  it('it is a document: Persian, with every matter by name, its hash and its signatures', async () => {
    const [{ id, sha256 }] = await listOf('secretary');
    const said = JSON.stringify(await province.sees('oversight', `offices/secretary/handovers/${id}`));
    for (const part of [
      'صورت تحویل دبیر کارگروه',
      'آقای رضایی',
      'خانم نوری',
      'راستی‌آزمایی',
      'وصل گاز',
      'وزارت نفت',
      sha256,
      'به جای ایشان استاندار',
    ]) {
      expect(said).toContain(part);
    }
    const { status, headers } = await province.asks('oversight', 'GET', `offices/secretary/handovers/${id}.pdf`);
    expect([status, headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect(await province.asks('oversight', 'GET', `offices/governor/handovers/${id}`)).toMatchObject({ status: 404 });
  });

  it('it is for the province’s eyes', async () => {
    for (const who of [{ role: 'agency', agency: 'gas' }, { role: 'unit', unit: 'u-1' }, 'admin'] as const) {
      for (const path of [GOVERNOR, `${GOVERNOR}/facilitation-4`]) {
        expect(await province.asks(who, 'GET', path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      }
    }
  });

  it('whoever is appointed again hands nothing over to himself', async () => {
    const before = await listOf('governor');
    await appoint('governor', 'آقای احمدی', '2026-11-15');
    await appoint('deputy', 'خانم مرادی', '2026-11-15');
    // The deputy's second holder comes after both in the log, so once this list is there, theirs would be, too.
    await appoint('deputy', 'آقای نوری', '2026-11-16');
    expect(await listOf('deputy')).toHaveLength(1);
    expect(await listOf('governor')).toEqual(before);
  });
});
