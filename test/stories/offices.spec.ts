import { aProvince, withOffices, type Province } from '#test/kit/province';
import { at, obligation, say } from '#test/kit/timeline';

// Row 4 of FIELD: commands are held by offices, and offices by persons who come and go; a replay names the holder of that day.

describe('offices, and the persons who hold them', () => {
  let province: Province;
  const appoint = (command: string, office: string, person: string, from: string, to?: string) =>
    ['governor', 'workingGroup', 'facilitation', command, { office, person, from, ...(to && { to }) }] as const;
  const officesOn = async (on: string) => {
    const { items } = await province.sees('expert', `working-groups/facilitation/offices?on=${on}`);
    return Object.fromEntries(
      items.map((one: any) => [one.office, one.vacant ? `vacant, ${one.acting ?? 'nobody'}` : one.acting]),
    );
  };

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    for (const one of [
      appoint('AppointHolder', 'governor', 'خانم کریمی', '2026-01-01'),
      appoint('AppointHolder', 'deputy', 'آقای احمدی', '2026-01-01', '2026-09-30'),
      appoint('AppointSubstitute', 'deputy', 'خانم مرادی', '2026-09-05', '2026-09-15'),
      appoint('AppointHolder', 'deputy', 'آقای رضایی', '2026-11-01'),
    ]) {
      await province.does(...one);
    }
  });
  afterAll(() => province.close());

  it.each([
    ['2026-09-01', 'آقای احمدی'],
    ['2026-09-10', 'خانم مرادی'],
    ['2026-09-20', 'آقای احمدی'],
    ['2026-10-15', 'vacant, nobody'],
    ['2026-11-01', 'آقای رضایی'],
  ])('on %s the deputy is %s', async (day, deputy) => {
    expect(await officesOn(day)).toEqual({ governor: 'خانم کریمی', deputy, secretary: 'vacant, nobody' });
  });

  it('two substitutes for the same days are refused, and so is a term that ends before it begins', async () => {
    const other = appoint('AppointSubstitute', 'deputy', 'آقای نوری', '2026-09-15', '2026-09-20');
    expect(await province.isRefused(...other)).toBe('overlap');
    const backwards = appoint('AppointHolder', 'deputy', 'آقای نوری', '2026-09-15', '2026-09-14');
    expect(await province.isRefused(...backwards)).toBe('invalid');
    expect((await officesOn('2026-09-15'))['deputy']).toBe('خانم مرادی');
  });

  it('an escalation names the office and who answered for it on that day, long after he has gone', async () => {
    await province.does('admin', 'ladder', 'deputy-only', 'DefineLadder', {
      rungs: [{ id: 'deputy', when: { after: { workingDays: 2 } }, action: 'escalate', to: 'deputy' }],
    });
    // The agency had five working days from 29 August. Two more, and it fell to the deputy: on 7 September.
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        number: '1/1',
        text: 'وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation({ ladder: 'deputy-only' })],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
    ]);
    const { items } = await province.sees('governor', 'offices/deputy/escalations');
    expect(items).toMatchObject([
      {
        resolution: 'archive-1-1',
        obligation: 'o1',
        agency: 'gas',
        status: 'missed',
        rung: 'deputy',
        at: at('2026-09-07', '07:30'),
        heldBy: {
          office: 'deputy',
          holder: 'آقای احمدی',
          substitute: 'خانم مرادی',
          acting: 'خانم مرادی',
          vacant: false,
        },
      },
    ]);
    expect((await province.sees('governor', 'offices/inspection/escalations')).items).toEqual([]);
  });
});
