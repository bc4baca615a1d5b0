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

/** What a number can be broken down by. */
interface Dimensions {
  agency?: string;
  category?: string;
  classes?: string[];
  session?: string;
}
interface Row extends Dimensions {
  position: string;
  at: string;
  what: Counted;
  amount: number;
}

/** What has to be remembered of a stream to place the facts about it. Nobody reads it: no kind stands for it. */
interface Subject extends Dimensions {
  obligations?: Record<string, Dimensions>;
  /** A session that was opened; a visit that found something; the agenda that a case stands on. */
  begun?: boolean;
  agenda?: string;
}

const SUBJECTS = { table: 'tally_subjects', columns: {} };

export const tallyProjection: Projection = {
  name: 'tally',
  version: 1,
  tables: ['read_tally', SUBJECTS.table],
  schema: `
    create table if not exists read_tally (
      position numeric not null, at text collate "C" not null, what text collate "C" not null, amount int not null,
      agency text collate "C", category text collate "C", classes text[] not null, session text collate "C");
    create index if not exists read_tally_at on read_tally (at);
    ${schemaOf(SUBJECTS)}`,
  on: [
    'UnitRegistered',
    'CaseOpened',
    'CaseTabled',
    'CaseTransferred',
    'CaseClosed',
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
      `insert into read_tally (position, at, what, amount, agency, category, classes, session)
       select position, at, what, amount, agency, category, coalesce(classes, '{}'), session
         from jsonb_to_recordset($1::jsonb) as r(position numeric, at text, what text, amount int, agency text,
           category text, classes text[], session text)`,
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
    return new Subjects(sql, await loadDocuments<Subject>(sql, SUBJECTS.table, [...new Set(ids)]));
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

async function count(event: RecordedEvent, subjects: Subjects, rows: Row[]): Promise<void> {
  const { type, stream, data, position, metadata } = event;
  const add = (what: Counted, of: Dimensions, amount = 1) => {
    const { agency, category, classes, session } = of;
    rows.push({ position, at: metadata.occurredAt, what, amount, agency, category, classes, session });
  };
  const subject = await subjects.get(stream);
  switch (type) {
    case 'UnitRegistered':
      return subjects.set(stream, { classes: data.classes });
    case 'CaseOpened': {
      const { classes } = data.unit ? await subjects.get(streamOf('unit', data.unit)) : {};
      return subjects.set(stream, { category: data.category, classes });
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
      return subjects.set(stream, type === 'CaseTabled' ? { ...rest, agenda: data.session } : rest);
    }
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
      const { category, classes } = data.case ? await subjects.get(streamOf('case', data.case)) : {};
      const issued = (data.obligations as { id: string; agency: string }[]).map(
        ({ id, agency }) => [id, { agency, category, classes, session: data.session }] as const,
      );
      for (const [, of] of issued) add('obligations', of);
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
