import { IsIn, IsISO8601, IsOptional, Matches } from 'class-validator';
import { CalendarHistory, rhythmOf, type CalendarChange, type CalendarView } from '#calendar';
import { CATEGORIES, DEFAULT_CALENDAR, proposedDay } from '#directory';
import { Id, kinds, ListParams, matching, parseInstant, query, Refused, sql, systemClock, type Fragment, type Instant, type Query, type Scoped } from '#kernel'; // prettier-ignore
import type { Waiting } from '#watches';
import { dutyAlarm } from './alarms.js';
import { lettersQuery } from './letters.js';
import {
  resolutionsProjection,
  type DutyRow,
  type ObligationRow,
  type ResolutionRow,
} from './resolutions.projection.js';
import type { DutyName, Status } from './state.js';

const STATUSES: readonly Status[] = [
  'issued',
  'running',
  'suspended',
  'claimed',
  'missed',
  'met',
  'met-late',
  'revoked',
];
const projections = [resolutionsProjection.name, 'cases', 'directory'];

class ResolutionsParams extends ListParams {
  @IsOptional() @Id() session?: string;
  @IsOptional() @Id() case?: string;
  @IsOptional() @IsIn(['issued', 'communicated', 'fulfilled', 'revoked']) status?: string;
}
class NoParams {}
class IdParams {
  @Id() id!: string;
}
class ObligationsParams extends ListParams {
  @IsOptional() @Id() agency?: string;
  /** One status, or several with commas between. */
  @IsOptional()
  @Matches(new RegExp(`^(${STATUSES.join('|')})(,(${STATUSES.join('|')}))*$`), {
    message: `status must be of ${STATUSES.join(', ')}; several with commas between`,
  })
  status?: string;
  /** To whom the highest rung went: `deputy`, `governor`, `inspection`. */
  @IsOptional() @Id() escalatedTo?: string;
  /** An instant with its zone, or a date, which means its first moment in UTC. */
  @IsOptional()
  @IsISO8601({ strict: true }, { message: 'dueBefore must be an instant like 2026-09-01T10:30:00+03:30 or a date' })
  dueBefore?: string;
  @IsOptional() @Id() session?: string;
  @IsOptional() @Id() workingGroup?: string;
  /** Of the case. */
  @IsOptional() @IsIn(CATEGORIES) category?: string;
  @IsOptional() @Id() calendar?: string;
  @IsOptional() @Id() case?: string;
}
class ObligationParams {
  @Id() resolution!: string;
  @Id() obligation!: string;
}
class DutiesParams extends ListParams {
  @Id() office!: string;
}

interface Resolved {
  id: string;
  doc: ResolutionRow;
  /** Every obligation, without content. */
  outlines: { obligation: string; agency: string; status: Status }[] | null;
  /** Those whose content the reader may see. */
  owned: ObligationRow[] | null;
}

const RESOLVED: Fragment = sql`r.id, r.doc,
  (select jsonb_agg(jsonb_build_object('obligation', o.obligation, 'agency', o.agency, 'status', o.status) order by o.ordinal)
     from ${kinds.obligationOutlines} o where o.resolution = r.id) as outlines,
  (select jsonb_agg(o.doc) from ${kinds.obligations} o where o.resolution = r.id) as owned`;

function resolved({ id, doc, outlines, owned }: Resolved) {
  const mine = new Map(owned?.map((one) => [one.obligation, one]));
  return { id, ...doc, obligations: (outlines ?? []).map((one) => mine.get(one.obligation) ?? one) };
}

export const resolutionsQuery = query({
  path: 'resolutions',
  summary: 'Resolutions, the latest first, each with its obligations; those of other agencies without content.',
  params: ResolutionsParams,
  projections,
  find: (params, scoped) =>
    scoped.page<Resolved, object>(params, {
      kind: kinds.resolutions,
      select: RESOLVED,
      where: matching({ session: params.session, case_id: params.case, status: params.status }),
      order: ['issued_at', 'id'],
      descending: true,
      item: resolved,
    }),
});

export const resolutionQuery = query({
  path: 'resolutions/:id',
  summary: 'One resolution.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Resolved>(sql`select ${RESOLVED} from ${kinds.resolutions} r where r.id = ${id}`);
    return row && resolved(row);
  },
});

