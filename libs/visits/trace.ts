import { IsOptional } from 'class-validator';
import { conjunction, Id, kinds, query, Refused, sql } from '#kernel';
import type { VisitDocument } from './visits.projection.js';

class TraceParams {
  @IsOptional() @Id() visit?: string;
  @IsOptional() @Id() case?: string;
  @IsOptional() @Id() resolution?: string;
}

interface Row {
  id: string;
  case: { trackingCode: string; title: string; unit: string | null };
  visit_id: string | null;
  visit: VisitDocument | null;
  resolutions: { id: string }[] | null;
}

/** From what was found to what was decided and is owed for it: the same chain, whichever end one begins at. */
export const traceQuery = query({
  path: 'trace',
  summary: 'The chain visit, finding, case, resolutions, obligations, of a visit, a case or a resolution.',
  params: TraceParams,
  projections: ['visits', 'cases', 'resolutions'],
  async find({ visit, case: of, resolution }, scoped) {
    const where = [
      ...(visit === undefined ? [] : [sql`c.visit = ${visit}`]),
      ...(of === undefined ? [] : [sql`c.id = ${of}`]),
      ...(resolution === undefined
        ? []
        : [sql`c.id = (select x.case_id from ${kinds.resolutions} x where x.id = ${resolution})`]),
    ];
    if (where.length === 0) {
      const reason = 'visit, case or resolution must be given';
      throw Refused.invalid(`${reason}.`, [{ path: 'visit', reason }]);
    }
    const rows = await scoped.rows<Row>(sql`
      select c.id, c.visit as visit_id, jsonb_build_object('trackingCode', c.tracking_code, 'status', c.status,
          'openedAt', c.opened_at) || (c.doc->'state'->'intake') as case,
        (select v.doc from ${kinds.visits} v where v.id = c.visit) as visit,
        (select jsonb_agg(jsonb_build_object('id', x.id, 'number', x.doc->>'number', 'session', x.session, 'status', x.status,
            'text', x.doc->>'text', 'legalBasis', x.doc->>'legalBasis', 'obligations',
            (select jsonb_agg(jsonb_build_object('obligation', o.obligation, 'agency', o.agency,
                'action', o.doc->>'action', 'dueAt', o.due_at, 'status', o.status) order by o.ordinal)
               from ${kinds.obligations} o where o.resolution = x.id)) order by x.issued_at, x.id)
           from ${kinds.resolutions} x where x.case_id = c.id) as resolutions
      from ${kinds.cases} c where ${conjunction(where)} order by c.opened_at, c.id`);
    return { items: rows.map(item) };
  },
});

function item({ id, case: about, visit_id: visit, visit: doc, resolutions }: Row) {
  const need = doc?.needs.find((one) => one.case === id);
  const finding = need && doc?.findings.find(({ at }) => at === need.at);
  return {
    visit: doc && { id: visit, date: doc.date, session: doc.session, reason: doc.reason },
    finding: finding && { ...finding, need: { n: need.n, category: need.category, statement: need.statement } },
    case: { id, ...about },
    resolutions: resolutions ?? [],
  };
}
