/**
 * Persian text for comparing, never for showing: what was signed is kept byte for byte (FIELD, "Persian text").
 *
 * One word is written in many ways: with or without ZWNJ or a space, with the Arabic ي and ك, with ة for ه, with vowel
 * signs, stretched by kashida, its digits in any of three sets. Folded, they are one.
 */

/** Letters that differ by the keyboard they were typed on. What decomposes (آ أ ؤ ئ ۀ) is taken apart before. */
const SAME: Readonly<Record<string, string>> = {
  ي: 'ی',
  ى: 'ی',
  ے: 'ی',
  ك: 'ک',
  ڪ: 'ک',
  ة: 'ه',
  ە: 'ه',
  ہ: 'ه',
  ۃ: 'ه',
  ٱ: 'ا',
};

/** `۱۴` and `١٤` → `14`. Nothing else is changed. */
export const latinDigits = (text: string): string =>
  text.replaceAll(/[\u06f0-\u06f9\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) & 0xf));

/** One word, or a whole text as one: letters and digits only, in one spelling. */
export function folded(text: string): string {
  const letters = text.normalize('NFKD').replaceAll(/[^\p{L}\p{N}]|\u0640|\u0621/gu, '');
  return latinDigits(letters)
    .toLowerCase()
    .replaceAll(/[يىےكڪةەہۃٱ]/g, (letter) => SAME[letter]!);
}

/** The words that somebody looks for, folded. ZWNJ is no border between words: «لازم‌الاجرا» is one. */
export const foldedWords = (text: string): string[] => [...new Set(text.split(/\s+/u).map(folded).filter(Boolean))];

/** Every run of two and of three characters of a folded text: what an index finds it by. */
export function grams(text: string): string[] {
  const characters = [...text];
  const found = new Set<string>();
  for (let at = 0; at + 2 <= characters.length; at++) {
    const pair = characters[at]! + characters[at + 1]!;
    found.add(pair);
    if (at + 3 <= characters.length) found.add(pair + characters[at + 2]!);
  }
  return [...found];
}
