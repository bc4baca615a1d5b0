import { IsIn, IsOptional } from 'class-validator';
import {
  documentsProjection,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  splitStream,
  sql,
  textColumn,
  type Documents,
  type Fragment,
  type Instant,
  type Query,
  systemClock,
} from '#kernel';
import { CalendarHistory, spokenDate, spokenNumber, type CalendarChange } from '#calendar';
import { DEFAULT_CALENDAR, proposedDay, quorumOf, type ProposedDay, type WorkingGroup } from '#directory';

const STATUSES = ['scheduled', 'open', 'signed'] as const;

interface SessionDocument {
  workingGroup: string;
  number: number;
  date: string;
  status: (typeof STATUSES)[number];
  attendance: string[];
  openedAt?: Instant;
  signedAt?: Instant;
  signedBy?: string;
  /** Adopted; they bind nobody before the minutes are signed and they are issued. */
  adopted: { ordinal: number; resolution: string; number: string; case?: string; text: string; legalBasis: string }[];
}

const sessions: Documents<SessionDocument> = {
  table: 'read_sessions',
  columns: {
    working_group: textColumn(`doc->>'workingGroup'`),
    date: textColumn(`doc->>'date'`),
    status: textColumn(`doc->>'status'`),
    opened_at: textColumn(`doc->>'openedAt'`),
  },
  indexes: ['(date, id)', '(working_group)'],
  // A session is scheduled in its group's stream and held in its own.
  idOf: ({ stream, data }) => data.session ?? splitStream(stream)[1],
  on: {
    SessionScheduled: (_, { stream, data: { number, date } }) => ({
      workingGroup: splitStream(stream)[1],
      number,
      date,
      status: 'scheduled',
      attendance: [],
      adopted: [],
    }),
    SessionRescheduled: (doc, { data }) => doc && { ...doc, date: data.date },
    SessionOpened: (doc, { data, metadata }) =>
      doc && { ...doc, status: 'open', attendance: data.attendance, openedAt: metadata.occurredAt },
    ResolutionAdopted: (doc, { data }) => {
      const { ordinal, resolution, number, case: of, text, legalBasis } = data;
      return doc && { ...doc, adopted: [...doc.adopted, { ordinal, resolution, number, case: of, text, legalBasis }] };
    },
    MinutesSigned: (doc, { metadata: { occurredAt, actor } }) =>
      doc && { ...doc, status: 'signed', signedAt: occurredAt, signedBy: actor.onBehalfOf?.id ?? actor.id },
  },
};

export const sessionsProjection = documentsProjection('sessions', 1, [sessions]);

class SessionsParams extends ListParams {
  @IsOptional() @Id() workingGroup?: string;
  @IsOptional() @IsIn(STATUSES) status?: string;
}
class IdParams {
  @Id() id!: string;
}

interface Row {
  id: string;
  doc: SessionDocument;
  agenda: { id: string; title: string; category: string; status: string }[] | null;
  resolutions: { id: string; status: string; open: number; overdue: number }[] | null;
  visits: number;
  visited: number;
  group_doc: WorkingGroup | null;
  changes: CalendarChange[] | null;
  taken: string[] | null;
}

/** What is not as it should be, and hinders nobody. */
interface Warning {
  code: 'agenda-over-capacity' | 'no-quorum' | 'closed-day';
  fa: string;
  en: string;
}

const warned = (code: Warning['code'], fa: string, en: string): Warning => ({ code, fa: spokenNumber(fa, 'fa'), en });

function warningsOf(cases: number, capacity: number, quorum: ReturnType<typeof quorumOf>, proposal?: ProposedDay) {
  const warnings: Warning[] = [];
  if (cases > capacity) {
    warnings.push(
      warned(
        'agenda-over-capacity',
        `دستور جلسه ${cases} پرونده دارد و گنجایش آن ${capacity} است.`,
        `${cases} cases stand on an agenda for ${capacity}.`,
      ),
    );
  }
  if (quorum && !quorum.met) {
    warnings.push(
      warned(
        'no-quorum',
        `جلسه بدون حد نصاب باز شد: ${quorum.present} نفر از ${quorum.needed} نفر.`,
        `It was opened without its quorum: ${quorum.present} of ${quorum.needed}.`,
      ),
    );
  }
  if (proposal) {
    warnings.push(
      warned(
        'closed-day',
        `${spokenDate(proposal.from, 'fa')} تعطیل است (${proposal.reason})؛ ${spokenDate(proposal.date, 'fa')} پیشنهاد می‌شود.`,
        `${proposal.from} is closed (${proposal.reason}); ${proposal.date} is proposed.`,
      ),
    );
  }
  return warnings;
}

