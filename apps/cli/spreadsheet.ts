import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { derivedId, folded, ID, latinDigits, type Actor, type Instant } from '#kernel';
import { CATEGORIES, UNIT_SIZES } from '#directory';
import { Failure } from './failure.js';
import type { CommandLine } from './lines.js';
import { load, type Target } from './load.js';
import { dayOf, meant, readMapping, type Field, type Mapping } from './spreadsheet-mapping.js';
import { readSheet, type SheetRow } from './spreadsheet-read.js';

/** A row that is not loaded, and why. */
export interface RefusedRow {
  row: number;
  /** The cell at fault, when it is one. */
  cell?: string;
  reason: string;
}
type Line = Omit<CommandLine, 'line'>;

/** What was made of a spreadsheet, before anything is sent. */
export interface Understood {
  /** In order of `at`. */
  lines: Line[];
  /** The row that each line came from. */
  rows: number[];
  refused: RefusedRow[];
  read: number;
}

/** One obligation, as a row says it. */
interface Entry {
  row: number;
  resolution: string;
  session: string;
  number: string;
  date: string;
  letterNumber: string;
  text: string;
  legalBasis: string;
  obligation: { agency: string; action: string; acceptance: string; term: object };
  unit?: { id: string; name?: string; size: string; sector: string };
  category: string;
  done?: string;
  verified?: string;
}

const DAY_MS = 86_400_000;
const TODAY = (): string => new Date(Date.now() + 3.5 * 3_600_000).toISOString().slice(0, 10);

/** @throws Failure when the file or the mapping as a whole cannot be used. */
export async function understand(file: string, mappingFile: string): Promise<Understood> {
  const mapping = await readMapping(mappingFile);
  const sheet = await readSheet(file, mapping);
  const known = new Set(sheet.titles.map(folded));
  const absent = Object.values(mapping.columns).filter((title) => !known.has(folded(title)));
  if (absent.length > 0) {
    const quoted = (titles: string[]) => titles.map((title) => `"${title}"`).join(', ');
    throw new Failure(`${file} has no column ${quoted(absent)}; it has ${quoted(sheet.titles)}.`);
  }
  const refused: RefusedRow[] = [];
  const entries: Entry[] = [];
  for (const row of sheet.rows) {
    const { entry, faults } = entryOf(row, mapping);
    refused.push(...faults);
    entries.push(entry);
  }
  const made = resolutionsOf(entries, refused);
  return {
    ...inOrder(made.flatMap(linesOf)),
    refused: refused.toSorted((a, b) => a.row - b.row),
    read: sheet.rows.length,
  };
}

function entryOf({ row, cells }: SheetRow, mapping: Mapping): { entry: Entry; faults: RefusedRow[] } {
  const faults: RefusedRow[] = [];
  const blame = (field: Field, reason: string) => {
    const cell = cells.get(folded(mapping.columns[field] ?? ''))?.at;
    // A text that serves two fields is at fault once.
    if (!faults.some((one) => one.cell === cell && one.reason === reason))
      faults.push({ row, ...(cell && { cell }), reason });
    return '';
  };
  const said = (field: Field): string => {
    const title = mapping.columns[field];
    if (title === undefined) return mapping.constants[field] ?? '';
    const cell = cells.get(folded(title));
    if (cell?.fault) return blame(field, cell.fault);
    return meant(mapping, field, cell?.text || (mapping.constants[field] ?? ''));
  };
  const needed = (field: Field): string => {
    const text = said(field);
    const faulty = cells.get(folded(mapping.columns[field] ?? ''))?.fault;
    return text === '' && !faulty ? blame(field, `"${field}" is empty`) : text;
  };
  const day = (field: Field, text: string): string => {
    if (text === '') return '';
    const found = dayOf(text);
    if ('fault' in found) return blame(field, found.fault);
    return found.date > TODAY() && field !== 'dueDate' ? blame(field, `"${text}" has not come yet`) : found.date;
  };
  const among = (field: Field, text: string, those: readonly string[]): string =>
    text === '' || those.includes(text)
      ? text
      : blame(field, `"${text}" is not one of ${those.join(', ')}; "values" can say what it means`);

  const date = day('date', needed('date'));
  const session = latinDigits(needed('session'));
  if (session && !/^[1-9]\d{0,5}$/.test(session)) blame('session', `"${session}" must be the number of a session`);
  const number = needed('number');
  const slug = latinDigits(number)
    .replaceAll(/[^A-Za-z0-9._]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  if (number && !slug) blame('number', `"${number}" has neither digits nor Latin letters to make an id of`);
  const agency = needed('agency');
  if (agency && !ID.test(agency)) blame('agency', `"${agency}" is no agency's id; "values" can say which one is meant`);
  const unit = unitOf(said('unit'), mapping);
  const done = day('done', said('done'));
  const verified = said('verified');
  const counted = mapping.columns.workingDays !== undefined || mapping.constants.workingDays !== undefined;
  const workingDays = counted ? latinDigits(needed('workingDays')) : '';
  if (workingDays && !(/^\d{1,3}$/.test(workingDays) && Number(workingDays) >= 1 && Number(workingDays) <= 750)) {
    blame('workingDays', `"${workingDays}" must be 1 to 750`);
  }
  const until = counted ? '' : day('dueDate', needed('dueDate'));
  if (until && date && until < date) blame('dueDate', `lies before the day of the resolution, ${date}`);
  const term = counted ? { workingDays: Number(workingDays) } : untilDay(until, date);
  const entry: Entry = {
    row,
    resolution: `${mapping.workingGroup}-${session}-${slug}`,
    session: `${mapping.workingGroup}-${session}`,
    number,
    date,
    letterNumber: said('letterNumber') || number,
    text: needed('text'),
    legalBasis: needed('legalBasis'),
    obligation: { agency, action: said('action') || needed('text'), acceptance: needed('acceptance'), term },
    ...(unit && { unit: { ...unit, size: among('size', needed('size'), UNIT_SIZES), sector: needed('sector') } }),
    category: among('category', unit ? needed('category') : said('category'), CATEGORIES),
    ...(done && { done }),
    ...(done && verified && { verified: verified === 'yes' ? done : day('verified', verified) }),
  };
  if (!ID.test(entry.resolution) && slug && session) blame('number', 'makes an id of more than 100 characters');
  if (done && date && done < date) blame('done', `lies before the day of the resolution, ${date}`);
  if (entry.verified && entry.verified < done) blame('verified', `lies before the day it was done, ${done}`);
  return { entry, faults };
}

/** A day as a term: until the offices close on it, counted from the letter's hour. */
const untilDay = (until: string, from: string): object => {
  const days = until && from ? (Date.parse(until) - Date.parse(from)) / DAY_MS : 0;
  return { duration: `PT${days * 24 + 5}H30M` };
};

/** A name that the mapping turns into an id means a unit that is registered already. */
function unitOf(text: string, { values, columns, constants }: Mapping): { id: string; name?: string } | undefined {
  if (text === '' || (columns.unit === undefined && constants.unit === undefined)) return undefined;
  if (Object.values(values.unit ?? {}).includes(text) && ID.test(text)) return { id: text };
  return { id: `u-${derivedId('unit', folded(text)).slice(0, 18)}`, name: text };
}

/** Rows of one number are one resolution. One bad row refuses them all: half a resolution would be another one. */
function resolutionsOf(entries: readonly Entry[], refused: RefusedRow[]): Entry[][] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) groups.set(entry.resolution, [...(groups.get(entry.resolution) ?? []), entry]);
  const bad = new Set(refused.map(({ row }) => row));
  return [...groups.values()].flatMap((group) => {
    const [first] = group as [Entry];
    const unlike = (one: Entry) =>
      one.date !== first.date || one.text !== first.text || one.unit?.id !== first.unit?.id;
    const faulty = group.find(({ row }) => bad.has(row));
    const other = faulty ?? group.find(unlike);
    if (!other) return [group];
    const reason = faulty ? 'is refused' : `and row ${first.row} differ in date, text or unit`;
    for (const { row } of group) {
      if (!bad.has(row)) refused.push({ row, reason: `row ${other.row} of the same resolution ${reason}` });
    }
    return [];
  });
}