interface Owed {
  doc: ObligationRow;
  agency_name: string | null;
  category: string | null;
  waits_on: { obligation: string; agencyName: string | null }[] | null;
}

const OWED: Fragment = sql`r.doc,
  (select a.name from ${kinds.agencyNames} a where a.id = r.agency) as agency_name,
  (select c.category from ${kinds.cases} c where c.id = r.case_id) as category,
  case when r.doc ? 'waitsFor' then (
    select jsonb_agg(jsonb_build_object('obligation', o.obligation, 'agencyName', a.name) order by o.ordinal)
    from ${kinds.obligationOutlines} o left join ${kinds.agencyNames} a on a.id = o.agency
    where o.resolution = r.resolution and r.doc->'waitsFor' ? o.obligation) end as waits_on`;

/** `waitsOn`: whose the obligations in `waitsFor` are, for whoever may not see more of them. */
const owed = ({ doc, agency_name: agencyName, category, waits_on: waitsOn }: Owed) => ({
  ...doc,
  agencyName,
  category,
  ...(waitsOn && { waitsOn }),
});

export const obligationsQuery = query({
  path: 'obligations',
  summary: 'Obligations, the nearest due instant first; those that have none come last.',
  params: ObligationsParams,
  projections,
  find(params, scoped) {
    const { agency, status, escalatedTo, dueBefore, session, workingGroup, category, calendar } = params;
    const where = matching({
      agency,
      status: status?.split(','),
      escalated_to: escalatedTo,
      session,
      working_group: workingGroup,
      calendar,
      case_id: params.case,
    });
    if (dueBefore !== undefined) where.push(sql`r.due_at < ${instant(dueBefore)}`);
    if (category !== undefined) {
      where.push(sql`r.case_id in (select c.id from ${kinds.cases} c where c.category = ${category})`);
    }
    return scoped.page<Owed, object>(params, {
      kind: kinds.obligations,
      select: OWED,
      where,
      order: ['due_key', 'id'],
      item: owed,
    });
  },
});

export const obligationQuery = query({
  path: 'obligations/:resolution/:obligation',
  summary: 'One obligation.',
  params: ObligationParams,
  projections,
  async find({ resolution, obligation }, scoped) {
    const row = await scoped.row<Owed>(
      sql`select ${OWED} from ${kinds.obligations} r where r.id = ${`${resolution}/${obligation}`}`,
    );
    return row && owed(row);
  },
});

const NUMBERS: Fragment = sql`
  count(*) filter (where owes)::int as obligations,
  count(*) filter (where owes and status = 'met')::int as kept,
  count(*) filter (where owes and status = 'met-late')::int as late,
  count(*) filter (where owes and open)::int as open,
  count(*) filter (where owes and open and missed_at is not null)::int as overdue,
  count(*) filter (where owes and status = 'claimed')::int as claimed,
  count(*) filter (where owes and status = 'suspended')::int as suspended,
  count(*) filter (where owes and status = 'revoked')::int as revoked,
  coalesce(sum(missed), 0)::int as missed,
  coalesce(sum(refuted), 0)::int as refuted,
  coalesce(sum(extensions), 0)::int as extensions,
  coalesce(sum(disputed), 0)::int as disputed,
  coalesce(sum(escalated), 0)::int as escalated`;

/**
 * An agency in numbers. What went wrong (`missed`, `refuted`, `extensions`, `disputed`, `escalated`) counts for whoever
 * owed the obligation then, also when it was reassigned since; a miss that was taken back does not count. The rest is
 * about what it owes, or owed until it was closed.
 */
export const scorecardQuery = query({
  path: 'agencies/:id/scorecard',
  summary: 'An agency in numbers: kept, late, missed, refuted, open, overdue, extensions.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    const agency = await scoped.row(sql`select name from ${kinds.agencies} a where a.id = ${id}`);
    const numbers = await scoped.row(sql`
      select ${NUMBERS}
      from ${kinds.records} r
      where r.agency = ${id} and r.agencies @> jsonb_build_array(jsonb_build_object('agency', ${id}::text))`);
    return agency && { agency: id, name: agency.name, ...numbers };
  },
});

