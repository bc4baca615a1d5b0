import { IsOptional, IsString, MaxLength } from 'class-validator';
import { documentsProjection, kinds, ListParams, matching, query, sql, textColumn, type Documents, type Instant, type Position, type Query } from '#kernel'; // prettier-ignore
import type { Erased, ErasureEvent } from './erasure.js';

/** Follows the log and destroys what was ordered: its checkpoint says how far. */
export const ERASER = 'erasures';

interface ErasureDocument {
  stream: string;
  fields?: string[];
  ground: string;
  document: string;
  at: Instant;
  position: Position;
  by: string;
  erased: Erased[];
}

const table: Documents<ErasureDocument> = {
  table: 'read_erasures',
  columns: { stream: textColumn(`doc->>'stream'`), at: textColumn(`doc->>'at'`) },
  indexes: ['(at, id)'],
  on: {
    DataErased(doc, { data, metadata, position }) {
      const { erased, ...order } = data as ErasureEvent['data'];
      const by = metadata.actor.id;
      return { ...order, at: metadata.occurredAt, position, by, erased: [...(doc?.erased ?? []), ...erased] };
    },
  },
};

export const erasuresProjection = documentsProjection('erasure-orders', 1, [table]);

class ErasuresParams extends ListParams {
  @IsOptional() @IsString() @MaxLength(220) stream?: string;
}

export const erasuresQueries: readonly Query[] = [
  query({
    path: 'erasures',
    summary: 'What was erased, on which ground, the latest first; `done`: it is destroyed.',
    params: ErasuresParams,
    projections: [erasuresProjection.name, ERASER],
    find: (params, scoped) =>
      scoped.page<{ id: string; doc: ErasureDocument; done: boolean | null }, object>(params, {
        kind: kinds.erasures,
        select: sql`r.id, r.doc, (select c.position::numeric >= (r.doc->>'position')::numeric from checkpoints c
          where c.name = ${ERASER}) as done`,
        where: matching({ stream: params.stream }),
        order: ['at', 'id'],
        descending: true,
        item: ({ id, doc: { position: _, ...doc }, done }) => ({ id, ...doc, done: done === true }),
      }),
  }),
];