const HELD: Fragment = sql`r.id, r.doc,
  (select g.doc from ${kinds.workingGroups} g where g.id = r.working_group) as group_doc,
  case when r.status = 'scheduled' then (select c.doc->'changes' from ${kinds.calendars} c where c.id = ${DEFAULT_CALENDAR}) end as changes,
  (select jsonb_agg(s.date) from ${kinds.sessionOutlines} s
    where r.status = 'scheduled' and s.status = 'scheduled' and s.working_group = r.working_group) as taken,
  (select jsonb_agg(jsonb_build_object('id', c.id, 'unit', c.unit, 'category', c.category, 'status', c.status,
      'title', c.doc->'state'->'intake'->>'title') order by c.opened_at, c.id)
     from ${kinds.cases} c where c.id in (select a.case_id from ${kinds.agendas} a where a.session = r.id)) as agenda,
  (select jsonb_agg(jsonb_build_object('id', x.id, 'status', x.status,
      'open', (select count(*) from ${kinds.obligationOutlines} o where o.resolution = x.id and o.open),
      'overdue', (select count(*) from ${kinds.obligationOutlines} o where o.resolution = x.id and o.open and o.missed_at is not null))
      order by x.issued_at, x.id)
     from ${kinds.resolutions} x where x.session = r.id) as resolutions,
  (select count(*)::int from ${kinds.visitOutlines} v where v.session = r.id) as visits,
  (select count(*)::int from ${kinds.visitOutlines} v where v.session = r.id and v.visited) as visited`;

function item({ id, doc, agenda, resolutions, visits, visited, ...known }: Row) {
  const issued = new Map(resolutions?.map((one) => [one.id, one]));
  const { group_doc: group, changes, taken } = known;
  const view = changes && new CalendarHistory('', changes).view();
  const proposal = view ? proposedDay(doc.date, new Set(taken), view, systemClock.now()) : undefined;
  const capacity = group?.capacity;
  const quorum = group && doc.status !== 'scheduled' ? quorumOf(group, doc.attendance) : undefined;
  return {
    id,
    ...doc,
    capacity,
    quorum,
    // Another day, when its own was closed; `RescheduleSession` confirms it.
    proposal,
    warnings: warningsOf(agenda?.length ?? 0, capacity ?? Infinity, quorum, proposal),
    // Until it is issued, what was adopted has no status of its own.
    adopted: doc.adopted.map((one) => ({ ...one, ...issued.get(one.resolution), id: undefined })),
    agenda: agenda ?? [],
    counts: { cases: agenda?.length ?? 0, resolutions: doc.adopted.length, visits, visited },
  };
}

const projections = [sessionsProjection.name, 'cases', 'resolutions', 'visits', 'directory'];

export const sessionsQuery = query({
  path: 'sessions',
  summary: 'Sessions, the latest first, each with its agenda, attendance, resolutions and counts.',
  params: SessionsParams,
  projections,
  find: (params, scoped) =>
    scoped.page<Row, object>(params, {
      kind: kinds.sessions,
      select: HELD,
      where: matching({ working_group: params.workingGroup, status: params.status }),
      order: ['date', 'id'],
      descending: true,
      item,
    }),
});

export const sessionQuery = query({
  path: 'sessions/:id',
  summary: 'One session.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`select ${HELD} from ${kinds.sessions} r where r.id = ${id}`);
    return row && item(row);
  },
});

/**
 * A working group in numbers. `sessions` are all that were scheduled, `held` those that were opened; the average counts
 * the agendas of those that were held. `open` and `overdue` are obligations.
 */
export const workingGroupSummaryQuery = query({
  path: 'working-groups/:id/summary',
  summary: 'A working group in numbers: sessions, average cases per session, visits, open and overdue obligations.',
  params: IdParams,
  projections,
  async find({ id }, scoped) {
    const group = await scoped.row(sql`select doc from ${kinds.workingGroups} g where g.id = ${id}`);
    if (!group) return undefined;
    const bySession = await scoped.rows(sql`
      select s.id, s.number, s.date, s.status,
        (select count(distinct a.case_id)::int from ${kinds.agendas} a where a.session = s.id) as cases,
        (select count(*)::int from ${kinds.visitOutlines} v where v.session = s.id) as visits,
        (select count(*)::int from ${kinds.visitOutlines} v where v.session = s.id and v.visited) as visited,
        count(distinct o.resolution)::int as resolutions,
        count(o.obligation)::int as obligations,
        count(*) filter (where o.open)::int as open,
        count(*) filter (where o.open and o.missed_at is not null)::int as overdue
      from ${kinds.sessionOutlines} s left join ${kinds.obligationOutlines} o on o.session = s.id
      where s.working_group = ${id} group by s.id, s.number, s.date, s.status order by s.number`);
    const sum = (key: string, rows = bySession) => rows.reduce((total, row) => total + row[key], 0);
    const held = bySession.filter(({ status }) => status !== 'scheduled');
    const { name, chair, secretary, capacity } = group.doc;
    return {
      id,
      name,
      chair,
      secretary,
      capacity,
      sessions: bySession.length,
      held: held.length,
      cases: sum('cases'),
      averageCasesPerSession: held.length === 0 ? null : sum('cases', held) / held.length,
      visits: sum('visits'),
      visited: sum('visited'),
      resolutions: sum('resolutions'),
      obligations: sum('obligations'),
      open: sum('open'),
      overdue: sum('overdue'),
      bySession,
    };
  },
});

export const sessionsQueries: readonly Query[] = [sessionsQuery, sessionQuery, workingGroupSummaryQuery];
