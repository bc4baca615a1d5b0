import { splitStream, type Instant, type Projection, type RecordedEvent } from '#kernel';

/** What of an event the province's numbers are made of. */
export interface AgendaFact {
  stream: string;
  revision: number;
  type: string;
  data: { session?: string };
  metadata: { occurredAt: Instant };
  recordedAt: Instant;
}

/** What the province's sessions and visits add up to: the ninth session has 10 cases and 3 visits, the average is 14. */
export interface AgendaClaims {
  sessions: number;
  /** Cases on the agendas of sessions that were held; by session. */
  agendas: Record<string, number>;
  averageCasesPerSession: number;
  /** Visits with findings; by the session that they prepared. */
  visits: number;
  visitsOf: Record<string, number>;
}

/** Which case stood on which agenda, and which visits were made, folded from events. */
export class Agendas {
  private readonly opened = new Map<string, Instant>();
  private readonly tabled = new Map<string, { session: string; until?: Instant }[]>();
  private readonly visits = new Map<string, string | undefined>();

  take({ stream, type, data, metadata }: Pick<AgendaFact, 'stream' | 'type' | 'data' | 'metadata'>): void {
    const [, id] = splitStream(stream);
    if (type === 'SessionOpened') this.opened.set(id, metadata.occurredAt);
    if (type === 'VisitFindingsRecorded') this.visits.set(id, data.session);
    if (type === 'CaseTabled' || type === 'CaseTransferred') {
      const agendas = this.tabled.get(id) ?? [];
      const before = agendas.at(-1);
      if (before) before.until ??= metadata.occurredAt;
      if (type === 'CaseTabled') agendas.push({ session: data.session! });
      this.tabled.set(id, agendas);
    }
  }

  claims(): AgendaClaims {
    const agendas: Record<string, number> = {};
    for (const entries of this.tabled.values()) {
      const on = entries.filter(({ session, until }) => {
        const opened = this.opened.get(session);
        return opened !== undefined && (until === undefined || until > opened);
      });
      for (const session of new Set(on.map((each) => each.session))) agendas[session] = (agendas[session] ?? 0) + 1;
    }
    const visitsOf: Record<string, number> = {};
    for (const session of this.visits.values()) if (session) visitsOf[session] = (visitsOf[session] ?? 0) + 1;
    const cases = Object.values(agendas).reduce((a, b) => a + b, 0);
    const sessions = this.opened.size;
    const averageCasesPerSession = sessions === 0 ? 0 : Math.round((cases / sessions) * 100) / 100;
    return { sessions, agendas, averageCasesPerSession, visits: this.visits.size, visitsOf };
  }
}

const factOf = ({ stream, revision, type, data, metadata, recordedAt }: RecordedEvent): AgendaFact => ({
  stream,
  revision,
  type,
  data: data.session === undefined ? {} : { session: data.session },
  metadata: { occurredAt: metadata.occurredAt },
  recordedAt,
});

/** Those facts, so that the numbers of any day are folded from a few thousand small rows and not from the whole log. */
export const agendaFacts: Projection = {
  name: 'audit-facts',
  version: 1,
  tables: ['audit_facts'],
  schema: `create table if not exists audit_facts (
    position bigint primary key, recorded_at text collate "C" not null, fact jsonb not null);`,
  on: ['SessionOpened', 'VisitFindingsRecorded', 'CaseTabled', 'CaseTransferred'],
  async apply(events, sql) {
    await sql.query('insert into audit_facts select * from unnest($1::bigint[], $2::text[], $3::jsonb[])', [
      events.map(({ position }) => position),
      events.map(({ recordedAt }) => recordedAt),
      events.map((event) => JSON.stringify(factOf(event))),
    ]);
  },
};
