import { comparePositions, splitStream } from '#kernel';
import { Agendas, type AgendaClaims, type Leaf } from '#audit';
import type { Resolution } from '#resolutions';
import { Names } from './names.js';

/** What the operator says the log adds up to. Numbers of the province only in an export of everything. */
export interface Claims extends Partial<AgendaClaims> {
  resolutions: number;
  /** Obligations by status. */
  obligations: Record<string, number>;
}

export type Disorder = 'stream-gap' | 'order' | 'number-gap' | 'look-alike' | 'back-dated';

const CLOCK_SKEW_MS = 10 * 60_000;

/** Versions of streams and numbers of sessions and resolutions, without gaps; and what all of it adds up to. */
export class Numbers {
  private readonly revisions = new Map<string, number>();
  private readonly scheduled = new Map<string, number>();
  private readonly adopted = new Map<string, number>();
  private readonly agendas = new Agendas();
  private readonly names = new Names();
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
    const { actor, occurredAt } = metadata;
    const dating = ['engine', 'registrar'].includes(actor.role) || metadata.import !== undefined;
    if (!dating && Date.parse(occurredAt) < Date.parse(leaf.recordedAt) - CLOCK_SKEW_MS) {
      this.wrong('back-dated', leaf, `${actor.id} dated it ${occurredAt}; it was recorded at ${leaf.recordedAt}`);
    }
    const deceiving = this.names.deceiving(leaf);
    if (deceiving) this.wrong('look-alike', leaf, deceiving);
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
    this.agendas.take(leaf);
  }

  has(stream: string): boolean {
    return this.revisions.has(stream);
  }

  claims(resolutions: Iterable<Resolution>, everything: boolean): Claims {
    const claims: Claims = { resolutions: 0, obligations: {} };
    for (const { obligations } of resolutions) {
      claims.resolutions += 1;
      for (const { status } of obligations) claims.obligations[status] = (claims.obligations[status] ?? 0) + 1;
    }
    return everything ? { ...claims, ...this.agendas.claims() } : claims;
  }
}
