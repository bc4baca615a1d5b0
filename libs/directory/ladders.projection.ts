import {
  documentsProjection,
  kinds,
  ListParams,
  query,
  splitStream,
  type Documents,
  type Instant,
  type Query,
} from '#kernel';
import { ladderInForce, type Ladder } from './ladder.js';

/** A ladder as it was defined, when and by whom. */
export interface LadderVersion extends Ladder {
  version: number;
  /** Absent of the built-in one. */
  at?: Instant;
  by?: string;
}
export interface LadderDocument {
  /** In the order of their numbers; the last one is in force. */
  versions: LadderVersion[];
}

const builtIn = (id: string): LadderVersion[] => {
  const ladder = ladderInForce(id, undefined);
  return ladder ? [ladder] : [];
};

const ladders: Documents<LadderDocument> = {
  table: 'read_ladders',
  columns: {},
  on: {
    LadderDefined: (doc, { stream, data, metadata: { occurredAt: at, actor } }) => ({
      versions: [...(doc?.versions ?? builtIn(splitStream(stream)[1])), { ...data, at, by: actor.id }],
    }),
  },
};

export const laddersProjection = documentsProjection('ladders', 1, [ladders]);

interface Row {
  id: string;
  doc: LadderDocument;
}

export const laddersQuery = query({
  path: 'ladders',
  summary: 'Ladders with every version; the last one is in force. The built-in one is there before it is redefined.',
  params: ListParams,
  projections: [laddersProjection.name],
  async find(params, scoped) {
    const item = ({ id, doc }: Row) => ({ id, ...doc });
    const { items, ...page } = await scoped.page<Row, { id: string } & LadderDocument>(params, { kind: kinds.ladders, order: ['id'], item }); // prettier-ignore
    const first = params.cursor === undefined && !items.some(({ id }) => id === 'standard');
    return { items: first ? [{ id: 'standard', versions: builtIn('standard') }, ...items] : items, ...page };
  },
});

export const laddersQueries: readonly Query[] = [laddersQuery];
