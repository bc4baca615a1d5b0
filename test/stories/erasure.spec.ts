import pg from 'pg';
import { BEGINNING, ERASED, type RecordedEvent } from '#kernel';
import { erase } from '#apps/cli/erase';
import { aProvince, eventually, withOffices, type Province } from '#test/kit/province';

// What is personal is destroyed on a legal ground, everywhere; what was proven stays proven.

/** Every table that holds this text, as text or as bytes. */
async function tablesWith({ config }: Province, text: string): Promise<string[]> {
  const owner = new pg.Client({ connectionString: config.databaseUrl });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname !~ '^pg_'`,
    );
    const found: string[] = [];
    for (const { name } of rows) {
      const { rowCount } = await owner.query(
        `select from ${name} t where position($1 in t::text) > 0 or position($2 in t::text) > 0 limit 1`,
        [text, Buffer.from(text).toString('hex')],
      );
      if (rowCount) found.push(name);
    }
    return found.sort();
  } finally {
    await owner.end();
  }
}

describe('what a person has a right to have forgotten', () => {
  let province: Province;
  const person = 'زهراکریم‌زاده';
  const legalId = '10380284790';
  const ground = 'ماده ۵۸ قانون تجارت الکترونیکی';
  const document = 'دادنامهٔ ۱۴۰۵/۸۸';
  const log = async () => (await province.running.store.readAll(BEGINNING, 10_000)).events;
  const erased = (stream: string) =>
    eventually(province, `erasures?stream=${stream}`, ({ items }) => items.length > 0 && items.every((one: any) => one.done)); // prettier-ignore

  beforeAll(async () => {
    province = await aProvince();
    const { does } = province;
    await withOffices(province);
    await does('secretary', 'unit', 'u-1', 'RegisterUnit', { name: 'نساجی', legalId, size: 'small', classes: [], sector: 'textile' }); // prettier-ignore
    await does('secretary', 'visit', 'v-1', 'PlanVisit', { unit: 'u-1', date: '2026-11-24', reason: 'درخواست' });
    const needs = [{ category: 'gas', statement: `خانهٔ ${person} گاز ندارد` }];
    await does('expert', 'visit', 'v-1', 'RecordFindings', { findings: `با ${person} گفت‌وگو شد`, needs });
    await eventually(province, 'cases/v-1-1');
    await does('expert', 'case', 'v-1-1', 'ReviewCase', { technicalNote: `${person} ذی‌حق است`, recommendation: 'گاز', checklist: ['نقشه'] }); // prettier-ignore
  });
  afterAll(() => province.close());

  it('lies in the vault and in what is read, and not in the log', async () => {
    expect(await tablesWith(province, person)).toEqual(['public.read_cases', 'public.read_search', 'public.read_visits', 'vault.openings']); // prettier-ignore
    expect(await tablesWith(province, legalId)).toEqual(['public.read_search', 'public.read_units', 'vault.openings']);
    expect((await province.sees('governor', 'cases/v-1-1')).title).toContain(person);
    expect((await province.sees('governor', `search?q=${encodeURIComponent(person)}`)).items).toHaveLength(1);
  });

  it('is erased by the administrator alone, on a ground, and only where there is something', async () => {
    const { does, isRefused } = province;
    const order = { stream: 'case-v-1-1', ground, document };
    expect(await isRefused('secretary', 'erasure', 'e-0', 'EraseData', order)).toBe('forbidden');
    expect(await isRefused('admin', 'erasure', 'e-0', 'EraseData', { ...order, ground: ' ' })).toBe('invalid');
    expect(await isRefused('admin', 'erasure', 'e-0', 'EraseData', { ...order, stream: 'case-none' })).toBe(
      'not-found',
    );
    expect(await isRefused('admin', 'erasure', 'e-0', 'EraseData', { ...order, fields: ['unit'] })).toBe('nothing-sealed'); // prettier-ignore
    expect(await isRefused('admin', 'erasure', 'e-0', 'EraseData', { ...order, stream: 'calendar-offices' })).toBe('nothing-sealed'); // prettier-ignore
    await does('admin', 'erasure', 'e-1', 'EraseData', { ...order, fields: ['technicalNote'] });
    const answer = await does('admin', 'erasure', 'e-1', 'EraseData', { ...order, fields: ['technicalNote'] });
    expect(answer.events).toEqual([]);
    expect(await isRefused('admin', 'erasure', 'e-1', 'EraseData', order)).toBe('already-ordered');
    const { items } = await erased('case-v-1-1');
    expect(items).toMatchObject([{ id: 'e-1', ground, document, by: 'admin-1', erased: [{ type: 'CaseReviewed', paths: ['technicalNote'] }] }]); // prettier-ignore
    const { technicalNote, recommendation } = (await province.sees('governor', 'cases/v-1-1')).review;
    expect([technicalNote, recommendation]).toEqual([ERASED, 'گاز']);
  });

  it('is nowhere afterwards, and proofs, numbers and revisions are what they were', async () => {
    const { asks, does, sees } = province;
    await asks('oversight', 'POST', 'checkpoints');
    const before = await log();
    const proof = (await asks('oversight', 'GET', 'proofs/case-v-1-1/0')).body;
    const summary = await sees('governor', 'working-groups/facilitation/summary');
    await does('admin', 'erasure', 'e-2', 'EraseData', { stream: 'visit-v-1', ground, document });
    await does('admin', 'erasure', 'e-3', 'EraseData', { stream: 'case-v-1-1', ground, document });
    await does('admin', 'erasure', 'e-4', 'EraseData', { stream: 'unit-u-1', fields: ['legalId'], ground, document });
    await Promise.all(['visit-v-1', 'case-v-1-1', 'unit-u-1'].map(erased));
    await province.settles();

    expect(await tablesWith(province, person)).toEqual([]);
    expect(await tablesWith(province, legalId)).toEqual([]);
    expect((await sees('governor', `search?q=${encodeURIComponent(person)}`)).items).toEqual([]);
    expect((await sees('governor', 'cases/v-1-1/receipt')).text).toContain(ERASED);
    const [visit] = (await sees('governor', 'visits')).items;
    expect(visit).toMatchObject({ findings: [{ text: ERASED }], needs: [{ category: 'gas', statement: ERASED }] });

    expect((await asks('oversight', 'GET', 'proofs/case-v-1-1/0')).body).toBe(proof);
    expect(await sees('governor', 'working-groups/facilitation/summary')).toEqual(summary);
    const after = await log();
    const stored = (events: RecordedEvent[]) => events.map(({ data, stored: as = data, ...rest }) => ({ ...rest, as }));
    expect(stored(after.slice(0, before.length))).toEqual(stored(before));
    expect(JSON.stringify(after)).not.toContain(person);
    expect((await asks('oversight', 'GET', 'audit/case-v-1-1')).body.state.intake.statement).toBe(ERASED);
    expect((await asks('governor', 'GET', `cases/v-1-1?asOf=${new Date().toISOString()}`)).body.title).toBe(ERASED);
  });

  it('stays so when everything is decided on and said again', async () => {
    const { does, isRefused } = province;
    // The same unit with the erased id would be the erased id once more.
    const again = { name: 'نساجی', legalId, size: 'small', classes: [], sector: 'textile' };
    expect(await isRefused('secretary', 'unit', 'u-1', 'RegisterUnit', again)).toBe('already-registered');
    await does('secretary', 'case', 'v-1-1', 'TableCase', { session: 'facilitation-1' });
    expect((await province.sees('governor', 'cases/v-1-1')).title).toBe(ERASED);
  });

  it('is asked for from the command line, which waits until it is gone', async () => {
    await province.does('admin', 'workingGroup', 'facilitation', 'AppointHolder', { office: 'governor', person, from: '2026-12-01' }); // prettier-ignore
    const printed = jest.spyOn(console, 'log').mockImplementation(() => {});
    const told = jest.spyOn(console, 'error').mockImplementation(() => {});
    try {
      const order = { fields: ['person'], ground, document, server: province.url };
      for (let times = 1; times <= 2; times += 1) {
        await erase('workingGroup-facilitation', { ...order, token: await province.token('admin') });
        expect(printed).toHaveBeenLastCalledWith(expect.stringMatching(/^HolderAppointed [0-9a-f-]{36}: person$/));
      }
      expect(told).toHaveBeenLastCalledWith(expect.stringContaining(ground));
      expect(await tablesWith(province, person)).toEqual([]);
      const refused = erase('case-v-1-1', { ...order, token: await province.token('oversight') });
      await expect(refused).rejects.toThrow('forbidden');
    } finally {
      jest.restoreAllMocks();
    }
  });
});
