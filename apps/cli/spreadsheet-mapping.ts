import { readFile } from 'node:fs/promises';
import { isValidJalaaliDate, toGregorian } from 'jalaali-js';
import { folded, latinDigits } from '#kernel';
import { isLocalDate } from '#calendar';
import { Failure } from './failure.js';

/** What a row can say. Every one is given by a column or, for all rows alike, by a constant. */
const FIELDS = [
  'session',
  'number',
  'date',
  'letterNumber',
  'text',
  'legalBasis',
  'agency',
  'action',
  'acceptance',
  'workingDays',
  'dueDate',
  'unit',
  'size',
  'sector',
  'category',
  'done',
  'verified',
] as const;
export type Field = (typeof FIELDS)[number];
const NEEDED: readonly Field[] = ['session', 'number', 'date', 'text', 'legalBasis', 'agency', 'acceptance'];

export interface Mapping {
  /** Needed when the workbook has several sheets. */
  sheet?: string;
  /** The row with the titles; 1 unless told otherwise. */
  headerRow: number;
  /** Whose sessions these are: ids are `<workingGroup>-<session>-<number>`. */
  workingGroup: string;
  /** Field → title of its column. */
  columns: Partial<Record<Field, string>>;
  /** Field → what holds for every row. */
  constants: Partial<Record<Field, string>>;
  /** Field → what the table says → what is meant: `{ "agency": { "شرکت گاز": "gas" } }`. Compared as folded. */
  values: Partial<Record<Field, Record<string, string>>>;
}

const KEYS = ['sheet', 'headerRow', 'workingGroup', 'columns', 'constants', 'values'];

/** @throws Failure that names everything that is wrong with the mapping. */
export async function readMapping(file: string): Promise<Mapping> {
  let found: Partial<Mapping>;
  try {
    found = JSON.parse(await readFile(file, 'utf8')) as Partial<Mapping>;
  } catch (error) {
    throw new Failure(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
  const mapping: Mapping = { headerRow: 1, workingGroup: '', columns: {}, constants: {}, values: {}, ...found };
  const { columns, constants, values } = mapping;
  const wrong = Object.keys(found).flatMap((key) => (KEYS.includes(key) ? [] : [`"${key}" is not known`]));
  for (const [part, said] of Object.entries({ columns, constants, values })) {
    for (const [field, value] of Object.entries(said)) {
      if (!FIELDS.includes(field as Field))
        wrong.push(`${part}.${field} is not known; fields are ${FIELDS.join(', ')}`);
      else if (part !== 'values' && typeof value !== 'string') wrong.push(`${part}.${field} must be a text`);
    }
  }
  const given = (field: Field) => columns[field] !== undefined || constants[field] !== undefined;
  for (const field of NEEDED) if (!given(field)) wrong.push(`"${field}" needs a column or a constant`);
  if (given('workingDays') === given('dueDate')) wrong.push('the term needs either "workingDays" or "dueDate"');
  if (given('unit') && !(given('size') && given('sector') && given('category'))) {
    wrong.push('with "unit" also "size", "sector" and "category" are needed, as a case of the unit is opened');
  }
  if (given('verified') && !given('done')) wrong.push('"verified" needs "done"');
  if (!/^[A-Za-z0-9._-]{1,40}$/.test(mapping.workingGroup)) wrong.push('"workingGroup" must be the id of one');
  if (!Number.isInteger(mapping.headerRow) || mapping.headerRow < 1) wrong.push('"headerRow" must be 1 or more');
  if (wrong.length > 0) throw new Failure(`${file} is not usable:\n  - ${wrong.join('\n  - ')}`);
  return mapping;
}

/** What a text of the table stands for, by the mapping's `values`; itself when they do not say. */
export function meant({ values }: Mapping, field: Field, text: string): string {
  const key = folded(text);
  const found = Object.entries(values[field] ?? {}).find(([written]) => folded(written) === key);
  return found ? found[1] : text;
}

/**
 * A day of the Persian or the Gregorian calendar, the year first, in any digits: `۱۴۰۴/۰۵/۱۳`, `2025-08-04`.
 * @returns `YYYY-MM-DD`, or what is wrong with it.
 */
export function dayOf(text: string): { date: string } | { fault: string } {
  const [, y, m, d] = /^(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})$/.exec(latinDigits(text).trim()) ?? [];
  if (!y || !m || !d) return { fault: `"${text}" must be a date with the year first, such as ۱۴۰۴/۰۵/۱۳` };
  const [year, month, day] = [Number(y), Number(m), Number(d)];
  const absent = { fault: `"${text}" is a day that does not exist` };
  if (year < 1300 || (year > 1500 && year < 1900)) return { fault: `"${text}" has a year that cannot be meant` };
  if (year > 1500) {
    const date = written(year, month, day);
    return isLocalDate(date) ? { date } : absent;
  }
  if (!isValidJalaaliDate(year, month, day)) return absent;
  const { gy, gm, gd } = toGregorian(year, month, day);
  return { date: written(gy, gm, gd) };
}

const written = (year: number, month: number, day: number): string =>
  `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
