import {
  loadDocuments,
  saveDocuments,
  schemaOf,
  splitStream,
  streamOf,
  type Projection,
  type RecordedEvent,
  type Sql,
} from '#kernel';

/**
 * What is counted, one row for each fact, with the day it happened and its place in the log: so every number is the
 * number of any day, and says up to which event it stands. A fact that is taken back is a row of -1, never a deletion.
 */
export const COUNTED = [
  'obligations',
  'kept',
  'late',
  'missed',
  'refuted',
  'escalated',
  'extensions',
  'revoked',
  'sessions',
  'cases',
  'visits',
] as const;
export type Counted = (typeof COUNTED)[number];

/**
 * What stands of each case: it was opened, it is closed (as solved), it was opened again, what its unit says, and what
 * the check of the outcome found. `jobs` are people, the rest are cases.
 */
export const OF_CASES = ['opened', 'closed', 'solved', 'reopened', 'confirmed', 'objected', 'checked', 'working', 'jobs'] as const; // prettier-ignore
type OfCase = (typeof OF_CASES)[number];

/** What a number can be broken down by. */
interface Dimensions {
  agency?: string;
  category?: string;
  classes?: string[];
  session?: string;
  cause?: string;
  channel?: string;
  /** As it was closed with, while it is closed. */
  outcome?: string;
}
interface Row extends Dimensions {
  position: string;
  at: string;
  recorded: string;
  what: Counted | OfCase;
  amount: number;
}

/** What has to be remembered of a stream to place the facts about it. Nobody reads it: no kind stands for it. */
interface Subject extends Dimensions {
  obligations?: Record<string, Dimensions>;
  /** A session that was opened; a visit that found something; the agenda that a case stands on. */
  begun?: boolean;
  agenda?: string;
  stands?: Partial<Record<OfCase, number>>;
}

const SUBJECTS = { table: 'tally_subjects', columns: {} };

export const tallyProjection: Projection = {
  name: 'tally',
  version: 3,
  tables: ['read_tally', SUBJECTS.table],
  schema: `
    create table if not exists read_tally (
      position numeric not null, at text collate "C" not null, recorded text collate "C" not null, what text collate "C" not null, amount int not null,
      agency text collate "C", category text collate "C", classes text[] not null, session text collate "C",
      cause text collate "C", channel text collate "C", outcome text collate "C");
    create index if not exists read_tally_at on read_tally (at);
    ${schemaOf(SUBJECTS)}`,
  on: [
    'UnitRegistered',
    'CaseOpened',
    'CaseTabled',
    'CaseTransferred',
    'CaseClosed',
    'CaseReopened',
    'OutcomeConfirmed',
    'OutcomeObjected',
    'OutcomeChecked',
    'SessionOpened',
    'VisitPlanned',
    'VisitFindingsRecorded',
    'ResolutionIssued',
    'ObligationReassigned',
    'ComplianceVerified',
    'ComplianceRefuted',
    'DeadlineMissed',
    'MissRetracted',
    'ObligationEscalated',
    'ExtensionGranted',
    'ObligationRevoked',
    'ResolutionRevoked',
  ],
  async apply(events, sql) {
    const subjects = await Subjects.about(events, sql);
    const rows: Row[] = [];
    for (const event of events) await count(event, subjects, rows);
    await subjects.save();
    await sql.query(
      `insert into read_tally (position, at, recorded, what, amount, agency, category, classes, session, cause, channel, outcome)
       select position, at, recorded, what, amount, agency, category, coalesce(classes, '{}'), session, cause, channel, outcome
         from jsonb_to_recordset($1::jsonb) as r(position numeric, at text, recorded text, what text, amount int, agency text,
           category text, classes text[], session text, cause text, channel text, outcome text)`,
      [JSON.stringify(rows)],
    );
  },
};

/** The subjects of a batch: read together, looked up one by one only where one leads to another. */
class Subjects {
  private readonly changed = new Map<string, Subject>();

  private constructor(
    private readonly sql: Sql,
    private readonly known: Map<string, Subject>,
  ) {}

  static async about(events: readonly RecordedEvent[], sql: Sql): Promise<Subjects> {
    const ids = events.flatMap(({ stream, data }) => [
      stream,
      ...(data.unit ? [streamOf('unit', data.unit)] : []),
      ...(data.case ? [streamOf('case', data.case)] : []),
      ...(data.session ? [streamOf('session', data.session)] : []),
    ]);
    const known = new Map<string, Subject>(ids.map((id) => [id, {}])); // what is not there need not be asked for again
    for (const [id, subject] of await loadDocuments<Subject>(sql, SUBJECTS.table, [...known.keys()]))
      known.set(id, subject);
    return new Subjects(sql, known);
  }

  async get(stream: string): Promise<Subject> {
    const known =
      this.known.get(stream) ?? (await loadDocuments<Subject>(this.sql, SUBJECTS.table, [stream])).get(stream);
    return known ?? {};
  }

  set(stream: string, subject: Subject): void {
    this.known.set(stream, subject);
    this.changed.set(stream, subject);
  }

  save(): Promise<void> {
    return saveDocuments(this.sql, SUBJECTS.table, this.changed);
  }
}

/** Facts about one obligation that simply count. */
const SIMPLE: Readonly<Record<string, [Counted, number]>> = {
  ComplianceRefuted: ['refuted', 1],
  DeadlineMissed: ['missed', 1],
  MissRetracted: ['missed', -1],
  ObligationEscalated: ['escalated', 1],
  ExtensionGranted: ['extensions', 1],
  ObligationRevoked: ['revoked', 1],
};

