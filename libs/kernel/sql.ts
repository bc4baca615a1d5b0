import { Refused } from './refused.js';
import type { Actor } from './messages.js';

/**
 * SQL as values: text with its parameters beside it, so that nothing is ever pasted into a statement. A {@link Kind}
 * inside the text stands for those of its rows that the reader may see; see access.ts.
 */
export interface Fragment {
  strings: readonly string[];
  parts: readonly Part[];
}

/** A kind of thing that may be read. Queries name kinds, never tables: that is what makes the rule hard to forget. */
export interface Kind {
  /** Plural, for the sentence that refuses. */
  noun: string;
  /** Alias `t` is the table whose rows the conditions below are about. */
  from: string;
  columns: string;
  /** Which rows an agency may see, `me` being its id; `false`: the whole kind is closed to agencies (403). */
  agency: ((me: string) => Fragment) | false;
  /** The same for a production unit. */
  unit: ((me: string) => Fragment) | false;
  /** Whether it belongs to the technical side, which is all that `admin` reads. */
  technical: boolean;
}

type Part = Kind | Fragment | string | number | boolean | null | readonly string[];

export const sql = (strings: TemplateStringsArray, ...parts: Part[]): Fragment => ({ strings, parts });

/** Only for constants of the source code: column lists, order keys. */
export const raw = (text: string): Fragment => ({ strings: [text], parts: [] });

export const conjunction = (conditions: readonly Fragment[]): Fragment =>
  conditions.reduce((a, b) => sql`${a} and ${b}`, sql`true`);

const isKind = (part: Part): part is Kind => part !== null && typeof part === 'object' && 'noun' in part;
const isFragment = (part: Part): part is Fragment => part !== null && typeof part === 'object' && 'parts' in part;

/** The rows of a kind that this reader may see. @throws Refused `forbidden` when the whole kind is closed to the reader. */
export function visible(kind: Kind, reader: Actor): Fragment {
  const closed = () => Refused.forbidden(`The role ${reader.role} may not read ${kind.noun}.`);
  switch (reader.role) {
    case 'governor':
    case 'deputy':
    case 'secretary':
    case 'expert':
    case 'oversight':
      return sql`true`;
    case 'admin':
      if (!kind.technical) throw closed();
      return sql`true`;
    case 'agency':
      if (!kind.agency || !reader.agency) throw closed();
      return kind.agency(reader.agency);
    case 'unit':
      if (!kind.unit || !reader.unit) throw closed();
      return kind.unit(reader.unit);
    default:
      throw closed();
  }
}

/** How much of a kind a reader may see: everything, some rows, or nothing. */
export function reach(kind: Kind, reader: Actor): 'all' | 'some' | 'none' {
  try {
    return visible(kind, reader).strings.join('') === 'true' ? 'all' : 'some';
  } catch (error) {
    if (error instanceof Refused) return 'none';
    throw error;
  }
}

/** Text and values for the driver, every kind narrowed to what `reader` may see. */
export function compile(fragment: Fragment, reader: Actor): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const write = ({ strings, parts }: Fragment, trusted: boolean): string =>
    strings
      .map((text, index) => {
        if (!trusted && /\b(read|folded)_\w/.test(text))
          throw new Error(`A query must name a kind, not a table: ${text.trim()}`);
        if (index >= parts.length) return text;
        const part = parts[index]!;
        if (isKind(part)) {
          return `${text}(select ${part.columns} from ${part.from} where ${write(visible(part, reader), true)})`;
        }
        if (isFragment(part)) return text + write(part, trusted);
        return `${text}$${values.push(part)}`;
      })
      .join('');
  return { text: write(fragment, false), values };
}
