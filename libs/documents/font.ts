import { createRequire } from 'node:module';
// @ts-expect-error -- has no types of its own; what is used of it is declared below
import { openSync } from 'fontkit';
import { mirrorOf, type Direction, type Run } from './lines.js';

interface Glyph {
  id: number;
  advanceWidth: number;
  codePoints: number[];
}
/** In units of the font. */
interface Position {
  xAdvance: number;
  yAdvance: number;
  xOffset: number;
  yOffset: number;
}
interface Shaped {
  glyphs: Glyph[];
  positions: Position[];
}
/** What is used of fontkit's own font; pdfkit embeds whatever looks like one. */
interface Font {
  unitsPerEm: number;
  postscriptName: string;
  /** Glyphs by id, each with the letters it was first used for. */
  _glyphs: object;
  layout(text: string, script: string, language: undefined, direction: string): Shaped;
}

export type Weight = 'regular' | 'bold';

/** A font that shapes in the direction it is told. */
export interface Face {
  postscriptName: string;
  /** What pdfkit calls. */
  layout(text: string, direction: Direction): Shaped & { advanceWidth: number };
  /** In points. */
  widthOf(run: Run, size: number): number;
}

const FILES: Record<Weight, string> = { regular: 'Vazirmatn-Regular.ttf', bold: 'Vazirmatn-Bold.ttf' };
/** Official texts repeat their words, and shaping takes nearly all the time that a document takes. */
const WORDS_KEPT = 20_000;

const faces = new Map<string, Face>();

/**
 * A PDF keeps the text of each glyph once for each font, and readers turn around what runs from right to left. So
 * - the letters of a ligature are noted backwards, or «لازم» would be found as «الزم»;
 * - a bracket that opens to the left is drawn as its mirror image and noted as itself. Brackets within Latin text, where
 *   left is left, come from a font of their own.
 */
export function faceOf(weight: Weight, { text, direction }: Run): Face {
  const latin = direction === 'ltr' && [...text].some((character) => mirrorOf(character));
  const key = latin ? `${weight}-latin` : weight;
  let face = faces.get(key);
  if (!face) faces.set(key, (face = openFace(FILES[weight], latin ? '-Latin' : '')));
  return face;
}

function openFace(file: string, suffix: string): Face {
  const font: Font = openSync(createRequire(import.meta.url).resolve(`vazirmatn/fonts/ttf/${file}`));
  const words = new Map<string, Shaped>();
  const shape = (text: string, direction: Direction): Shaped => {
    const key = `${direction} ${text}`;
    let word = words.get(key);
    if (!word) {
      if (words.size > WORDS_KEPT) words.clear();
      // One glyph stands for several letters (ی and ي). What a word says must not depend on the words before it.
      font._glyphs = {};
      const { glyphs, positions } =
        direction === 'ltr'
          ? font.layout(text, 'latn', undefined, direction)
          : font.layout([...text].map(mirrored).join(''), 'arab', undefined, direction);
      const noted = (codes: number[]) => (direction === 'ltr' ? codes : codes.map(mirroredCode).reverse());
      word = {
        glyphs: glyphs.map(({ id, advanceWidth, codePoints }) => ({ id, advanceWidth, codePoints: noted(codePoints) })),
        positions,
      };
      words.set(key, word);
    }
    return word;
  };
  // Letters join within words only, so a line is shaped word by word.
  const shapeAll = ({ text, direction }: Run): Shaped & { advanceWidth: number } => {
    const all = (text.match(/\S+\s*|\s+/g) ?? []).map((word) => shape(word, direction));
    if (direction === 'rtl') all.reverse();
    const positions = all.flatMap((word) => word.positions.map((one) => ({ ...one })));
    const advanceWidth = positions.reduce((sum, { xAdvance }) => sum + xAdvance, 0);
    return { glyphs: all.flatMap((word) => word.glyphs), positions, advanceWidth };
  };
  return Object.create(font, {
    // pdfkit takes two fonts of one name for one.
    postscriptName: { value: font.postscriptName + suffix },
    layout: { value: (text: string, direction: Direction) => shapeAll({ text, direction }) },
    widthOf: { value: (run: Run, size: number) => (shapeAll(run).advanceWidth * size) / font.unitsPerEm },
  }) as Face;
}

const mirrored = (character: string): string => mirrorOf(character) ?? character;
const mirroredCode = (code: number): number => mirrored(String.fromCodePoint(code)).codePointAt(0)!;
