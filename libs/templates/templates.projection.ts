import { IsIn, IsOptional } from 'class-validator';
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
import { CATEGORIES } from '#directory';
import type { DefineTemplateData } from './template.commands.js';

type Version = DefineTemplateData & { version: number; at: Instant; by: string };
interface TemplateDocument {
  versions: Version[];
  retired?: { at: Instant; reason: string };
}

const table: Documents<TemplateDocument> = {
  table: 'read_templates',
  columns: {
    category: textColumn(`doc->'versions'->-1->>'category'`),
    in_force: flagColumn(`doc->'retired' is null`),
  },
  indexes: ['(category, id)'],
  on: {
    TemplateDefined: (doc, { data, metadata: { occurredAt: at, actor } }) => ({
      versions: [...(doc?.versions ?? []), { ...data, at, by: actor.id }],
    }),
    TemplateRetired: (doc, { data, metadata: { occurredAt: at } }) =>
      doc && { ...doc, retired: { at, reason: data.reason } },
  },
};

export const templatesProjection = documentsProjection('templates', 1, [table]);

class TemplatesParams extends ListParams {
  @IsOptional() @IsIn(CATEGORIES) category?: string;
}
class TemplateParams {
  @Id() id!: string;
}

interface Row {
  id: string;
  doc: TemplateDocument;
  /** Those of the kind that it names. */
  agencies: { id: string; name: string }[] | null;
}

const SELECTED = sql`r.id, r.doc, (select jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name) order by a.id)
  from ${kinds.agencies} a where a.kind = r.doc->'versions'->-1->>'agencyKind') as agencies`;

/**
 * `obligation` is what goes into `AdoptResolution` as it stands, under an id of its own; where it names no agency, with
 * one of `agencies`.
 */
function item({ id, doc, agencies }: Row) {
  const { version, at, category, title, legalBasis, agency, agencyKind, action, acceptance, term, ladder } =
    doc.versions.at(-1)!;
  const obligation = { agency, action, acceptance, term, ladder };
  const choice = agencyKind === undefined ? {} : { agencyKind, agencies: agencies ?? [] };
  return { id, version, since: at, category, title, legalBasis, obligation, ...choice, retired: doc.retired };
}

const projections = [templatesProjection.name, 'directory'];

export const templatesQuery = query({
  path: 'templates',
  summary: 'Measures that are in force, by category: agency, action, acceptance, term and ladder, ready to be adopted.',
  params: TemplatesParams,
  projections,
  find: (params, scoped) =>
    scoped.page<Row, object>(params, {
      kind: kinds.templates,
      select: SELECTED,
      where: [...matching({ category: params.category }), sql`r.in_force`],
      order: ['category', 'id'],
      item,
    }),
});

export const templateQuery = query({
  path: 'templates/:id',
  summary: 'One template with every version that it had.',
  params: TemplateParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`select ${SELECTED} from ${kinds.templates} r where r.id = ${id}`);
    return row && { ...item(row), versions: row.doc.versions };
  },
});

export const templatesQueries: readonly Query[] = [templatesQuery, templateQuery];
