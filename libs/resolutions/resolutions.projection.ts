import {
  factOf,
  flagColumn,
  loadDocuments,
  saveDocuments,
  schemaOf,
  splitStream,
  textColumn,
  type Instant,
  type Projection,
  type RecordedEvent,
  type Role,
} from '#kernel';
import { evolve, isFinal, waitingFor, type Duty, type Obligation, type Resolution } from './state.js';

/** What counts for an agency's record, while it owed an obligation. */
export interface AgencyRecord {
  agency: string;
  missed: number;
  refuted: number;
  extensions: number;
  disputed: number;
  escalated: number;
}
/** The last event of each type about an obligation: the latest claim, verdict, progress, directive, … */
export type Latest = Record<string, { at: Instant; by: string } & Record<string, unknown>>;

/** What rows are made of. The state is the decider's own, so that no status is ever worked out in two places. */
interface Folded {
  state: Resolution;
  text: string;
  legalBasis: string;
  letterNumber?: string;
  communicatedAt?: Instant;
  /** By obligation. */
  latest: Record<string, Latest>;
  records: Record<string, AgencyRecord[]>;
  /** By obligation: its due instant, and how many it has had. */
  dues: Record<string, { dueAt: Instant; count: number }>;
}

export interface ResolutionRow extends Omit<Folded, 'state' | 'latest' | 'records' | 'dues'> {
  number: string;
  session: string;
  case?: string;
  status: Resolution['status'];
  issuedAt: Instant;
}

export interface ObligationRow extends Pick<
  Obligation,
  | 'agency'
  | 'action'
  | 'acceptance'
  | 'term'
  | 'calendar'
  | 'ladder'
  | 'ladderVersion'
  | 'status'
  | 'epoch'
  | 'suspension'
  | 'acknowledged'
  | 'extensions'
  | 'referrals'
  | 'dependsOn'
> {
  resolution: string;
  obligation: string;
  /** Its place in the resolution, from 0. */
  ordinal: number;
  number: string;
  session: string;
  workingGroup: string;
  case?: string;
  open: boolean;
  /** Absent before communication, and while the clock is suspended. */
  dueAt?: Instant;
  /** How many due instants it has had: one more whenever it was moved, extended or set anew. */
  dues: number;
  /** The due instant that was missed, while the miss stands. */
  missedAt?: Instant;
  /** To whom the highest rung that was fired in this epoch went. */
  escalatedTo?: string;
  claimed: boolean;
  /** Before its clock starts: the obligations it waits for, and of these the revoked, which can never be met. */
  waitsFor?: string[];
  blockedBy?: string[];
  latest: Latest;
  record: AgencyRecord[];
}

export interface DutyRow extends Duty {
  duty: string;
  resolution: string;
  obligation?: string;
  owner: Role;
}

const RESOLUTIONS = {
  table: 'read_resolutions',
  columns: {
    status: textColumn(`doc->>'status'`),
    session: textColumn(`doc->>'session'`),
    case_id: textColumn(`doc->>'case'`),
    issued_at: textColumn(`doc->>'issuedAt'`),
  },
  indexes: ['(issued_at, id)', '(session)', '(case_id)'],
};
const OBLIGATIONS = {
  table: 'read_obligations',
  columns: {
    resolution: textColumn(`doc->>'resolution'`),
    obligation: textColumn(`doc->>'obligation'`),
    ordinal: `int generated always as ((doc->'ordinal')::int) stored`,
    agency: textColumn(`doc->>'agency'`),
    status: textColumn(`doc->>'status'`),
    open: flagColumn(`(doc->'open')::boolean`),
    due_at: textColumn(`doc->>'dueAt'`),
    /** Orders by the due instant; what has none comes last. */
    due_key: textColumn(`coalesce(doc->>'dueAt', '~')`),
    missed_at: textColumn(`doc->>'missedAt'`),
    escalated_to: textColumn(`doc->>'escalatedTo'`),
    epoch: `int generated always as ((doc->'epoch')::int) stored`,
    session: textColumn(`doc->>'session'`),
    working_group: textColumn(`doc->>'workingGroup'`),
    case_id: textColumn(`doc->>'case'`),
    calendar: textColumn(`doc->>'calendar'`),
  },
  indexes: [
    '(due_key, id)',
    '(agency, due_key, id)',
    '(status, due_key, id)',
    '(escalated_to, due_key, id)',
    '(resolution)',
    '(session)',
    '(case_id)',
    `using gin ((doc->'record') jsonb_path_ops)`,
  ],
};
const DUTY_ROWS = {
  table: 'read_duties',
  columns: {
    resolution: textColumn(`doc->>'resolution'`),
    owner: textColumn(`doc->>'owner'`),
    since: textColumn(`doc->>'since'`),
  },
  indexes: ['(owner, since, id)', '(resolution)'],
};
/** Nobody reads it: no kind stands for it. */
const FOLDED = { table: 'folded_resolutions', columns: {} };
const TABLES = [FOLDED, RESOLUTIONS, OBLIGATIONS, DUTY_ROWS];

