import { IsIn, IsOptional } from 'class-validator';
import {
  acting,
  documentsProjection,
  factOf,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  sql,
  Text,
  textColumn,
  type Documents,
  type Fragment,
  type Instant,
  type Query,
  type RecordedEvent,
} from '#kernel';
import { CATEGORIES } from '#directory';
import { caseDecider, checkedFrom, type CaseState } from './case.js';
import { CHANNELS, type RecordOutcomeCheckData } from './case.commands.js';
import { DUPLICATES, receiptQuery, type Duplicate } from './receipt.js';

const STATUSES = ['opened', 'reviewed', 'tabled', 'closed'] as const;

interface CaseDocument {
  trackingCode: string;
  openedAt: Instant;
  closedAt?: Instant;
  /** The decider's own state: what a case is, is decided in one place. */
  state: Exclude<CaseState, { status: 'none' }>;
  /** The agendas that it stood on, and when it was taken off again before the session could hear it, if it was. */
  tabled: { session: string; at: Instant; until?: Instant }[];
  /** From which working group to which: the way of a case is never rewritten. */
  transfers: { from?: string; to: string; at: Instant }[];
  /** What was found each time that the outcome was looked at. */
  checks: (RecordOutcomeCheckData & { at: Instant; by: string })[];
}

/** Whether an event takes the case off the agenda that it stands on. */
const MOVES = ['CaseTabled', 'CaseTransferred', 'CaseClosed'];

function evolve(doc: CaseDocument | undefined, event: RecordedEvent): CaseDocument | undefined {
  const { type, data } = event;
  const { occurredAt: at, actor } = event.metadata;
  const state = caseDecider.evolve(doc?.state ?? caseDecider.initial, factOf(event), event);
  if (state.status === 'none') return undefined;
  if (!doc) return { trackingCode: data.trackingCode, openedAt: at, state, tabled: [], transfers: [], checks: [] };
  const left = MOVES.includes(type) ? doc.tabled.map((one) => ({ ...one, until: one.until ?? at })) : doc.tabled;
  return {
    ...doc,
    state,
    closedAt: type === 'CaseClosed' ? at : type === 'CaseReopened' ? undefined : doc.closedAt,
    tabled: type === 'CaseTabled' ? [...left, { session: data.session, at }] : left,
    transfers:
      type === 'CaseTransferred' ? [...doc.transfers, { from: data.from, to: data.workingGroup, at }] : doc.transfers,
    checks: type === 'OutcomeChecked' ? [...doc.checks, { ...data, at, by: acting(actor).id }] : doc.checks,
  };
}

const cases: Documents<CaseDocument> = {
  table: 'read_cases',
  columns: {
    status: textColumn(`doc->'state'->>'status'`),
    unit: textColumn(`doc->'state'->'intake'->>'unit'`),
    category: textColumn(`doc->'state'->'intake'->>'category'`),
    channel: textColumn(`doc->'state'->'intake'->>'channel'`),
    cause: textColumn(`doc->'state'->'intake'->>'cause'`),
    visit: textColumn(`doc->'state'->'intake'->>'visit'`),
    working_group: textColumn(`doc->'state'->>'workingGroup'`),
    /** Of the agenda that it was put on last. */
    session: textColumn(`doc->'tabled'->-1->>'session'`),
    tracking_code: textColumn(`doc->>'trackingCode'`),
    opened_at: textColumn(`doc->>'openedAt'`),
  },
  indexes: [
    '(opened_at, id)',
    '(unit)',
    '(session)',
    '(category)',
    '(tracking_code)',
    `using gin ((doc->'tabled') jsonb_path_ops)`,
  ],
  on: Object.fromEntries(
    [
      'CaseOpened',
      'CaseReviewed',
      'CaseTabled',
      'CaseTransferred',
      'ResolutionLinked',
      'ResolutionEnded',
      'OutcomeConfirmed',
      'OutcomeObjected',
      'CaseClosed',
      'CaseReopened',
      'OutcomeChecked',
    ].map((type) => [type, evolve]),
  ),
};

export const casesProjection = documentsProjection('cases', 3, [cases]);

