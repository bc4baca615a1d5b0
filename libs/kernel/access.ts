import { sql, type Fragment, type Kind } from './sql.js';

/**
 * Who may read what (CONTRACT section 7), on one page. governor, deputy, secretary, expert and oversight read the
 * province; for everybody else each kind says which of its rows are theirs. Whoever reads (lists, items, live events,
 * evidence, exports) goes through these kinds. The names of the read models' tables and columns used here are fixed by
 * the `*.projection.ts` of the features.
 */
const caseOfUnit = (me: string): Fragment => sql`t.case_id in (select id from read_cases where unit = ${me})`;
const concernsAgency = (me: string): Fragment =>
  sql`exists (select from read_obligations own where own.resolution = t.resolution and own.agency = ${me})`;
const everyone = (): Fragment => sql`true`;

const caseOfAgency = (me: string): Fragment =>
  sql`exists (select from read_obligations own where own.case_id = t.id and own.agency = ${me})`;
const unitOfAgency = (me: string): Fragment =>
  sql`exists (select from read_cases c join read_obligations own on own.case_id = c.id where c.unit = t.id and own.agency = ${me})`;

export const cases: Kind = {
  noun: 'cases',
  from: 'read_cases t',
  columns: 't.*',
  agency: caseOfAgency,
  unit: (me) => sql`t.unit = ${me}`,
  technical: false,
};

/** Which case stood on which session's agenda; ids only. A case that was moved before the session opened was not on it. */
export const agendas: Kind = {
  noun: 'agendas',
  // By the containment the index on agendas is used; the rest looks at the entries themselves.
  from: `read_sessions s
    join read_cases t on t.doc->'tabled' @> jsonb_build_array(jsonb_build_object('session', s.id))
    join lateral jsonb_to_recordset(t.doc->'tabled') as a(session text, until text)
      on a.session = s.id and (a.until is null or a.until > s.opened_at)`,
  columns: 't.id as case_id, s.id as session, s.working_group, s.opened_at',
  agency: false,
  unit: false,
  technical: true,
};

export const sessions: Kind = {
  noun: 'sessions',
  from: 'read_sessions t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: false,
};

/** Number and date of a session: what stands on every letter that cites it. */
export const sessionOutlines: Kind = {
  noun: 'sessions',
  from: 'read_sessions t',
  columns: "t.id, t.working_group, (t.doc->>'number')::int as number, t.date, t.status, t.opened_at",
  agency: everyone,
  unit: everyone,
  technical: true,
};

export const resolutions: Kind = {
  noun: 'resolutions',
  from: '(select id as resolution, * from read_resolutions) t',
  columns: 't.*',
  agency: concernsAgency,
  unit: caseOfUnit,
  technical: false,
};

export const obligations: Kind = {
  noun: 'obligations',
  from: 'read_obligations t',
  columns: 't.*',
  agency: (me) => sql`t.agency = ${me}`,
  unit: caseOfUnit,
  technical: false,
};

/** An obligation without its content: whose it is and where it stands. An agency sees its neighbours' so. */
export const obligationOutlines: Kind = {
  noun: 'obligations',
  from: 'read_obligations t',
  columns:
    't.resolution, t.obligation, t.ordinal, t.agency, t.status, t.open, t.missed_at, t.session, t.working_group, t.case_id',
  agency: concernsAgency,
  unit: caseOfUnit,
  technical: true,
};

/** What counts for an agency's record: numbers of every obligation that it owes or once owed. */
export const records: Kind = {
  noun: 'scorecards',
  from: `read_obligations t cross join lateral jsonb_to_recordset(t.doc->'record') as r(agency text, missed int,
    refuted int, extensions int, disputed int, escalated int)`,
  // `agencies` is for the index: `agencies @> '[{"agency": "gas"}]'` finds the rows before they are spread out.
  columns: `r.*, t.doc->'record' as agencies, t.resolution, t.obligation, t.status, t.open, t.missed_at, r.agency = t.agency as owes`,
  agency: (me) => sql`r.agency = ${me}`,
  unit: false,
  technical: false,
};

/** What an office owes to the process: which duty, where, since when; never what the case is about. */
export const duties: Kind = {
  noun: 'duties',
  from: '(select id, owner, since, doc from read_duties union all select id, owner, since, doc from read_watches) t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: true,
};

export const visits: Kind = {
  noun: 'visits',
  from: 'read_visits t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: false,
};

