import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import ExcelJS from 'exceljs';
import { folded } from '#kernel';
import { Failure } from './failure.js';

/** What stands in one cell; a fault says why it is not to be trusted. */
export interface Cell {
  /** Its address: `C7`. */
  at: string;
  /** Text as it is, a number as text, a date as `YYYY-MM-DD`; empty when there is nothing. */
  text: string;
  fault?: string;
}
export interface SheetRow {
  /** As the spreadsheet counts: 1 is the first. */
  row: number;
  /** By the folded title of its column. */
  cells: ReadonlyMap<string, Cell>;
}
export interface Sheet {
  name: string;
  /** As they are written. */
  titles: string[];
  rows: SheetRow[];
}

/** An inflated workbook lies in memory whole. */
const MAX_BYTES = 20 * 1024 * 1024;
const MAX_ROWS = 100_000;

/**
 * The one table of an XLSX or a CSV file, with its titles in `headerRow`.
 * @throws Failure, naming the cell, when the file is not one plain table.
 */
export async function readSheet(
  file: string,
  { sheet, headerRow }: { sheet?: string; headerRow: number },
): Promise<Sheet> {
  if ((await stat(file)).size > MAX_BYTES) throw new Failure(`${file} is larger than ${MAX_BYTES} bytes; split it.`);
  const [name, grid] = extname(file).toLowerCase() === '.csv' ? ['', await csv(file)] : await xlsx(file, sheet);
  const header = grid.get(headerRow) ?? [];
  const titles = new Map<number, string>();
  for (const [column, cell] of header.entries()) {
    if (!cell || (cell.text === '' && !cell.fault)) continue;
    if (cell.fault) throw new Failure(`${file}: the title in ${cell.at} ${cell.fault}.`);
    const key = folded(cell.text);
    if ([...titles.values()].includes(key))
      throw new Failure(`${file}: two columns are called "${cell.text}" (${cell.at}).`);
    titles.set(column, key);
  }
  if (titles.size === 0) throw new Failure(`${file}: row ${headerRow} has no titles; "headerRow" says where they are.`);
  const rows = [...grid].flatMap(([row, line]): SheetRow[] => {
    const cells = new Map<string, Cell>();
    for (const [column, cell] of line.entries()) {
      const title = titles.get(column);
      if (cell && title !== undefined) cells.set(title, cell);
    }
    const empty = ![...cells.values()].some(({ text, fault }) => text !== '' || fault);
    return row <= headerRow || empty ? [] : [{ row, cells }];
  });
  if (rows.length > MAX_ROWS) throw new Failure(`${file} has more than ${MAX_ROWS} rows; split it.`);
  return { name, titles: [...titles.keys()].map((column) => header[column]!.text), rows };
}

type Grid = Map<number, (Cell | undefined)[]>;

async function xlsx(file: string, wanted: string | undefined): Promise<[string, Grid]> {
  const book = new ExcelJS.Workbook();
  await book.xlsx.readFile(file).catch((error: Error) => {
    throw new Failure(`${file} is no spreadsheet that can be read (${error.message}); give XLSX or CSV.`);
  });
  const names = book.worksheets.map(({ name }) => name);
  const found = book.worksheets.filter(({ name }) => wanted === undefined || folded(name) === folded(wanted));
  if (found.length !== 1) {
    const which = names.map((name) => `"${name}"`).join(', ');
    throw new Failure(
      wanted === undefined
        ? `${file} has ${names.length} sheets (${which}); "sheet" in the mapping says which one is meant.`
        : `${file} has no sheet "${wanted}"; it has ${which}.`,
    );
  }
  const grid: Grid = new Map();
  found[0]!.eachRow({ includeEmpty: false }, (line, row) => {
    const cells: Cell[] = [];
    line.eachCell({ includeEmpty: false }, (cell, column) => (cells[column] = taken(cell)));
    grid.set(row, cells);
  });
  return [found[0]!.name, grid];
}

/** A cell as text. Only what was typed into it counts: a formula's result may be old, and a merged cell is many rows at once. */
function taken(cell: ExcelJS.Cell): Cell {
  const at = cell.address;
  const faulty = (fault: string): Cell => ({ at, text: '', fault });
  if (cell.isMerged) return faulty('is merged with others');
  const { value } = cell;
  if (value === null || value === undefined) return { at, text: '' };
  if (typeof value === 'string') return { at, text: value.trim() };
  if (typeof value === 'number' || typeof value === 'boolean') return { at, text: String(value) };
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? faulty('is no date') : { at, text: value.toISOString().slice(0, 10) };
  }
  if ('formula' in value || 'sharedFormula' in value) return faulty('is a formula; paste its value');
  if ('richText' in value)
    return {
      at,
      text: value.richText
        .map(({ text }) => text)
        .join('')
        .trim(),
    };
  if ('hyperlink' in value) return { at, text: cell.text.trim() };
  return faulty('is an error of the spreadsheet');
}

async function csv(file: string): Promise<Grid> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch {
    throw new Failure(`${file} is not UTF-8; in Excel, save it as "CSV UTF-8".`);
  }
  const grid: Grid = new Map();
  let line: Cell[] = [];
  let row = 1;
  const end = () => {
    grid.set(row++, line);
    line = [];
  };
  // A field, quoted or plain, with what ends it (RFC 4180).
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (!found) throw new Failure(`${file}, row ${row}: a quotation mark stands where it may not.`);
    const [, quoted, plain = '', stop] = found;
    const column = Math.max(line.length, 1);
    const at = `${letters(column)}${row}`;
    const value = (quoted?.replaceAll('""', '"') ?? plain).trim();
    const formula = quoted === undefined && value.startsWith('=');
    line[column] = formula ? { at, text: '', fault: 'is a formula; paste its value' } : { at, text: value };
    if (stop !== ',') end();
  }
  if (line.length > 0) end();
  return grid;
}

/** 1 → A, 27 → AA. */
function letters(column: number): string {
  const rest = (column - 1) % 26;
  const before = (column - 1 - rest) / 26;
  return (before > 0 ? letters(before) : '') + String.fromCharCode(65 + rest);
}
