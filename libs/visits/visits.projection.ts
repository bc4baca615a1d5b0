import { IsOptional } from 'class-validator';
import {
  documentsProjection,
  flagColumn,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  sql,
  textColumn,
  type Documents,
  type Instant,
  type Query,
} from '#kernel';
import { traceQuery } from './trace.js';
import { visitListQuery } from './visit-list.js';
import type { NeedData, PlanVisitData } from './visit.commands.js';

export interface VisitDocument extends PlanVisitData {
  /** Each time that findings were recorded; empty while the visit is only planned. */
  findings: { at: Instant; by: string; text: string }[];
  /** Each with when it was found: that names the findings it belongs to. */
  needs: (NeedData & { n: number; case: string; at: Instant })[];
}

const visits: Documents<VisitDocument> = {
  table: 'read_visits',
  columns: {
    unit: textColumn(`doc->>'unit'`),
    session: textColumn(`doc->>'session'`),
    date: textColumn(`doc->>'date'`),
    visited: flagColumn(`doc->'findings' <> '[]'`),
  },
  indexes: ['(date, id)', '(session)', '(unit)'],
  on: {
    VisitPlanned: (_, { data }) => ({ ...data, findings: [], needs: [] }),
    VisitFindingsRecorded: (doc, { data, metadata }) =>
      doc && {
        ...doc,
        findings: [...doc.findings, { at: metadata.occurredAt, by: metadata.actor.id, text: data.findings }],
        needs: [...doc.needs, ...data.needs.map((need: object) => ({ ...need, at: metadata.occurredAt }))],
      },
  },
};

export const visitsProjection = documentsProjection('visits', 2, [visits]);

class VisitsParams extends ListParams {
  @IsOptional() @Id() unit?: string;
  @IsOptional() @Id() session?: string;
}

export const visitsQuery = query({
  path: 'visits',
  summary: 'Field visits, the latest first, each with its findings and the cases that they opened.',
  params: VisitsParams,
  projections: [visitsProjection.name, 'directory'],
  find: (params, scoped) =>
    scoped.page<{ id: string; doc: VisitDocument; visited: boolean; unit_name: string | null }, object>(params, {
      kind: kinds.visits,
      select: sql`r.id, r.doc, r.visited, (select u.name from ${kinds.unitNames} u where u.id = r.unit) as unit_name`,
      where: matching({ unit: params.unit, session: params.session }),
      order: ['date', 'id'],
      descending: true,
      item: ({ id, doc, visited, unit_name: unitName }) => ({ id, ...doc, unitName, visited }),
    }),
});

export const visitsQueries: readonly Query[] = [visitsQuery, visitListQuery, traceQuery];