export const resolutionsProjection: Projection = {
  name: 'resolutions',
  version: 2,
  schema: TABLES.map(schemaOf).join('\n'),
  tables: TABLES.map(({ table }) => table),
  // Whatever a newer release adds, the state counts its revisions.
  on: '*',
  async apply(events, sql) {
    const mine = events.flatMap((event) => {
      const [aggregate, id] = splitStream(event.stream);
      return aggregate === 'resolution' ? [{ id, event }] : [];
    });
    if (mine.length === 0) return;
    const before = await loadDocuments<Folded>(sql, FOLDED.table, [...new Set(mine.map(({ id }) => id))]);
    const all = new Map<string, Folded>();
    for (const { id, event } of mine) {
      const next = fold(all.get(id) ?? before.get(id), event);
      if (next) all.set(id, next);
    }
    const resolutions = new Map<string, ResolutionRow>();
    const obligations = new Map<string, ObligationRow>();
    const duties = new Map<string, DutyRow>();
    const over: string[] = [];
    for (const [id, one] of all) {
      resolutions.set(id, resolutionRow(one));
      for (const row of obligationRows(id, one)) obligations.set(`${id}/${row.obligation}`, row);
      for (const row of dutyRows(id, one.state)) duties.set(dutyId(row), row);
      const known = before.get(id);
      if (known) over.push(...[...dutyRows(id, known.state)].map(dutyId).filter((duty) => !duties.has(duty)));
    }
    if (over.length > 0) await sql.query(`delete from ${DUTY_ROWS.table} where id = any($1)`, [over]);
    await saveDocuments(sql, FOLDED.table, all);
    await saveDocuments(sql, RESOLUTIONS.table, resolutions);
    await saveDocuments(sql, OBLIGATIONS.table, obligations);
    await saveDocuments(sql, DUTY_ROWS.table, duties);
  },
};

function fold(before: Folded | undefined, event: RecordedEvent): Folded | undefined {
  const after = folded(before, event);
  return after && { ...after, dues: duesOf(after) };
}

function duesOf({ state, dues }: Folded): Folded['dues'] {
  const next = { ...dues };
  for (const o of state.obligations) {
    const [dueAt, before] = [dueOf(o), next[o.id]];
    if (dueAt && dueAt !== before?.dueAt) next[o.id] = { dueAt, count: (before?.count ?? 0) + 1 };
  }
  return next;
}

/** What is left of a suspended clock is `suspension.remaining`; it will be due when that has passed after it resumes. */
const dueOf = (o: Obligation): Instant | undefined => (o.suspension && !o.missed ? undefined : o.clock?.dueAt);