class CasesParams extends ListParams {
  @IsOptional() @Id() unit?: string;
  @IsOptional() @IsIn(STATUSES) status?: string;
  @IsOptional() @IsIn(CATEGORIES) category?: string;
  @IsOptional() @IsIn(CHANNELS) channel?: string;
  @IsOptional() @Text(200) cause?: string;
  /** Of the unit: `knowledge-based`, `brand-revival`, … */
  @IsOptional() @Id() class?: string;
  @IsOptional() @Id() workingGroup?: string;
  /** The session whose agenda it was put on last. */
  @IsOptional() @Id() session?: string;
  @IsOptional() @Id() visit?: string;
  @IsOptional() @Id() trackingCode?: string;
}
class CaseParams {
  @Id() id!: string;
}

interface Row {
  id: string;
  doc: CaseDocument;
  unit_name: string | null;
  meeting: { number: number; date: string } | null;
  resolutions: { id: string }[] | null;
  duplicates: Duplicate[] | null;
}

/** A case with what it is linked to; of its resolutions those that the reader may see, with whose turn it is. */
const LINKED: Fragment = sql`r.id, r.doc,
  (select u.name from ${kinds.unitNames} u where u.id = r.unit) as unit_name,
  (select jsonb_build_object('number', s.number, 'date', s.date) from ${kinds.sessionOutlines} s where s.id = r.session) as meeting,
  (select jsonb_agg(jsonb_build_object('id', x.id, 'number', x.doc->>'number', 'status', x.status, 'obligations',
      (select jsonb_agg(jsonb_build_object('obligation', o.obligation, 'agency', o.agency, 'status', o.status) order by o.ordinal)
         from ${kinds.obligationOutlines} o where o.resolution = x.id)) order by x.issued_at, x.id)
     from ${kinds.resolutions} x where x.case_id = r.id) as resolutions,
  ${DUPLICATES} as duplicates`;

function item({ id, doc, unit_name: unitName, meeting, resolutions, duplicates }: Row) {
  const { state, trackingCode, openedAt, closedAt, tabled, transfers, checks } = doc;
  const { intake, status, workingGroup, answer } = state;
  const session = tabled.at(-1)?.session;
  return {
    id,
    trackingCode,
    ...intake,
    unitName,
    status,
    openedAt,
    closedAt,
    workingGroup,
    session: session && { id: session, ...meeting },
    tabled,
    transfers,
    review: 'review' in state ? state.review : undefined,
    resolutions: resolutions ?? [],
    duplicates: duplicates ?? [],
    answer,
    outcome: state.status === 'closed' ? state.outcome : undefined,
    solved: state.status === 'closed' ? state.solved !== false : undefined,
    checks,
    /** From which day the outcome can be checked, and whether that is still owed; undefined while it is not closed. */
    check:
      state.status === 'closed'
        ? { from: checkedFrom(state.closedAt), owed: state.solved !== false && !state.check }
        : undefined,
  };
}

const projections = [casesProjection.name, 'sessions', 'resolutions', 'directory'];

export const casesQuery = query({
  path: 'cases',
  summary: 'Cases, the latest first, each with its visit, session, resolutions and their obligations’ statuses.',
  params: CasesParams,
  projections,
  find(params, scoped) {
    const { unit, status, category, channel, cause, session, visit, class: of } = params;
    const { workingGroup: working_group, trackingCode: tracking_code } = params;
    const where = matching({ unit, status, category, channel, cause, working_group, session, visit, tracking_code });
    if (of !== undefined) {
      where.push(
        sql`r.unit in (select u.id from ${kinds.units} u where u.doc->'classes' @> jsonb_build_array(${of}::text))`,
      );
    }
    return scoped.page<Row, object>(params, {
      kind: kinds.cases,
      select: LINKED,
      where,
      order: ['opened_at', 'id'],
      descending: true,
      item,
    });
  },
});

export const caseQuery = query({
  path: 'cases/:id',
  summary: 'One case.',
  params: CaseParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`select ${LINKED} from ${kinds.cases} r where r.id = ${id}`);
    return row && item(row);
  },
});

export const casesQueries: readonly Query[] = [casesQuery, caseQuery, receiptQuery];
