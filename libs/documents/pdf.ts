import PDFDocument from 'pdfkit';
import { spokenNumber } from '#calendar';
import type { Block, PrintedDocument } from './document.js';
import { faceOf, type Weight } from './font.js';
import { linesOf, type Run } from './lines.js';

/** Lengths in points (1/72 inch); a page of A4. */
const PAGE = { width: 595.28, height: 841.89, margin: 56, foot: 34 };
const LEFT = PAGE.margin;
const RIGHT = PAGE.width - PAGE.margin;
const BOTTOM = PAGE.height - PAGE.margin - PAGE.foot;
const LEADING = 1.75;
const CELL_PADDING = 4;
const INK = '#1a1a1a';
const RULE = '#9a9a9a';
const SHADE = '#eeeeee';

interface Style {
  font: Weight;
  size: number;
}
const STYLES = {
  title: { font: 'bold', size: 15 },
  heading: { font: 'bold', size: 11.5 },
  text: { font: 'regular', size: 10.5 },
  label: { font: 'bold', size: 10.5 },
  head: { font: 'bold', size: 9 },
  cell: { font: 'regular', size: 9 },
  foot: { font: 'regular', size: 8 },
} satisfies Record<string, Style>;

/**
 * The document as a PDF of A4 pages, right to left. It is a function of the document alone: no clock, no randomness, so
 * one document gives the same bytes wherever it is made.
 */
export async function pdfOf(document: PrintedDocument): Promise<Buffer> {
  const sheet = new Sheet(document);
  sheet.title(document);
  for (const block of document.blocks) {
    sheet.block(block);
    // Forty resolutions take their time; others want to be answered meanwhile.
    await new Promise(setImmediate);
  }
  return sheet.finished();
}

class Sheet {
  private readonly pdf: PDFKit.PDFDocument;
  private y = PAGE.margin;

  constructor(private readonly document: PrintedDocument) {
    const { title, number, standsFor } = document;
    const at = new Date(standsFor.at);
    this.pdf = new PDFDocument({
      size: [PAGE.width, PAGE.height],
      // Nothing flows by itself: every line is put where it belongs.
      margin: 0,
      bufferPages: true,
      lang: 'fa-IR',
      displayTitle: true,
      info: { Title: `${title} ${number}`, Producer: 'peygir', Creator: 'peygir', CreationDate: at, ModDate: at },
    });
  }

  title({ title, number }: PrintedDocument): void {
    this.paragraph('بسمه تعالی', STYLES.foot, 'center');
    this.paragraph(title, STYLES.title, 'center');
    this.paragraph(`شماره: ${number}`, STYLES.label, 'center');
    this.y += 6;
    this.rule(this.y);
    this.y += 8;
  }

  block(block: Block): void {
    if ('heading' in block) {
      this.y += 8;
      // A heading does not stand alone at the foot of a page.
      this.need(heightOf(STYLES.heading) + 2 * heightOf(STYLES.text));
      this.paragraph(block.heading, STYLES.heading);
    } else if ('text' in block) {
      this.paragraph(block.text, STYLES.text);
    } else if ('lines' in block) {
      for (const line of block.lines) this.paragraph(line, STYLES.text);
    } else if ('facts' in block) {
      for (const [label, value] of block.facts) this.fact(`${label}:`, value);
    } else {
      this.table(block.table);
    }
  }