export const agencyScorecardsQuery = query({
  path: 'scorecards/agencies',
  summary: 'Every agency in numbers, as its scorecard has them.',
  params: NoParams,
  projections,
  async find(_, scoped) {
    const items = await scoped.rows(sql`
      select a.id as agency, a.name, n.* from ${kinds.agencies} a
      left join lateral (select ${NUMBERS} from ${kinds.records} r where r.agency = a.id
        and r.agencies @> jsonb_build_array(jsonb_build_object('agency', a.id))) n on true
      order by a.id`);
    return { items };
  },
});

/** Offices that may owe answers; owners of duties are roles. */
const OFFICES = ['governor', 'deputy', 'secretary', 'expert', 'oversight'];

/** A duty that a resolution has brought, or one of those that are waited for elsewhere (a {@link Waiting}). */
type Duties = DutyRow | Waiting;

/** `dueAt`: when it should have been done; `nextAt`: when it is missed, or its owner asked for it, the next time. */
function dutyItem(doc: Duties, view: CalendarView | undefined) {
  const { duty, since } = doc;
  if ('about' in doc) {
    // Its owner is asked, and nobody else is told: it is never missed.
    const { about, rounds: asked, told } = doc;
    return { duty, ...about, since, missed: 0, asked, told, ...(view && rhythmOf(doc, view)) };
  }
  const { resolution, obligation, term, missed } = doc;
  const due = (count: number) => view && dutyAlarm({ ...doc, missed: count }, duty as DutyName, view, obligation).at;
  return { duty, resolution, obligation, since, term, missed, dueAt: due(0), nextAt: due(missed) };
}

/** Sessions whose day was closed, each with the day that is proposed instead: the secretary confirms or chooses another. */
async function sessionsToMove(scoped: Scoped, view: CalendarView, now: Instant) {
  const scheduled = await scoped.rows<{ id: string; working_group: string; number: number; date: string }>(
    sql`select s.id, s.working_group, s.number, s.date from ${kinds.sessionOutlines} s where s.status = 'scheduled' order by s.date, s.id`,
  );
  return scheduled.flatMap(({ id, working_group: workingGroup, number, date }) => {
    const taken = scheduled.filter((other) => other.working_group === workingGroup);
    const proposal = proposedDay(date, new Set(taken.map((other) => other.date)), view, now);
    return proposal
      ? [{ duty: 'confirm-session-day', session: id, workingGroup, number, proposal, overdue: false }]
      : [];
  });
}

/** `province` names the province's calendar, on which the offices' duties are counted. */
export const dutiesQuery = (province = DEFAULT_CALENDAR) =>
  query({
    path: 'offices/:office/duties',
    summary: 'What an office owes to the process itself, the longest waiting first; what is late says so.',
    params: DutiesParams,
    projections: [resolutionsProjection.name, 'watches', 'directory', 'sessions'],
    async find({ office, ...params }, scoped) {
      if (!OFFICES.includes(office)) return undefined;
      const calendar = await scoped.row<{ changes: CalendarChange[] }>(
        sql`select doc->'changes' as changes from ${kinds.calendars} c where c.id = ${province}`,
      );
      const view = calendar && new CalendarHistory(province, calendar.changes).view();
      const now = systemClock.now();
      const page = await scoped.page<{ doc: Duties }, object>(params, {
        kind: kinds.duties,
        where: matching({ owner: office }),
        order: ['since', 'id'],
        item({ doc }) {
          const item = dutyItem(doc, view);
          return { ...item, overdue: item.dueAt !== undefined && item.dueAt < now };
        },
      });
      // They wait for nobody's clock, so they come before the others, on the first page.
      if (office !== 'secretary' || !view || params.cursor !== undefined) return page;
      return { ...page, items: [...(await sessionsToMove(scoped, view, now)), ...page.items] };
    },
  });

export const resolutionsQueries = (province = DEFAULT_CALENDAR): readonly Query[] => [
  resolutionsQuery,
  resolutionQuery,
  obligationsQuery,
  obligationQuery,
  agencyScorecardsQuery,
  scorecardQuery,
  dutiesQuery(province),
  lettersQuery,
];

/** An instant, or a date, which means its first moment in UTC. */
function instant(value: string): string {
  const found = parseInstant(value) ?? parseInstant(`${value}T00:00Z`);
  if (found) return found;
  const reason = 'must be an instant with its zone, like 2026-09-01T10:30:00+03:30, or a date';
  throw Refused.invalid(`dueBefore ${reason}.`, [{ path: 'dueBefore', reason }]);
}
