import { comparePositions, splitStream } from '#kernel';
import type { Leaf } from '#audit';
import type { Resolution } from '#resolutions';

/** What the operator says the log adds up to. Numbers of the province only in an export of everything. */
export interface Claims {
  resolutions: number;
  /** Obligations by status. */
  obligations: Record<string, number>;
  sessions?: number;
  /** Cases on the agendas of sessions that were held; by session. */
  agendas?: Record<string, number>;
  averageCasesPerSession?: number;
  /** Visits with findings; by the session that they prepared. */
  visits?: number;
  visitsOf?: Record<string, number>;
}

export type Disorder = 'stream-gap' | 'order' | 'number-gap' | 'look-alike';

/** Characters that turn the direction of text around, so that it reads as something else. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/;
const ID = /^[A-Za-z][A-Za-z0-9]*-[A-Za-z0-9._-]{1,100}$/;
const CLOCK_SKEW_MS = 10 * 60_000;

/** Versions of streams and numbers of sessions and resolutions, without gaps; and what all of it adds up to. */
export class Numbers {
  private readonly revisions = new Map<string, number>();
  private readonly scheduled = new Map<string, number>();
  private readonly adopted = new Map<string, number>();
  private readonly opened = new Map<string, string>();
  private readonly tabled = new Map<string, { session: string; until?: string }[]>();
  private readonly visits = new Map<string, string | undefined>();
  private last?: Leaf;

  constructor(private readonly wrong: (kind: Disorder, leaf: Leaf, what: string) => void) {}

  take(leaf: Leaf): void {
    const { stream, revision, type, data, metadata } = leaf;
    const expected = this.revisions.get(stream) ?? 0;
    if (revision !== expected) this.wrong('stream-gap', leaf, `revision ${revision} stands where ${expected} should`);
    this.revisions.set(stream, revision + 1);
    if (this.last && comparePositions(this.last.position, leaf.position) >= 0) {
      this.wrong('order', leaf, `position ${leaf.position} comes after ${this.last.position}`);
    }
    if (this.last && Date.parse(leaf.recordedAt) < Date.parse(this.last.recordedAt) - CLOCK_SKEW_MS) {
      this.wrong('order', leaf, `recorded at ${leaf.recordedAt}, after something recorded at ${this.last.recordedAt}`);
    }
    this.last = leaf;
    const names = [stream, metadata.actor.id, data.name, data.person].filter((name) => typeof name === 'string');
    if (!ID.test(stream) || names.some((name) => TURNING.test(name))) {
      this.wrong(
        'look-alike',
        leaf,
        `${JSON.stringify(names.find((name) => TURNING.test(name)) ?? stream)} does not read as it is written`,
      );
    }
    const [, id] = splitStream(stream);
    const next = (counts: Map<string, number>, of: string, number: number, what: string) => {
      const due = (counts.get(of) ?? 0) + 1;
      if (number !== due) this.wrong('number-gap', leaf, `${what} ${number} of ${of} comes where ${due} should`);
      counts.set(of, number);
    };
    if (type === 'SessionScheduled') next(this.scheduled, id, data.number, 'session');
    if (type === 'ResolutionAdopted') next(this.adopted, id, data.ordinal, 'resolution');
    if (type === 'MinutesSigned' && data.adopted !== (this.adopted.get(id) ?? 0)) {
      this.wrong(
        'number-gap',
        leaf,
        `its minutes count ${data.adopted} resolutions; there are ${this.adopted.get(id) ?? 0}`,
      );
    }
    if (type === 'SessionOpened') this.opened.set(id, metadata.occurredAt);
    if (type === 'VisitFindingsRecorded') this.visits.set(id, data.session);
    if (type === 'CaseTabled' || type === 'CaseTransferred') {
      const agendas = this.tabled.get(id) ?? [];
      const before = agendas.at(-1);
      if (before) before.until ??= metadata.occurredAt;
      if (type === 'CaseTabled') agendas.push({ session: data.session });
      this.tabled.set(id, agendas);
    }
  }

  claims(resolutions: Iterable<Resolution>, everything: boolean): Claims {
    const claims: Claims = { resolutions: 0, obligations: {} };
    for (const { obligations } of resolutions) {
      claims.resolutions += 1;
      for (const { status } of obligations) claims.obligations[status] = (claims.obligations[status] ?? 0) + 1;
    }
    if (!everything) return claims;
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
    return { ...claims, sessions, agendas, averageCasesPerSession, visits: this.visits.size, visitsOf };
  }
}
