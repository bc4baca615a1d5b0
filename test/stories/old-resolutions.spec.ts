import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ExcelJS from 'exceljs';
import { toJalaali } from 'jalaali-js';
import { send, understand } from '#apps/cli/spreadsheet';
import { peygir } from '#test/kit/cli';
import { aProvince, withOffices, type Province } from '#test/kit/province';

// A province that kept its resolutions in a spreadsheet brings them all with it: what was done, and what never was.

const TITLES = ['جلسه', 'شماره', 'تاریخ ابلاغ', 'مصوبه', 'دستگاه', 'مهلت (روز کاری)', 'تاریخ انجام', 'تأیید'];
const MAPPING = {
  workingGroup: 'archive',
  columns: {
    session: 'جلسه',
    number: 'شماره',
    date: 'تاریخ ابلاغ',
    text: 'مصوبه',
    agency: 'دستگاه',
    workingDays: 'مهلت (روز كاري)', // the title is found although it was typed on another keyboard
    done: 'تاریخ انجام',
    verified: 'تایید',
  },
  constants: { legalBasis: 'ماده ۶۱', acceptance: 'گزارش دستگاه' },
  values: { agency: { 'شرکت گاز': 'gas', 'توزیع برق': 'power' }, verified: { بله: 'yes', خیر: '' } },
};
type Values = (string | number | Date | object | null)[];
const textOf = (value: Values[number] | undefined) => (typeof value === 'string' ? value : '');