/** The history of one resolution as the registry would have entered it then. */
function linesOf(group: Entry[]): { line: Line; row: number }[] {
  const [{ resolution, session, number, date, letterNumber, text, legalBasis, unit, category, row: first }] = group as [
    Entry,
  ];
  const lines: { line: Line; row: number }[] = [];
  const say = (day: string, time: string, as: Actor, command: string, id: string, data: object, row = first) =>
    lines.push({ row, line: { at: tehran(day, time), as, command, id, data } });
  if (unit?.name !== undefined) {
    const { id, name, size, sector } = unit;
    say(date, '08:00', SECRETARY, 'RegisterUnit', id, { name, size, classes: [], sector });
  }
  const of = `${resolution}-case`.slice(-100);
  if (category) {
    const title = [...text].slice(0, 120).join('');
    const matter = { channel: 'desk', category, title, statement: text, ...(unit && { unit: unit.id }) };
    say(date, '08:30', SECRETARY, 'OpenCase', of, matter);
  }
  const obligations = group.map(({ obligation }, index) => ({ id: `o${index + 1}`, ...obligation }));
  const issued = { session, ...(category && { case: of }), number, text, legalBasis, obligations };
  say(date, '09:00', REGISTRAR, 'IssueResolution', resolution, issued);
  say(date, '09:00', SECRETARY, 'CommunicateResolution', resolution, { letterNumber });
  group.forEach(({ row, done, verified, obligation: { agency } }, index) => {
    const obligation = `o${index + 1}`;
    const as: Actor = { id: `${agency}-desk`, role: 'agency', agency };
    if (done) say(done, '10:00', as, 'ReportCompliance', resolution, { obligation, evidence: [] }, row);
    if (verified) say(verified, '11:00', SECRETARY, 'VerifyCompliance', resolution, { obligation }, row);
  });
  return lines;
}

const SECRETARY: Actor = { id: 'secretary-of-then', role: 'secretary' };
const REGISTRAR: Actor = { id: 'registry', role: 'registrar' };
const tehran = (day: string, time: string): Instant => new Date(`${day}T${time}:00+03:30`).toISOString();

/** Units are registered once, with the first row that names them. */
function inOrder(all: { line: Line; row: number }[]): Pick<Understood, 'lines' | 'rows'> {
  const seen = new Set<string>();
  const sorted = all
    .toSorted((a, b) => (a.line.at < b.line.at ? -1 : a.line.at > b.line.at ? 1 : 0))
    .filter(({ line: { command, id } }) => command !== 'RegisterUnit' || (!seen.has(id) && seen.add(id)));
  return { lines: sorted.map(({ line }) => line), rows: sorted.map(({ row }) => row) };
}

/** Sends what was understood as an import; what the server refuses comes back with its row. */
export async function send({ lines, rows }: Understood, target: Target): Promise<RefusedRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'peygir-sheet-'));
  try {
    const file = join(folder, 'lines.ndjson');
    await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    const { refused } = await load(file, target);
    return refused.map(({ line, command, refused: code, detail }) => ({
      row: rows[line - 1]!,
      reason: `${command} was refused (${code}): ${detail}`,
    }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
