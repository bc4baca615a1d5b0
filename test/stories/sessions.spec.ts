import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';

// Row 3 of FIELD: numbered sessions that know holidays and closures. What is not as it should be is said and hinders
// nobody: too long an agenda, too few in the room, a Tuesday that was closed, a letter number that was left out.

const DAY_MS = 86_400_000;
/** The Tuesday of the week after next, and those after it: a closure is declared for days to come. */
const TODAY = Math.floor(Date.now() / DAY_MS);
const tuesday = (weeks: number): string =>
  new Date((TODAY + 14 - ((TODAY + 2) % 7) + 7 * weeks) * DAY_MS).toISOString().slice(0, 10);
const after = (date: string, days: number) => new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);

describe('sessions', () => {
  let province: Province;
  const group = (id: string, more: object = {}) =>
    province.does('admin', 'workingGroup', id, 'EstablishWorkingGroup', {
      name: `کارگروه ${id}`,
      chair: 'governor',
      secretary: 'secretary',
      ...more,
    });
  const schedule = (id: string, date: string) =>
    province.does('secretary', 'workingGroup', id, 'ScheduleSession', { date });
  const open = (id: string, ...attendance: string[]) =>
    province.does('secretary', 'session', id, 'OpenSession', { attendance });
  const session = (id: string) => province.sees('secretary', `sessions/${id}`);
  const warnings = async (id: string) => (await session(id)).warnings.map(({ code }: any) => code);
  const tabled = async (id: string, on: string) => {
    const { does } = province;
    await does('secretary', 'case', id, 'OpenCase', { channel: 'desk', category: 'gas', title: id, statement: id });
    await does('expert', 'case', id, 'ReviewCase', { technicalNote: 'ن', recommendation: 'ن', checklist: [] });
    await does('secretary', 'case', id, 'TableCase', { session: on });
  };

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
  });
  afterAll(() => province.close());

  it('an agenda beyond the capacity is warned of, and never refused', async () => {
    await group('small', { capacity: 1 });
    await schedule('small', tuesday(0));
    await tabled('c-1', 'small-1');
    expect(await session('small-1')).toMatchObject({ capacity: 1, counts: { cases: 1 }, warnings: [] });
    await tabled('c-2', 'small-1');
    const { warnings: said } = await session('small-1');
    expect(said).toEqual([
      {
        code: 'agenda-over-capacity',
        fa: 'دستور جلسه ۲ پرونده دارد و گنجایش آن ۱ است.',
        en: '2 cases stand on an agenda for 1.',
      },
    ]);
  });

  it('opened without its quorum a session goes on, and everybody sees it; who is listed twice is one', async () => {
    await group('quorate', { quorum: { members: 3 } });
    await schedule('quorate', tuesday(0));
    await schedule('quorate', tuesday(1));
    await open('quorate-1', 'استاندار', 'دبیر', 'دبیر ');
    expect(await session('quorate-1')).toMatchObject({ status: 'open', quorum: { needed: 3, present: 2, met: false } });
    expect(await warnings('quorate-1')).toEqual(['no-quorum']);
    await open('quorate-2', 'استاندار', 'دبیر', 'معاون');
    expect(await session('quorate-2')).toMatchObject({ quorum: { met: true }, warnings: [] });
    await province.does('governor', 'session', 'quorate-1', 'SignMinutes');
    const minutes = JSON.stringify(await province.sees('governor', 'sessions/quorate-1/minutes'));
    expect(minutes).toContain('حد نصاب ۳ نفر، حاضر ۲ نفر؛ جلسه بدون حد نصاب برگزار شد.');
  });

  it('where the group insists on its quorum, no session is opened without it', async () => {
    await group('strict', { quorum: { members: 2, required: true } });
    await schedule('strict', tuesday(0));
    const alone = ['secretary', 'session', 'strict-1', 'OpenSession', { attendance: ['دبیر'] }] as const;
    expect(await province.isRefused(...alone)).toBe('no-quorum');
    expect((await session('strict-1')).status).toBe('scheduled');
    await open('strict-1', 'دبیر', 'استاندار');
    expect((await session('strict-1')).status).toBe('open');
    const nobody = { name: 'ک', chair: 'governor', secretary: 'secretary', quorum: { members: 0 } };
    expect(await province.isRefused('admin', 'workingGroup', 'odd', 'EstablishWorkingGroup', nobody)).toBe('invalid');
  });

  it('a Tuesday that is closed is proposed for the next free one; the secretary confirms, and the numbers stay', async () => {
    await group('moving');
    for (const weeks of [0, 1]) await schedule('moving', tuesday(weeks));
    const closure = { dates: [tuesday(0)], reason: 'آلودگی هوا', decree: 'م-۷' };
    await province.does('governor', 'calendar', 'offices', 'DeclareClosure', closure);
    const proposal = { from: tuesday(0), date: tuesday(2), reason: 'آلودگی هوا', decree: 'م-۷' };
    expect(await session('moving-1')).toMatchObject({ date: tuesday(0), proposal, warnings: [{ code: 'closed-day' }] });
    expect((await session('moving-2')).proposal).toBeUndefined();
    const mine = async () =>
      (await province.sees('secretary', 'offices/secretary/duties')).items.filter(
        (one: any) => one.session === 'moving-1',
      );
    expect(await mine()).toMatchObject([{ duty: 'confirm-session-day', workingGroup: 'moving', number: 1, proposal }]);

    await province.does('secretary', 'workingGroup', 'moving', 'RescheduleSession', {
      number: 1,
      date: tuesday(2),
      reason: 'آلودگی هوا',
    });
    const { items } = await province.sees('governor', 'sessions?workingGroup=moving');
    expect(items.map(({ number, date, proposal: other }: any) => [number, date, other])).toEqual([
      [1, tuesday(2), undefined],
      [2, tuesday(1), undefined],
    ]);
    expect(await mine()).toEqual([]);
  });

  it('when the closure is called off, so is the proposal', async () => {
    await group('waiting');
    await schedule('waiting', tuesday(3));
    const closure = { dates: [tuesday(3)], reason: 'سرما', decree: 'م-۸' };
    await province.does('governor', 'calendar', 'offices', 'DeclareClosure', closure);
    expect((await session('waiting-1')).proposal.date).toBe(tuesday(4));
    await province.does('governor', 'calendar', 'offices', 'CancelClosure', { dates: [tuesday(3)] });
    expect(await session('waiting-1')).toMatchObject({ date: tuesday(3), warnings: [] });
    expect((await session('waiting-1')).proposal).toBeUndefined();
  });

  it('when four Tuesdays are gone it is the next working day', async () => {
    await group('crowded');
    for (const weeks of [5, 6, 7, 8, 9]) await schedule('crowded', tuesday(weeks));
    const closure = { dates: [tuesday(5)], reason: 'گرما', decree: 'م-۹' };
    await province.does('governor', 'calendar', 'offices', 'DeclareClosure', closure);
    expect((await session('crowded-1')).proposal.date).toBe(after(tuesday(5), 1));
  });

  it('letters are numbered without gaps: the next number is proposed, what was left out or given twice is shown', async () => {
    const letters = () => province.sees('secretary', 'working-groups/facilitation/letters');
    const { next } = await letters();
    expect(next).toMatch(/^۱۴[۰-۹]{2}\/۱$/);
    await open('facilitation-1', 'استاندار');
    for (let n = 1; n <= 4; n++) {
      await province.does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
        text: 'وصل گاز',
        legalBasis: 'ماده ۶۱',
        obligations: [{ id: 'o1', agency: 'gas', action: 'وصل', acceptance: 'تحویل', term: { workingDays: 5 } }],
      });
    }
    await province.does('governor', 'session', 'facilitation-1', 'SignMinutes');
    await eventually(province, 'resolutions/facilitation-1-4');
    const year = next.split('/')[0];
    const send = (n: number, place: string) =>
      province.does('secretary', 'resolution', `facilitation-1-${n}`, 'CommunicateResolution', {
        letterNumber: `${year}/${place}`,
      });
    await send(1, '۱');
    expect(await letters()).toMatchObject({
      next: `${year}/۲`,
      gaps: [],
      doubles: [],
      items: [{ resolution: 'facilitation-1-1' }],
    });
    await send(2, '۴');
    await send(3, '۴');
    const { next: then, gaps, doubles } = await letters();
    expect(then).toBe(`${year}/۵`);
    expect(gaps.map((gap: string) => gap.split('/')[1])).toEqual(['2', '3']);
    expect(doubles.map((one: string) => one.split('/')[1])).toEqual(['4']);
  });
});
