import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64, openLeaf, opensTo, type Leaf, type Reader, type Scope } from '#audit';
import { commitmentOf, ERASED, sealing, type NewEvent } from '#kernel';
import { deciders } from '#apps/province';
import { Simulation } from '#apps/simulation';
import { folder } from '#apps/verifier/folder';
import { exitCode } from '#apps/verifier/report';
import { verify } from '#apps/verifier/verify';
import { exported } from '#test/kit/audit';
import { communicated, obligation, PROVINCE } from '#test/kit/timeline';

/** A history as a sealed log has it, and its vault. */
const events: Leaf[] = [];
const vault = new Map<string, { salt: Buffer; value: string }>();
const governor = 'رضا استاندار';

beforeAll(async () => {
  const seal = sealing(deciders);
  const simulation = new Simulation((event) => {
    const { event: stored, openings } = seal(event as NewEvent, event.stream);
    for (const { commitment, salt, value } of openings) vault.set(base64(commitment), { salt, value });
    events.push(openings.length > 0 ? { ...event, stored: stored.data } : event);
  });
  const at = '2026-08-25T05:30:00.000Z';
  const lines = [...PROVINCE, ...communicated(at, [obligation(), obligation({ id: 'o2', agency: 'bank' })])];
  const said = lines.at(-1)!;
  const more = [
    { at: said.at, as: { id: 'gas-1', role: 'agency', agency: 'gas' }, command: 'AcknowledgeObligation', id: 'r', data: { obligation: 'o1', note: 'رسید' } }, // prettier-ignore
    { at: said.at, as: { id: 'bank-1', role: 'agency', agency: 'bank' }, command: 'AcknowledgeObligation', id: 'r', data: { obligation: 'o2', note: 'دیدیم' } }, // prettier-ignore
    { at: said.at, as: { id: 'a', role: 'admin' }, command: 'EstablishWorkingGroup', id: 'facilitation', data: { name: 'کارگروه', chair: 'governor', secretary: 'secretary' } }, // prettier-ignore
    { at: said.at, as: { id: 'a', role: 'admin' }, command: 'AppointHolder', id: 'facilitation', data: { office: 'governor', person: governor, from: '2026-01-01' } }, // prettier-ignore
    { at: said.at, as: { id: governor, role: 'governor' }, command: 'IssueDirective', id: 'r', data: { obligation: 'o1', text: 'پیگیری شود' } }, // prettier-ignore
  ] as typeof lines;
  for (const [line, one] of [...lines, ...more].entries()) await simulation.send({ ...one, line });
});

const checked = async (
  more: { open?: (asked: readonly string[]) => Promise<typeof vault>; reader?: Reader; scope?: Scope } = {},
  change: (dir: string) => void = () => {},
) => {
  // prettier-ignore
  const { dir, remove } = await exported(events, { open: async () => vault, ...more });
  try {
    change(dir);
    const report = await verify(folder(dir));
    return { code: exitCode(report), ...report };
  } finally {
    remove();
  }
};
const openings = (dir: string) => join(dir, 'openings/0.json');
const changed = (change: (all: Record<string, Record<string, [string, string]>>) => void) => (dir: string) => {
  const all = JSON.parse(readFileSync(openings(dir), 'utf8'));
  change(all);
  writeFileSync(openings(dir), JSON.stringify(all));
};

describe('an export of a sealed log', () => {
  it('opens what its reader may read, and every opening is checked', async () => {
    expect(vault.size).toBe(3);
    const report = await checked();
    expect(report).toMatchObject({ code: 0, findings: [] });
    expect(report.notes).toContainEqual(`${vault.size} sealed texts disclosed; 0 closed, of which 0 were erased on the record`); // prettier-ignore
  });

  it('verifies as well when nothing is disclosed, or when a holder was erased', async () => {
    const closed = await checked({ reader: 'nobody' });
    expect(closed).toMatchObject({ code: 0, findings: [] });
    expect(closed.notes.join()).toContain(`0 sealed texts disclosed; ${vault.size} closed`);
    expect(closed.notes.join()).toContain('1 acts in offices whose holders');
    const person = [...vault].find(([, { value }]) => value === governor)![0];
    const without = new Map([...vault].filter(([commitment]) => commitment !== person));
    expect(await checked({ open: async () => without })).toMatchObject({ code: 0 });
  });

  it.each<[string, (dir: string) => void]>([
    [
      'another text',
      changed((all) => (Object.values(all)[0]!['note'] = [Object.values(all)[0]!['note']![0], 'دیگری'])),
    ],
    ['a text for what is not sealed', changed((all) => (Object.values(all)[0]!['obligation'] = ['AAAA', 'o2']))],
    ['what is no opening', changed((all) => (Object.values(all)[0]!['note'] = null as never))],
  ])('is found out when it shows %s', async (_, change) => {
    const report = await checked({}, change);
    expect(report).toMatchObject({ code: 16, findings: [{ code: 'opening-false' }] });
  });

  it.each(['[]', 'null', '{"0":null,"x":[1],"__proto__":{"a":1}}', '"x"'])(
    'is no trap with openings like %s',
    async (text) => {
      const report = await checked({}, (dir) => writeFileSync(openings(dir), text));
      expect(report.stages).toBe(10);
    },
  );

  it('shows an agency what was said of its own obligations, and not of others', async () => {
    const shown = async (id: string) =>
      (await checked({ reader: 'agency', scope: { kind: 'agency', id } })).notes.join();
    expect(await shown('gas')).toContain('2 sealed texts disclosed; 1 closed');
    expect(await shown('bank')).toContain('2 sealed texts disclosed; 1 closed');
    expect(await shown('power')).toContain('1 sealed texts disclosed; 0 closed');
  });
});

describe('an opening', () => {
  const salt = Buffer.alloc(16, 7);
  it('has a salt of sixteen bytes and a text, and opens its own commitment only', () => {
    const commitment = base64(commitmentOf(salt, 'الف'));
    expect(opensTo(commitment, [base64(salt), 'الف'])).toBe(true);
    for (const bad of [
      [base64(salt), 'ب'],
      [base64(salt.subarray(1)), 'الف'],
      ['!', 'الف'],
      ['', ''],
      [base64(salt)],
      null,
      'x',
      [1, 2],
    ]) {
      // prettier-ignore
      expect(opensTo(commitment, bad)).toBe(false);
    }
    const leaf = { data: { note: { $sealed: commitment } } } as Leaf;
    expect(openLeaf(leaf).leaf.data).toEqual({ note: ERASED });
  });
});