function folded(before: Folded | undefined, event: RecordedEvent): Folded | undefined {
  const fact = factOf(event);
  const { type, data, at, by } = fact;
  const state = evolve(before?.state, fact, event);
  if (!state) return undefined;
  if (!before) return { state, text: data.text, legalBasis: data.legalBasis, latest: {}, records: {}, dues: {} };
  if (type === 'ResolutionCommunicated') {
    return { ...before, state, letterNumber: data.letterNumber, communicatedAt: at };
  }
  const owed = before.state.obligations.find(({ id }) => id === data?.obligation);
  if (!owed) return { ...before, state };
  const { obligation: _, ...said } = data;
  const latest = { ...before.latest[owed.id], [type]: { at, by: by.id, ...said } };
  return {
    ...before,
    state,
    latest: { ...before.latest, [owed.id]: latest },
    records: { ...before.records, [owed.id]: recorded(before.records[owed.id] ?? [], owed.agency, type) },
  };
}

/** What each type of event adds to the record of the agency that owes the obligation then. */
const COUNTS: Readonly<Record<string, [keyof Omit<AgencyRecord, 'agency'>, number]>> = {
  DeadlineMissed: ['missed', 1],
  MissRetracted: ['missed', -1],
  ComplianceRefuted: ['refuted', 1],
  ExtensionGranted: ['extensions', 1],
  ObligationDisputed: ['disputed', 1],
  ObligationEscalated: ['escalated', 1],
};
const CLEAN = { missed: 0, refuted: 0, extensions: 0, disputed: 0, escalated: 0 };

function recorded(records: AgencyRecord[], agency: string, type: string): AgencyRecord[] {
  const counted = COUNTS[type];
  if (!counted) return records;
  const [key, step] = counted;
  const own = records.find((one) => one.agency === agency) ?? { agency, ...CLEAN };
  return [...records.filter((one) => one !== own), { ...own, [key]: own[key] + step }];
}

function resolutionRow({ state, text, legalBasis, letterNumber, communicatedAt }: Folded): ResolutionRow {
  const { number, session, case: of, status, issuedAt } = state;
  return { number, session, case: of, status, text, legalBasis, issuedAt, letterNumber, communicatedAt };
}

function* obligationRows(resolution: string, { state, latest, records, dues }: Folded): Generator<ObligationRow> {
  const { number, session, case: of } = state;
  for (const [ordinal, o] of state.obligations.entries()) {
    const { agency, action, acceptance, term, calendar, ladder, ladderVersion, status, epoch, suspension } = o;
    const record = records[o.id] ?? [];
    yield {
      resolution,
      obligation: o.id,
      ordinal,
      number,
      session,
      workingGroup: session.replace(/-\d+$/, ''),
      case: of,
      agency,
      action,
      acceptance,
      term,
      calendar,
      ladder,
      ladderVersion,
      status,
      open: !isFinal(o),
      epoch,
      dueAt: dueOf(o),
      dues: dues[o.id]?.count ?? 0,
      missedAt: o.missed ? o.fired['due'] : undefined,
      escalatedTo: o.rungs.findLast(({ id, action: what }) => what === 'escalate' && o.fired[id])?.to,
      claimed: o.claim !== undefined,
      suspension,
      acknowledged: o.acknowledged,
      extensions: o.extensions,
      referrals: o.referrals,
      ...(o.dependsOn && { dependsOn: o.dependsOn, ...waitingFor(o, state) }),
      latest: latest[o.id] ?? {},
      // Whoever owes it now is on the record from the first day, with nothing against it yet.
      record: record.some((one) => one.agency === agency) ? record : [...record, { agency, ...CLEAN }],
    };
  }
}

const dutyId = ({ resolution, obligation, duty }: DutyRow): string => `${resolution}/${obligation ?? ''}/${duty}`;

function* dutyRows(resolution: string, { obligations, communicate }: Resolution): Generator<DutyRow> {
  if (communicate) yield { duty: 'communicate', resolution, ...communicate };
  for (const { id, duties } of obligations) {
    for (const [duty, running] of Object.entries(duties)) yield { duty, resolution, obligation: id, ...running };
  }
}
