import { comparePositions, splitStream } from '#kernel';
import { Agendas, type AgendaClaims, type Leaf } from '#audit';
import type { Resolution } from '#resolutions';

/** What the operator says the log adds up to. Numbers of the province only in an export of everything. */
export interface Claims extends Partial<AgendaClaims> {
  resolutions: number;
  /** Obligations by status. */
  obligations: Record<string, number>;
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
  private readonly agendas = new Agendas();
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
    this.agendas.take(leaf);
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