  async finished(): Promise<Buffer> {
    const { start, count } = this.pdf.bufferedPageRange();
    const { title, number, standsFor } = this.document;
    for (let page = start; page < start + count; page++) {
      this.pdf.switchToPage(page);
      const y = PAGE.height - PAGE.margin - heightOf(STYLES.foot);
      this.rule(y - 4);
      const numbered = spokenNumber(`صفحه ${page + 1} از ${count}`, 'fa');
      const position = spokenNumber(`تا رویداد ${standsFor.position} دفتر رویدادها`, 'fa');
      const [name, middling, last] = [`${title}، شماره ${number}`, numbered, position].map(
        (text) => cut(text, STYLES.foot, 200)[0]!,
      );
      this.line(name!, STYLES.foot, RIGHT, y);
      this.line(middling!, STYLES.foot, middle(middling!, STYLES.foot), y);
      this.line(last!, STYLES.foot, LEFT + widthOf(last!, STYLES.foot), y);
    }
    const chunks: Buffer[] = [];
    for await (const chunk of (this.pdf.end(), this.pdf)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  private paragraph(text: string, style: Style, align: 'right' | 'center' = 'right'): void {
    for (const runs of cut(text, style)) {
      this.need(heightOf(style));
      this.line(runs, style, align === 'center' ? middle(runs, style) : RIGHT, this.y);
      this.y += heightOf(style);
    }
  }

  private fact(label: string, value: string): void {
    const name = cut(label, STYLES.label)[0]!;
    const wide = widthOf(name, STYLES.label) + STYLES.label.size / 2;
    this.need(heightOf(STYLES.text));
    this.line(name, STYLES.label, RIGHT, this.y);
    for (const runs of cut(value, STYLES.text, RIGHT - LEFT - wide)) {
      this.need(heightOf(STYLES.text));
      this.line(runs, STYLES.text, RIGHT - wide, this.y);
      this.y += heightOf(STYLES.text);
    }
  }

  /** The first column stands on the right. A row that is higher than a page goes on on the next one. */
  private table({ columns, shares, rows }: Extract<Block, { table: unknown }>['table']): void {
    const total = shares.reduce((a, b) => a + b, 0);
    const cells = shares.map((share) => ((RIGHT - LEFT) * share) / total);
    const rights = cells.map((_, index) => RIGHT - cells.slice(0, index).reduce((a, b) => a + b, 0));
    const cutAll = (texts: readonly string[], style: Style) =>
      texts.map((text, index) => cut(text, style, cells[index]! - 2 * CELL_PADDING));
    const row = (lines: Run[][][], style: Style, count: number) => {
      const height = count * heightOf(style) + 2 * CELL_PADDING;
      cells.forEach((wide, index) => {
        const right = rights[index]!;
        const box = this.pdf.lineWidth(0.5).rect(right - wide, this.y, wide, height);
        if (style === STYLES.head) box.fillAndStroke(SHADE, RULE);
        else box.stroke(RULE);
        lines[index]!.slice(0, count).forEach((runs, n) =>
          this.line(runs, style, right - CELL_PADDING, this.y + CELL_PADDING + n * heightOf(style)),
        );
      });
      this.y += height;
    };
    const head = cutAll(columns, STYLES.head);
    const top = () => row(head, STYLES.head, Math.max(...head.map(({ length }) => length)));
    this.y += 4;
    this.need(4 * heightOf(STYLES.cell) + 4 * CELL_PADDING);
    top();
    for (const texts of rows) {
      let lines = cutAll(texts, STYLES.cell);
      for (;;) {
        const left = Math.max(...lines.map(({ length }) => length));
        const fits = Math.floor((BOTTOM - this.y - 2 * CELL_PADDING) / heightOf(STYLES.cell));
        if (left <= fits) {
          row(lines, STYLES.cell, left);
          break;
        }
        // Only what no page could hold is torn; the rest is kept in one piece.
        const torn = left > MOST_LINES && fits > 2;
        if (torn) {
          row(lines, STYLES.cell, fits);
          lines = lines.map((cell) => cell.slice(fits));
        }
        this.turn();
        top();
      }
    }
    this.y += 6;
  }

  private need(height: number): void {
    if (this.y + height > BOTTOM) this.turn();
  }

  private turn(): void {
    this.pdf.addPage();
    this.y = PAGE.margin;
  }

  private rule(y: number): void {
    this.pdf.lineWidth(0.5).moveTo(LEFT, y).lineTo(RIGHT, y).stroke(RULE);
  }

  /** Draws a line that ends at `right`. */
  private line(runs: readonly Run[], { font, size }: Style, right: number, y: number): void {
    this.pdf.fillColor(INK).fontSize(size);
    let x = right - widthOf(runs, { font, size });
    for (const run of runs) {
      const face = faceOf(font, run);
      // pdfkit hands to the font as features what it is given as features.
      this.pdf
        .font(face as never, face.postscriptName)
        .text(run.text, x, y, { lineBreak: false, features: run.direction as never });
      x += face.widthOf(run, size);
    }
  }
}

const heightOf = ({ size }: Style): number => size * LEADING;
/** Lines of a row that fit on a page of their own, below the head of the table. */
const MOST_LINES = Math.floor((BOTTOM - PAGE.margin) / heightOf(STYLES.cell)) - 4;

const cut = (text: string, { font, size }: Style, width = RIGHT - LEFT): Run[][] =>
  linesOf(text, width, (run) => faceOf(font, run).widthOf(run, size));

const widthOf = (runs: readonly Run[], { font, size }: Style): number =>
  runs.reduce((sum, run) => sum + faceOf(font, run).widthOf(run, size), 0);

/** Where a line ends that stands in the middle. */
const middle = (runs: readonly Run[], style: Style): number => (LEFT + RIGHT + widthOf(runs, style)) / 2;
