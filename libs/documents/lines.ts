import bidiFactory, { type Bidi } from 'bidi-js';

// Its types speak of an ES module, and Node finds a CommonJS one.
const bidi = (bidiFactory as unknown as () => Bidi)();

/** A piece of a line that reads in one direction. */
export interface Run {
  text: string;
  direction: Direction;
}
export type Direction = 'rtl' | 'ltr';

/** The other one of a pair of brackets; undefined when it is none. */
export const mirrorOf = (character: string): string | undefined => bidi.getMirroredCharacter(character) ?? undefined;

/**
 * Characters that print as nothing or reorder what stands around them: a text must not look other than it was signed
 * (Trojan Source), so embeddings, overrides and isolates have no effect here. ZWNJ and the marks LRM and RLM stay.
 */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * A text as lines no wider than `width`, each as runs from left to right (Unicode Bidirectional Algorithm, the paragraph
 * being right to left). Lines break at spaces; a word that is wider than a line is cut. At least one line.
 */
export const linesOf = (text: string, width: number, widthOf: (run: Run) => number): Run[][] =>
  text
    .replaceAll(UNPRINTABLE, ' ')
    .split(/[\n\u2028\u2029]/)
    .flatMap((paragraph) => {
      const { levels } = bidi.getEmbeddingLevels(paragraph, 'rtl');
      const between = (from: number, to: number) => runsOf(paragraph, levels, from, to);
      const measure = (from: number, to: number) => between(from, to).reduce((sum, run) => sum + widthOf(run), 0);
      return broken(paragraph, width, measure).map(([from, to]) => between(from, to));
    });

type Span = [from: number, to: number];

/** Where lines begin and end (exclusive), without the spaces at their ends. */
function broken(text: string, width: number, measure: (from: number, to: number) => number): Span[] {
  const lines: Span[] = [];
  let line: Span | undefined;
  let used = 0;
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    for (const [from, to] of piecesOf(word, index, width, measure)) {
      // With the space before it.
      const wide = measure(line ? line[1] : from, to);
      if (line && used + wide <= width) {
        line[1] = to;
        used += wide;
      } else {
        lines.push((line = [from, to]));
        used = measure(from, to);
      }
    }
  }
  return lines.length > 0 ? lines : [[0, 0]];
}

/** A word in pieces that fit, as long as they can be: hashes, addresses. */
function piecesOf(word: string, index: number, width: number, measure: (from: number, to: number) => number): Span[] {
  // Between characters, never within one.
  let end = index;
  const ends = [...word].map((character) => (end += character.length));
  const pieces: Span[] = [];
  for (let first = 0, from = index; first < ends.length;) {
    const fits = (at: number) => measure(from, ends[at]!) <= width;
    // Shaping a very long word takes its time, so the search begins near.
    let low = first;
    let high = Math.min(first + 63, ends.length - 1);
    while (high < ends.length - 1 && fits(high)) [low, high] = [high, Math.min(2 * high - first, ends.length - 1)];
    if (fits(high)) low = high;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    pieces.push([from, ends[low]!]);
    from = ends[low]!;
    first = low + 1;
  }
  return pieces;
}

/** What stands between two places, as it is seen from left to right (rule L2 of the algorithm). */
function runsOf(text: string, levels: Uint8Array, from: number, to: number): Run[] {
  const pieces: { level: number; text: string }[] = [];
  for (let at = from, end = from; at < to; at = end) {
    while (end < to && levels[end] === levels[at]) end++;
    pieces.push({ level: levels[at]!, text: text.slice(at, end) });
  }
  for (let level = Math.max(0, ...pieces.map((piece) => piece.level)); level > 0; level--) {
    for (let first = 0; first < pieces.length; first++) {
      if (pieces[first]!.level < level) continue;
      let end = first;
      while (end < pieces.length && pieces[end]!.level >= level) end++;
      pieces.splice(first, end - first, ...pieces.slice(first, end).reverse());
      first = end;
    }
  }
  return pieces.map(({ level, ...run }) => ({ ...run, direction: level % 2 === 1 ? 'rtl' : 'ltr' }));
}
