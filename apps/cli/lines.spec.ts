import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandIds, LineError, parseLines, readLines, type CommandLine } from './lines.js';

const good = {
  at: '2026-08-25T09:00:00+03:30',
  as: { id: 's1', role: 'secretary' },
  command: 'OpenCase',
  id: 'c-17',
  data: { title: 'گاز' },
};
const line = (change: object = {}) => JSON.stringify({ ...good, ...change });
const failure = (text: string): LineError => {
  try {
    parseLines(text, 'f.ndjson');
  } catch (error) {
    if (error instanceof LineError) return error;
    throw error;
  }
  throw new Error('was taken');
};

describe('command lines', () => {
  it('reads a line and brings its instants to UTC', () => {
    const later = { at: '2026-08-25T05:30:00.5Z', occurredAt: '2026-08-01T00:00Z', document: 'd-1', commandId: 'k' };
    expect(parseLines(`\uFEFF${line()}\r\n\n${line(later)}\n`, 'f')).toEqual([
      { ...good, line: 1, at: '2026-08-25T05:30:00.000Z' },
      { ...good, ...later, line: 3, at: '2026-08-25T05:30:00.500Z', occurredAt: '2026-08-01T00:00:00.000Z' },
    ]);
  });

  it.each([
    ['not JSON', undefined, '{"at":'],
    ['must be an object', undefined, '[]'],
    ['is not known here', 'who', line({ who: 1 })],
    ['is missing', 'at', line({ at: undefined })],
    ['must be an instant', 'at', line({ at: '2026-02-30T09:00:00Z' })],
    ['with its offset', 'at', line({ at: '2026-08-25T09:00:00' })],
    ['must be an instant', 'at', line({ at: '2026-08-25T25:00:00Z' })],
    ['must be a text', 'at', line({ at: 1 })],
    ['"clerk" is no role', 'as.role', line({ as: { id: 's1', role: 'clerk' } })],
    ['is not known here', 'as.name', line({ as: { id: 's1', role: 'secretary', name: 'x' } })],
    ['must be an object', 'as', line({ as: null })],
    ['not empty', 'command', line({ command: '' })],
    ['must be an object', 'data', line({ data: [] })],
    ['earlier than the line before', 'at', line({ at: '2026-08-25T05:29:59.999Z' })],
    ['longer than', undefined, line({ data: { x: 'x'.repeat(1024 * 1024) } })],
  ])('names file, line and field: %s, %s', (reason, field, bad) => {
    const error = failure(`${line()}\n${bad}`);
    expect(error).toMatchObject({ file: 'f.ndjson', line: 2, field });
    expect(error.message).toContain(`f.ndjson, line 2${field ? `, field "${field}"` : ''}: `);
    expect(error.reason).toContain(reason);
  });

  describe('from a file', () => {
    let folder: string;
    beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'peygir-lines-'))));
    afterAll(() => rmSync(folder, { recursive: true }));
    const read = async (content: string | Buffer, into: CommandLine[] = []) => {
      writeFileSync(join(folder, 'f.ndjson'), content);
      for await (const each of readLines(join(folder, 'f.ndjson'))) into.push(each);
      return into;
    };

    it('gives the same as from text, also where a chunk ends inside a letter', async () => {
      const text = Array.from({ length: 4_000 }, (_, n) => line({ data: { title: 'گ'.repeat(n % 97) } })).join('\n');
      expect(Buffer.byteLength(text)).toBeGreaterThan(2 * 256 * 1024);
      expect(await read(text)).toEqual(parseLines(text, 'f'));
    });

    it('yields what stands before the malformed line and nothing after it', async () => {
      const into: CommandLine[] = [];
      await expect(read(`${line()}\nx\n${line()}`, into)).rejects.toThrow(LineError);
      expect(into).toHaveLength(1);
    });

    it('refuses bytes that are not UTF-8, and names their line', async () => {
      const into: CommandLine[] = [];
      const wrong = Buffer.concat([Buffer.from(`${line()}\n`), Buffer.from([0x7b, 0xff, 0x0a])]);
      await expect(read(wrong, into)).rejects.toThrow('line 2: is not UTF-8');
      expect(into).toHaveLength(1);
    });

    it('says so when there is no such file', async () => {
      const all = async () => {
        for await (const _ of readLines(join(folder, 'none'))) throw new Error('read something');
      };
      await expect(all()).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
});

describe('ids of lines without one', () => {
  const [a, b, c] = parseLines([line(), line(), line({ id: 'c-18' })].join('\n'), 'f') as [
    CommandLine,
    CommandLine,
    CommandLine,
  ];

  it('are the same when the file is read again, and differ for equal lines', () => {
    const ids = () => [a, b, c].map(commandIds());
    expect(ids()).toEqual(ids());
    expect(new Set(ids()).size).toBe(3);
  });

  it('do not depend on where the line stands', () => {
    expect(commandIds()({ ...c, line: 99 })).toBe(commandIds()(c));
  });

  it('are kept where a line has one', () => {
    expect(commandIds()({ ...a, commandId: 'mine' })).toBe('mine');
  });
});