/** What stands of a case after one of these, and what it is closed with; undefined when the event says nothing to that. */
function standing(
  { type, data }: RecordedEvent,
  { outcome, stands = {} }: Subject,
): Pick<Subject, 'outcome' | 'stands'> | undefined {
  switch (type) {
    case 'CaseOpened':
      return { stands: { opened: 1 } };
    case 'CaseClosed':
      return { outcome: data.outcome, stands: { ...stands, closed: 1, solved: data.solved === false ? 0 : 1 } };
    case 'CaseReopened':
      // What was said and found of the former outcome says nothing of the next one.
      return { stands: { opened: 1, reopened: (stands.reopened ?? 0) + 1 } };
    case 'OutcomeConfirmed':
      return { outcome, stands: { ...stands, confirmed: 1, objected: 0 } };
    case 'OutcomeObjected':
      return { outcome, stands: { ...stands, confirmed: 0, objected: 1 } };
    case 'OutcomeChecked':
      return { outcome, stands: { ...stands, checked: 1, working: data.unitOpen ? 1 : 0, jobs: data.jobs ?? 0 } };
    default:
      return undefined;
  }
}

async function count(event: RecordedEvent, subjects: Subjects, rows: Row[]): Promise<void> {
  const { type, stream, data, position, metadata, recordedAt } = event;
  const add = (what: Counted | OfCase, of: Dimensions, amount = 1) => {
    const { agency, category, classes, session, cause, channel, outcome } = of;
    const dimensions = { agency, category, classes, session, cause, channel, outcome };
    rows.push({ position, at: metadata.occurredAt, recorded: recordedAt, what, amount, ...dimensions });
  };
  const subject = await subjects.get(stream);
  /** The case after this event, with what it changes in the numbers: all of it, when the outcome is another. */
  const stood = (now: Subject): Subject => {
    const next = standing(event, now);
    if (!next) return now;
    const after: Subject = { ...now, outcome: next.outcome, stands: next.stands };
    for (const what of OF_CASES) {
      const [before, then] = [now.stands?.[what] ?? 0, after.stands?.[what] ?? 0];
      const stays = now.outcome === after.outcome;
      if (!stays && before !== 0) add(what, now, -before);
      const more = stays ? then - before : then;
      if (more !== 0) add(what, after, more);
    }
    return after;
  };
  switch (type) {
    case 'UnitRegistered':
      return subjects.set(stream, { classes: data.classes });
    case 'CaseOpened': {
      const { classes } = data.unit ? await subjects.get(streamOf('unit', data.unit)) : {};
      const { category, cause, channel } = data;
      return subjects.set(stream, stood({ category, classes, cause, channel }));
    }
    case 'CaseTabled':
    case 'CaseTransferred':
    case 'CaseClosed': {
      const { agenda, ...rest } = subject;
      // Taken off before the session began, it was never heard there.
      if (agenda && !(await subjects.get(streamOf('session', agenda))).begun) {
        add('cases', { ...rest, session: agenda }, -1);
      }
      if (type === 'CaseTabled') add('cases', { ...rest, session: data.session });
      return subjects.set(stream, type === 'CaseTabled' ? { ...rest, agenda: data.session } : stood(rest));
    }
    case 'CaseReopened':
    case 'OutcomeConfirmed':
    case 'OutcomeObjected':
    case 'OutcomeChecked':
      return subjects.set(stream, stood(subject));
    case 'SessionOpened':
      add('sessions', { session: splitStream(stream)[1] });
      return subjects.set(stream, { begun: true });
    case 'VisitPlanned': {
      const { classes } = await subjects.get(streamOf('unit', data.unit));
      return subjects.set(stream, { session: data.session, classes });
    }
    case 'VisitFindingsRecorded':
      if (!subject.begun) add('visits', subject);
      return subjects.set(stream, { ...subject, begun: true });
    case 'ResolutionIssued': {
      const { category, classes, cause, channel } = data.case ? await subjects.get(streamOf('case', data.case)) : {};
      const of = { category, classes, cause, channel, session: data.session };
      const issued = (data.obligations as { id: string; agency: string }[]).map(
        ({ id, agency }) => [id, { agency, ...of }] as const,
      );
      for (const [, one] of issued) add('obligations', one);
      return subjects.set(stream, { obligations: Object.fromEntries(issued) });
    }
    case 'ResolutionRevoked':
      // What was met stays met, and so it was taken from those that are open.
      for (const of of Object.values(subject.obligations ?? {})) add('revoked', of);
      return subjects.set(stream, {});
  }
  const { [data.obligation as string]: of, ...others } = subject.obligations ?? {};
  if (!of) return;
  if (type === 'ObligationReassigned') {
    add('obligations', of, -1);
    add('obligations', { ...of, agency: data.agency });
    return subjects.set(stream, { obligations: { ...others, [data.obligation]: { ...of, agency: data.agency } } });
  }
  if (type === 'ComplianceVerified') add(data.late ? 'late' : 'kept', of);
  else add(...([SIMPLE[type]![0], of, SIMPLE[type]![1]] as const));
  // Closed for good: nothing more is counted of it.
  if (type === 'ComplianceVerified' || type === 'ObligationRevoked') subjects.set(stream, { obligations: others });
}