const folder = mkdtempSync(join(tmpdir(), 'peygir-story-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;
const inFolder = (name: string) => join(folder, `${++count}-${name}`);

const mapped = (more: object = {}): string => {
  const file = inFolder('mapping.json');
  writeFileSync(file, JSON.stringify({ ...MAPPING, ...more }));
  return file;
};

async function table(rows: Values[], change: (sheet: ExcelJS.Worksheet, book: ExcelJS.Workbook) => void = () => {}) {
  const book = new ExcelJS.Workbook();
  const sheet = book.addWorksheet('مصوبات');
  sheet.addRows([TITLES, ...rows]);
  change(sheet, book);
  const file = inFolder('old.xlsx');
  await book.xlsx.writeFile(file);
  return file;
}

/** A row that is right, with some of it changed. */
const row = (changes: Record<number, Values[number]> = {}): Values =>
  Object.assign(['۷', '۷/۳', '۱۴۰۴/۰۵/۱۳', 'وصل گاز واحد', 'شركت گاز', '۱۰', null, null], changes);

const refusedOf = async (file: string) => (await understand(file, mapped())).refused;
const failure = (file: string, mapping = mapped()) =>
  understand(file, mapping).then(
    () => 'was understood',
    (error: Error) => error.message,
  );

describe('a table of old resolutions is understood', () => {
  it('Persian days, Persian digits, an Arabic keyboard', async () => {
    const { lines, refused, read } = await understand(await table([row()]), mapped());
    expect([read, refused]).toEqual([1, []]);
    expect(lines).toMatchObject([
      {
        at: '2025-08-04T05:30:00.000Z',
        as: { role: 'registrar' },
        command: 'IssueResolution',
        id: 'archive-7-7-3',
        data: { session: 'archive-7', number: '۷/۳', obligations: [{ agency: 'gas', term: { workingDays: 10 } }] },
      },
      { at: '2025-08-04T05:30:00.000Z', command: 'CommunicateResolution', data: { letterNumber: '۷/۳' } },
    ]);
  });

  it.each([
    ['۱۴۰۴/۵/۱۳', '2025-08-04'],
    ['1404-05-13', '2025-08-04'],
    ['١٤٠٤/٠٥/١٣', '2025-08-04'],
    ['2025-08-04', '2025-08-04'],
    [new Date('2025-08-04T00:00:00Z'), '2025-08-04'],
    ['۱۴۰۳/۱۲/۳۰', '2025-03-20'],
  ])('the day %s', async (day, expected) => {
    const { lines } = await understand(await table([row({ 2: day })]), mapped());
    expect(lines[0]!.at.slice(0, 10)).toBe(expected);
  });

  it('two rows of one number are one resolution with two obligations; what was done is claimed and verified', async () => {
    const file = await table([row({ 6: '۱۴۰۴/۰۵/۲۰', 7: 'بله' }), row({ 4: 'توزیع برق', 6: '۱۴۰۴/۰۵/۲۱', 7: 'خیر' })]);
    const { lines } = await understand(file, mapped());
    expect(lines.map(({ at, command, data }) => [at.slice(0, 10), command, (data as any).obligation])).toEqual([
      ['2025-08-04', 'IssueResolution', undefined],
      ['2025-08-04', 'CommunicateResolution', undefined],
      ['2025-08-11', 'ReportCompliance', 'o1'],
      ['2025-08-11', 'VerifyCompliance', 'o1'],
      ['2025-08-12', 'ReportCompliance', 'o2'],
    ]);
  });

  it('a last day instead of a number of days is a term until the offices close', async () => {
    const columns = { ...MAPPING.columns, workingDays: undefined, dueDate: 'مهلت (روز کاری)' };
    const { lines } = await understand(await table([row({ 5: '۱۴۰۴/۰۵/۲۰' })]), mapped({ columns }));
    expect(lines[0]!.data).toMatchObject({ obligations: [{ term: { duration: 'PT173H30M' } }] });
    const { refused } = await understand(await table([row({ 5: '۱۴۰۴/۰۵/۱۲' })]), mapped({ columns }));
    expect(refused).toMatchObject([{ row: 2, cell: 'F2', reason: expect.stringContaining('lies before') }]);
  });

  it('a unit is registered once, and a case of it is opened', async () => {
    const more = { columns: { ...MAPPING.columns, unit: 'تأیید', verified: undefined } };
    const constants = { ...MAPPING.constants, size: 'small', sector: 'چرم', category: 'gas' };
    const file = await table([row({ 7: 'چرم‌سازی' }), row({ 1: '۷/۴', 7: 'چرم سازي' })]);
    const { lines } = await understand(file, mapped({ ...more, constants }));
    const of = (name: string) => lines.filter(({ command }) => command === name);
    expect(of('RegisterUnit')).toMatchObject([{ data: { name: 'چرم‌سازی', size: 'small', sector: 'چرم' } }]);
    expect(of('OpenCase').map(({ data }) => (data as any).unit)).toEqual(Array(2).fill(of('RegisterUnit')[0]!.id));
    expect(of('IssueResolution')[1]!.data).toMatchObject({ case: of('OpenCase')[1]!.id });
  });

  it('a CSV says the same', async () => {
    const csv = inFolder('old.csv');
    const lines = [TITLES, row({ 3: 'گاز، "برق"\nو آب' })].map((values) =>
      values.map((value) => `"${textOf(value).replaceAll('"', '""')}"`).join(','),
    );
    writeFileSync(csv, `\ufeff${lines.join('\r\n')}\r\n`);
    const fromCsv = await understand(csv, mapped());
    const fromXlsx = await understand(await table([row({ 3: 'گاز، "برق"\nو آب' })]), mapped());
    expect(fromCsv).toEqual(fromXlsx);
    expect(fromCsv.lines).toHaveLength(2);
  });
});

describe('what cannot be right is refused with its cell, and the rest goes on', () => {
  it.each([
    ['a day that does not exist', { 2: '۱۴۰۴/۱۲/۳۰' }, 'C3', 'does not exist'],
    ['the 31st of a month of 30', { 2: '۱۴۰۴/۰۷/۳۱' }, 'C3', 'does not exist'],
    ['the year at the end', { 2: '۱۳/۰۵/۱۴۰۴' }, 'C3', 'the year first'],
    ['words for a day', { 2: 'مرداد ۱۴۰۴' }, 'C3', 'the year first'],
    ['a day to come', { 2: '۱۴۹۹/۰۱/۰۱' }, 'C3', 'has not come yet'],
    ['no day', { 2: null }, undefined, '"date" is empty'],
    ['a formula', { 5: { formula: '5+5', result: 10 } }, 'F3', 'is a formula'],
    ['an error', { 5: { error: '#REF!' } }, 'F3', 'is an error'],
    ['no number of days', { 5: 'ده' }, 'F3', 'must be 1 to 750'],
    ['too many days', { 5: '۷۵۱' }, 'F3', 'must be 1 to 750'],
    ['an unknown agency', { 4: 'اداره‌ای دیگر' }, 'E3', 'no agency'],
    ['done before it was decided', { 6: '۱۴۰۴/۰۵/۱۲' }, 'G3', 'lies before'],
  ])('%s', async (_, changes, cell, reason) => {
    const { lines, refused } = await understand(await table([row({ 1: '۷/۱' }), row(changes)]), mapped());
    expect(refused).toEqual([{ row: 3, ...(cell && { cell }), reason: expect.stringContaining(reason) }]);
    expect(lines.map(({ id }) => id)).toEqual(['archive-7-7-1', 'archive-7-7-1']);
  });

  it('merged cells', async () => {
    const file = await table([row({ 1: '۷/۱' }), row({ 1: '۷/۲' })], (sheet) => sheet.mergeCells('D2:D3'));
    expect(await refusedOf(file)).toEqual([
      { row: 2, cell: 'D2', reason: 'is merged with others' },
      { row: 3, cell: 'D3', reason: 'is merged with others' },
    ]);
  });

  it('two rows of one number that contradict each other', async () => {
    const refused = await refusedOf(await table([row(), row({ 2: '۱۴۰۴/۰۵/۱۴' })]));
    expect(refused.map((one) => one.row)).toEqual([2, 3]);
  });

  it('one bad row of a resolution refuses its other rows too: half a resolution would be another one', async () => {
    const { lines, refused } = await understand(await table([row(), row({ 5: 'ده' })]), mapped());
    expect([lines, refused.map((one) => one.row)]).toEqual([[], [2, 3]]);
  });
});

describe('a file that is no plain table is refused whole', () => {
  it('two sheets, unless the mapping says which', async () => {
    const file = await table([row()], (_, book) => book.addWorksheet('بایگانی'));
    expect(await failure(file)).toContain('has 2 sheets ("مصوبات", "بایگانی")');
    expect((await understand(file, mapped({ sheet: 'مصوبات' }))).read).toBe(1);
    expect(await failure(file, mapped({ sheet: 'دیگر' }))).toContain('has no sheet "دیگر"');
  });

  it('merged titles', async () =>
    expect(await failure(await table([row()], (sheet) => sheet.mergeCells('A1:B1')))).toContain('the title in A1'));

  it('titles that are not those of the mapping', async () => {
    const file = await table([row()], (sheet) => (sheet.getCell('E1').value = 'سازمان'));
    expect(await failure(file)).toContain('has no column "دستگاه"');
  });

  it('no spreadsheet at all', async () => {
    const file = inFolder('old.xlsx');
    writeFileSync(file, 'MZ');
    expect(await failure(file)).toContain('no spreadsheet that can be read');
    const csv = inFolder('old.csv');
    writeFileSync(csv, Buffer.from([0xcc, 0xe1, 0xd3]));
    expect(await failure(csv)).toContain('is not UTF-8');
  });

  it('a mapping that says too little names all that is missing', async () => {
    const message = await failure(await table([row()]), mapped({ workingGroup: '', columns: { colour: 'رنگ' } }));
    for (const part of ['columns.colour', '"session" needs', '"agency" needs', 'the term needs', '"workingGroup"']) {
      expect(message).toContain(part);
    }
  });
});

describe('a drawer of old resolutions', () => {
  let province: Province;
  let file: string;
  const ROWS = 30;

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    const day = (n: number) => {
      const { jy, jm, jd } = toJalaali(new Date(Date.UTC(2026, 3, 1) + (n % 180) * 86_400_000));
      return `${jy}/${jm}/${jd}`;
    };
    // Two of three were done, half of these verified; the rest nobody ever noticed.
    const rows = Array.from({ length: ROWS }, (_, n) =>
      row({
        0: 1 + Math.floor(n / 14),
        1: String(n),
        2: day(n),
        6: n % 3 ? day((n % 180) + 3 < 180 ? (n % 180) + 3 : n) : null,
        7: n % 3 === 1 ? 'بله' : null,
      }),
    );
    file = await table([...rows, row({ 2: 'کی؟' })]);
  });
  afterAll(() => province.close());

  it('are shown before anything is written: the command says what it understood, and sends nothing', async () => {
    const { ended, said } = peygir(['load', file, '--mapping', mapped(), '--server', province.url]);
    expect(await ended).toBe(0);
    expect(said.err).toContain(`${ROWS + 1} rows read, ${ROWS} understood, 1 refused.`);
    expect(said.err).toContain(`row ${ROWS + 2}, cell C${ROWS + 2}: "کی؟" must be a date`);
    expect(said.err).toContain('Nothing was sent.');
    expect((await province.sees('governor', 'resolutions')).items).toEqual([]);
  });

  it('are loaded, and what was never done stands open and missed', async () => {
    const target = { server: province.url, token: await province.token('registrar') };
    const understood = await understand(file, mapped());
    expect(await send(understood, target)).toEqual([]);
    const { obligationStatus } = await province.sees('governor', 'numbers');
    expect(obligationStatus.met).toBe(ROWS / 3);
    expect(obligationStatus.claimed + obligationStatus.missed).toBe((ROWS / 3) * 2);
    expect(obligationStatus.missed).toBeGreaterThan(ROWS / 4);

    const head = await province.running.store.head();
    expect(await send(understood, target)).toEqual([]);
    const again = await province.running.store.readAll(head, 100);
    expect(again.events.filter(({ metadata }) => metadata.actor.role === 'registrar')).toEqual([]);
  });
});