/** Visits as numbers. */
export const visitOutlines: Kind = {
  noun: 'visits',
  from: 'read_visits t',
  columns: 't.id, t.session, t.visited',
  agency: false,
  unit: false,
  technical: true,
};

export const agencies: Kind = {
  noun: 'agencies',
  from: 'read_agencies t',
  columns: 't.*',
  agency: (me) => sql`t.id = ${me}`,
  unit: false,
  technical: true,
};

/** Agencies' names are on every letter. */
export const agencyNames: Kind = { ...agencies, columns: 't.id, t.name', agency: everyone, unit: everyone };

export const unitNames: Kind = {
  noun: 'units',
  from: 'read_units t',
  columns: 't.id, t.name',
  agency: unitOfAgency,
  unit: (me) => sql`t.id = ${me}`,
  technical: false,
};

/** Units with all that was registered of them. */
export const units: Kind = {
  noun: 'units',
  from: 'read_units t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: false,
};

export const erasures: Kind = {
  noun: 'erasures',
  from: 'read_erasures t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: true,
};

/** What can be looked for, each row to whoever may read the thing itself. */
export const searchTexts: Kind = {
  noun: 'search',
  from: '(select ref as resolution, s.id as search_id, ref as id, kind, folded, at, doc from read_search s) t',
  columns: 't.search_id as id, t.kind, t.folded, t.at, t.doc',
  agency: (me) => sql`((t.kind = 'case' and ${caseOfAgency(me)})
    or (t.kind = 'resolution' and ${concernsAgency(me)}) or (t.kind = 'unit' and ${unitOfAgency(me)}))`,
  unit: (me) => sql`((t.kind = 'case' and t.id in (select id from read_cases where unit = ${me}))
    or (t.kind = 'resolution' and t.resolution in (select id from read_resolutions
      where case_id in (select id from read_cases where unit = ${me}))) or (t.kind = 'unit' and t.id = ${me}))`,
  technical: false,
};

export const workingGroups: Kind = {
  noun: 'working groups',
  from: 'read_working_groups t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: true,
};

/** Facts as numbers, by agency, category, class of units and session; an agency's own are its own. */
export const tally: Kind = {
  noun: 'scorecards',
  from: 'read_tally t',
  columns: 't.*',
  agency: (me) => sql`t.agency = ${me}`,
  unit: false,
  technical: false,
};

/** The same of cases, which are nobody's own. */
export const caseTally: Kind = { ...tally, agency: false };

/** What of them may be published: nobody's name. */
export const pressTally: Kind = {
  noun: 'numbers',
  from: 'read_tally t',
  columns: 't.position, t.at, t.recorded, t.what, t.amount, t.category, t.session',
  agency: everyone,
  unit: everyone,
  technical: true,
};

/** What the province asks of others; whom it is about has no part in it. */
export const referrals: Kind = {
  noun: 'referrals',
  from: 'read_referrals t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: false,
};

export const templates: Kind = { ...workingGroups, noun: 'templates', from: 'read_templates t' };

/** That somebody was told, or could not be; never of what. */
export const notices: Kind = {
  noun: 'notices',
  from: 'read_notices t',
  columns: 't.*',
  agency: (me) => sql`t.recipient = ${`agency:${me}`}`,
  unit: false,
  technical: true,
};

/** Who is told where. */
export const contacts: Kind = { ...notices, noun: 'contacts', from: 'read_contacts t' };
export const noticeTemplates: Kind = { ...workingGroups, noun: 'notice templates', from: 'read_notice_templates t' };

/** Who holds, held and substitutes for which office. */
export const offices: Kind = { ...workingGroups, noun: 'offices', from: 'read_offices t' };

/** Working time is no secret, and duties are counted on it. */
export const calendars: Kind = {
  noun: 'calendars',
  from: 'read_calendars t',
  columns: 't.*',
  agency: everyone,
  unit: everyone,
  technical: true,
};

/** Who is told of what, and when, is known to all whom it concerns. */
export const ladders: Kind = { ...calendars, noun: 'ladders', from: 'read_ladders t' };

/** How many events of each type the log has. */
export const eventCounts: Kind = {
  noun: 'numbers',
  from: 'read_event_counts t',
  columns: 't.*',
  agency: false,
  unit: false,
  technical: true,
};

/** What was open for an office when its holder changed. */
export const handovers: Kind = { ...referrals, noun: 'hand-overs', from: 'read_handovers t' };
