import fc from 'fast-check';
import { folded, foldedWords, grams, latinDigits } from './persian.js';

describe('one word, however it was typed', () => {
  it.each([
    ['لازم‌الاجرا', 'لازمالاجرا', 'ZWNJ'],
    ['لازم الاجرا', 'لازمالاجرا', 'a space'],
    ['كارگروه تسهيل', 'کارگروه تسهیل', 'Arabic ي and ك'],
    ['موسى', 'موسی', 'alef maksura'],
    ['حمایة', 'حمایه', 'ة'],
    ['خانۀ ما', 'خانه ما', 'ه with hamza'],
    ['مصوّبات', 'مصوبات', 'diacritics'],
    ['مصـــوبه', 'مصوبه', 'kashida'],
    ['آذربایجان', 'اذربایجان', 'madda'],
    ['مسئول', 'مسیول', 'hamza on a carrier'],
    ['جلسهٔ ۱۴', 'جلسه 14', 'Persian digits'],
    ['جلسه ١٤', 'جلسه 14', 'Arabic digits'],
    ['ﻻزم', 'لازم', 'presentation forms'],
    ['\u202bگاز\u200f', 'گاز', 'direction marks'],
    ['IR-03', 'ir03', 'case and punctuation'],
  ])('%s = %s (%s)', (a, b) => expect(folded(a)).toBe(folded(b)));

  it.each([
    ['گاز', 'کاز'],
    ['برق', 'برف'],
    ['پنبه', 'بنبه'],
    ['۱۴', '۴۱'],
  ])('%s ≠ %s', (a, b) => expect(folded(a)).not.toBe(folded(b)));

  it('folded twice is folded once, and has neither spaces nor marks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(folded(folded(text))).toBe(folded(text));
        expect(folded(text)).not.toMatch(/[\s\u200c\u0640]/u);
      }),
    );
  });
});

it('digits are made Latin and nothing else', () => expect(latinDigits('۱۴۰۵/٠٦ ي‌')).toBe('1405/06 ي‌'));

it('words are what stands between spaces', () =>
  expect(foldedWords('  گاز‌رسانی  به  گاز‌رسانی ! ')).toEqual(['گازرسانی', 'به']));

it('every part of a text of two or three characters is one of its grams', () => {
  expect(grams('abcab')).toEqual(['ab', 'abc', 'bc', 'bca', 'ca', 'cab']);
  expect(grams('a')).toEqual([]);
});
