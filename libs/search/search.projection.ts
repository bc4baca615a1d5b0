import { Length, IsOptional, Matches } from 'class-validator';
import {
  documentsProjection,
  folded,
  foldedWords,
  grams,
  kinds,
  query,
  Refused,
  splitStream,
  sql,
  textColumn,
  type Documents,
  type Instant,
  type Query,
  type RecordedEvent,
} from '#kernel';

/**
 * What can be looked for: units, cases, resolutions. Beside the text as it was signed stands a folded copy and every run
 * of two and three of its characters, which an ordinary index of PostgreSQL finds: no extension, no language, and a part
 * of a word is found as well as its beginning, as joined Persian spelling needs it.
 */
interface SearchDocument {
  kind: 'unit' | 'case' | 'resolution';
  ref: string;
  title: string;
  text: string;
  at: Instant;
  /** Ids and numbers: who gives one of them means this and nothing else. */
  exact: string[];
  folded: string;
  grams: string[];
}

type Found = Pick<SearchDocument, 'title' | 'text' | 'exact'> & { more?: (string | undefined)[] };

function made({ stream, metadata }: RecordedEvent, { title, text, exact, more = [] }: Found): SearchDocument {
  const [kind, ref] = splitStream(stream);
  // Parts are folded one by one and set apart, so that no word is found across the border of two.
  const parts = [ref, title, text, ...exact, ...more].map((part) => folded(part ?? ''));
  return {
    kind: kind as SearchDocument['kind'],
    ref,
    title,
    text,
    at: metadata.occurredAt,
    exact: [...new Set([ref, ...exact].map(folded))],
    folded: parts.join(' '),
    grams: [...new Set(parts.flatMap(grams))],
  };
}

const table: Documents<SearchDocument> = {
  table: 'read_search',
  columns: {
    kind: textColumn(`doc->>'kind'`),
    ref: textColumn(`doc->>'ref'`),
    folded: textColumn(`doc->>'folded'`),
    at: textColumn(`doc->>'at'`),
  },
  indexes: [`using gin ((doc->'grams'))`],
  idOf: ({ stream }) => stream,
  on: {
    UnitRegistered: (_, event) => {
      const { name, legalId, sector, classes } = event.data;
      return made(event, { title: name, text: sector, exact: legalId ? [legalId] : [], more: classes });
    },
    CaseOpened: (_, event) => {
      const { title, statement, trackingCode, cause } = event.data;
      return made(event, { title, text: statement, exact: [trackingCode], more: [cause] });
    },
    ResolutionIssued: (_, event) => {
      const { number, text, legalBasis } = event.data;
      return made(event, { title: number, text, exact: [number], more: [legalBasis] });
    },
    ResolutionCommunicated: (doc, event) => {
      if (!doc) return undefined;
      const letter = folded(event.data.letterNumber);
      return {
        ...doc,
        exact: [...new Set([...doc.exact, letter])],
        folded: `${doc.folded} ${letter}`,
        grams: [...new Set([...doc.grams, ...grams(letter)])],
      };
    },
  },
};

export const searchProjection = documentsProjection('search', 1, [table]);

const MAX_WORDS = 10;
const EXCERPT_CHARACTERS = 200;

class SearchParams {
  /** Words, all of which must be there; parts of words will do. */
  @Length(2, 200) q!: string;
  @IsOptional()
  @Matches(/^(unit|case|resolution)$/, { message: 'kind must be unit, case or resolution' })
  kind?: string;
  /** 1 to 100; 20 when not given. */
  @IsOptional()
  @Matches(/^([1-9]\d?|100)$/, { message: 'limit must be a whole number from 1 to 100' })
  limit?: string;
}

interface Row {
  doc: SearchDocument;
}

export const searchQuery = query({
  path: 'search',
  summary: 'Units, cases and resolutions by what is written in them, however it is spelled; the best first.',
  params: SearchParams,
  projections: [searchProjection.name, 'cases', 'resolutions', 'directory'],
  async find({ q, kind, limit = '20' }, scoped) {
    const words = foldedWords(q);
    const parts = [...new Set(words.flatMap((word) => keysOf(word)))];
    if (parts.length === 0 || words.length > MAX_WORDS) {
      const reason = `must have a word of at least two letters or digits, and at most ${MAX_WORDS} words`;
      throw Refused.invalid(`q ${reason}.`, [{ path: 'q', reason }]);
    }
    const whole = folded(q);
    // The index finds candidates by their grams; whether the words are really there is looked up in those.
    const rows = await scoped.rows<Row>(sql`
      select r.doc from ${kinds.searchTexts} r
      where r.doc->'grams' ?& ${parts} and (${kind ?? null}::text is null or r.kind = ${kind ?? null})
        and not exists (select from unnest(${words}::text[]) as word where strpos(r.folded, word) = 0)
      order by (r.doc->'exact' ? ${whole}) desc, r.at desc, r.id limit ${Number(limit)}`);
    return { items: rows.map(({ doc }) => item(doc)) };
  },
});

/** Of a word of three characters or more the runs of three are enough. */
const keysOf = (word: string): string[] => {
  const all = grams(word);
  const long = all.filter((gram) => [...gram].length === 3);
  return long.length > 0 ? long : all;
};

function item({ kind, ref: id, title, text, at }: SearchDocument) {
  const characters = [...text];
  const cut = characters.length > EXCERPT_CHARACTERS;
  return { kind, id, title, excerpt: cut ? `${characters.slice(0, EXCERPT_CHARACTERS).join('')}…` : text, at };
}

export const searchQueries: readonly Query[] = [searchQuery];
