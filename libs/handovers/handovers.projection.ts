import { IsIn, IsOptional } from 'class-validator';
import {
  documentsProjection,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  textColumn,
  type Documents,
  type Instant,
  type Query,
} from '#kernel';
import { PARTIES, type DrawHandoverData, type SignHandoverData } from './handover.commands.js';

interface Handover extends DrawHandoverData {
  sha256: string;
  at: Instant;
  status: 'drawn' | 'signed';
  signatures: { party: SignHandoverData['party']; by: string; at: Instant; inPlace: boolean }[];
}

const table: Documents<Handover> = {
  table: 'read_handovers',
  columns: {
    office: textColumn(`doc->>'office'`),
    status: textColumn(`doc->>'status'`),
    at: textColumn(`doc->>'at'`),
  },
  indexes: ['(office, at, id)'],
  on: {
    HandoverDrawn: (_, { data, metadata }) => ({ ...data, at: metadata.occurredAt, status: 'drawn', signatures: [] }),
    HandoverSigned(doc, { data: { party, inPlace }, metadata: { actor, occurredAt: at } }) {
      if (!doc) return undefined;
      const signatures = [...doc.signatures, { party, by: actor.id, at, inPlace }];
      return { ...doc, signatures, status: signatures.length === PARTIES.length ? 'signed' : 'drawn' };
    },
  },
};

export const handoversProjection = documentsProjection('handovers', 1, [table]);

class HandoversParams extends ListParams {
  @Id() office!: string;
  /** `drawn`: somebody has not signed yet. */
  @IsOptional() @IsIn(['drawn', 'signed']) status?: string;
}

export const handoversQuery = query({
  path: 'offices/:office/handovers',
  summary: 'What was open for an office whenever its holder changed, the latest first, and who has signed for it.',
  params: HandoversParams,
  projections: [handoversProjection.name],
  find: ({ office, status, ...params }, scoped) =>
    scoped.page<{ id: string; doc: Handover }, object>(params, {
      kind: kinds.handovers,
      where: matching({ office, status }),
      order: ['at', 'id'],
      descending: true,
      item: ({ id, doc }) => ({ id, ...doc }),
    }),
});

export const handoversQueries: readonly Query[] = [handoversQuery];
