import fc from 'fast-check';
import { textOf } from '#test/kit/pdf';
import type { Block, PrintedDocument } from './document.js';
import { linesOf, type Run } from './lines.js';
import { pdfOf } from './pdf.js';

const paper = (...blocks: Block[]): PrintedDocument => ({
  title: 'صورتجلسه',
  number: '۹',
  standsFor: { position: '12', at: '2026-08-25T05:30:00.000Z' },
  blocks,
});
/** Every character is ten wide. */
const cut = (text: string, characters = 1_000) => linesOf(text, characters * 10, (run) => run.text.length * 10);
const seen = (runs: readonly Run[]) => runs.map(({ text, direction }) => [text, direction]);

describe('a line from right to left', () => {
  it('has its words on the right, and numbers and Latin where they are read, each in its own direction', () => {
    expect(seen(cut('نامه ۱۴۰۵/۱۲۳ به facilitation-9 رسید')[0]!)).toEqual([
      [' رسید', 'rtl'],
      ['facilitation-9', 'ltr'],
      [' به ', 'rtl'],
      ['۱۴۰۵/۱۲۳', 'ltr'],
      ['نامه ', 'rtl'],
    ]);
  });

  it('looks as it was written: nothing in it can turn it around', () => {
    expect(seen(cut('مبلغ \u202e۱۲۳\u202c ریال')[0]!)).toEqual([
      ['  ریال', 'rtl'],
      ['۱۲۳', 'ltr'],
      ['مبلغ  ', 'rtl'],
    ]);
  });

  it('breaks at spaces; a word that is wider than the line is cut; a line feed always breaks', () => {
    const texts = (text: string, width: number) => cut(text, width).map((runs) => runs.map((run) => run.text).join(''));
    expect(texts('گاز واحد وصل شد', 8)).toEqual(['گاز واحد', 'وصل شد']);
    expect(texts(`گاز ${'a'.repeat(10)} شد`, 4)).toEqual(['گاز', 'aaaa', 'aaaa', 'aa', 'شد'].map((line) => line));
    expect(texts('یک\n\nدو', 8)).toEqual(['یک', '', 'دو']);
  });

  it('loses no character and is never wider than it may be', () => {
    const words = fc.array(
      fc.constantFrom('گاز', 'وصل‌شده', '(شعبه', '۲)', '۱۲/۳', 'HTTP/1.1', 'لازم‌الاجراست،', '«x»', 'a'.repeat(30)),
    );
    fc.assert(
      fc.property(words, fc.integer({ min: 8, max: 40 }), (said, width) => {
        const lines = cut(said.join(' '), width);
        const letters = (text: string) => [...text.replaceAll(/\s/g, '')].sort().join('');
        expect(letters(lines.flatMap((runs) => runs.map((run) => run.text)).join(''))).toBe(letters(said.join('')));
        for (const runs of lines)
          expect(runs.reduce((sum, run) => sum + run.text.length, 0)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('a PDF', () => {
  it('can be searched: ligatures, half-spaces and brackets are found as they were written', async () => {
    const [page] = textOf(await pdfOf(paper({ text: 'شرکت گاز (استان) «لازم الاجرا» و اعلام scan (1).pdf' })));
    for (const part of ['شرکت گاز (استان) «لازم الاجرا» و اعلام', 'scan (1).pdf', 'شماره', '۹', 'تا رویداد']) {
      expect(page).toContain(part);
    }
  });

  it('is the same to the byte for the same document, and another for another', async () => {
    const one = paper({ text: 'گاز واحد وصل شد' });
    expect((await pdfOf(one)).equals(await pdfOf(structuredClone(one)))).toBe(true);
    const first = await pdfOf(one);
    expect(first.equals(await pdfOf(paper({ text: 'گاز واحد وصل نشد' })))).toBe(false);
    // Another spelling, of which some letters are drawn alike: it must leave no trace in what is printed after it.
    const arabic = paper({ text: 'عليرضا كتابي' });
    expect(textOf(await pdfOf(arabic))[0]).toContain('عليرضا كتابي');
    expect(textOf(await pdfOf(paper({ text: 'علیرضا کتابی' })))[0]).toContain('علیرضا کتابی');
    expect((await pdfOf(one)).equals(first)).toBe(true);
  });

  it('turns pages: every row of a long table is there once, with its head on every page', async () => {
    const long = 'این ردیف از یک صفحه بلندتر است. '.repeat(250);
    const rows = [
      ...Array.from({ length: 120 }, (_, index) => [`ردیف${index}`, 'متن']),
      ['بلند', long],
      ['آخر', 'پایان'],
    ];
    const pages = textOf(await pdfOf(paper({ table: { columns: ['سرستون', 'شرح'], shares: [1, 3], rows } })));
    expect(pages.length).toBeGreaterThan(4);
    expect(pages.map((page) => page.includes('سرستون'))).toEqual(pages.map(() => true));
    const all = pages.join('\n');
    for (const word of ['بلند', 'آخر', 'پایان']) expect(all).toContain(word);
    expect(all.match(/ردیف/g)!.length).toBe(120 + 250);
    expect(pages.at(-1)).toContain('از');
  });

  it('prints what has no glyph or makes no sense as emptiness, and nothing breaks', async () => {
    const odd = [
      '',
      ' ',
      '\u0000\u0007',
      '漢字 😀',
      '\u200e\u200f\u200c',
      '\uD83D',
      'x'.repeat(700),
      '()()[]{}',
      '\n\n',
    ];
    expect((await pdfOf(paper({ lines: odd }, { facts: odd.map((text) => [text, text]) }))).subarray(0, 5).toString()).toBe('%PDF-'); // prettier-ignore
  });
});
