import { factOf, Refused, splitStream, type AnyDecider, type Database, type EventStore, type Instant, type RecordedEvent } from '#kernel'; // prettier-ignore
import { Agendas, leads, linksOf, replayed, type AgendaFact, type AsOf } from '#audit';
import type { Resolution } from '#resolutions';

/** A stream as it was: its last version then, and what its events add up to. */
export interface Past {
  stream: string;
  revision: number;
  state: unknown;
  events: RecordedEvent[];
}

/** Streams read at once: more only wait for connections. */
const SIDE_BY_SIDE = 12;

/** The log on its two axes of time. Only streams are read, each by its index: the size of the log does not matter. */
export class Replay {
  constructor(
    private readonly store: Pick<EventStore, 'readStream'>,
    private readonly deciders: readonly AnyDecider[],
  ) {}

  /** @throws Refused `not-found` when there was no such stream then */
  async stream(stream: string, at: AsOf): Promise<Past> {
    const past = await this.find(stream, at);
    if (past) return past;
    throw Refused.notFound(`There was no stream "${stream}" at ${at.validAt ?? at.asOf ?? 'any time'}.`);
  }

  /** With everything that was linked to it then: visit, unit, sessions, resolutions, referrals. */
  async linked(root: string, at: AsOf): Promise<Past[]> {
    const found = [await this.stream(root, at)];
    const seen = new Set([root]);
    for (let open = found; open.length > 0;) {
      const next = open.flatMap(({ stream, events }) =>
        events.flatMap(linksOf).filter((to) => !seen.has(to) && leads(stream, to, stream === root) && seen.add(to)),
      );
      open = (await inTurns(next, (stream) => this.find(stream, at))).filter((past) => past !== undefined);
      found.push(...open);
    }
    return found;
  }

  /**
   * What an agency owed then, and where each of it stood.
   * @param resolutions every one that it ever had a part in
   */
  async agency(id: string, resolutions: readonly string[], at: AsOf): Promise<AgencyThen> {
    const { state, revision } = await this.stream(`agency-${id}`, at);
    const obligations: OwedThen[] = [];
    for (const past of await inTurns(resolutions, (each) => this.find(`resolution-${each}`, at))) {
      const resolution = past?.state as Resolution | undefined;
      for (const o of resolution?.obligations ?? []) {
        if (o.agency !== id) continue;
        const { id: obligation, status, clock } = o;
        const dueAt = clock?.dueAt;
        obligations.push({ resolution: splitStream(past!.stream)[1], obligation, status, ...(dueAt && { dueAt }) });
      }
    }
    const numbers: Record<string, number> = {};
    for (const { status } of obligations) numbers[status] = (numbers[status] ?? 0) + 1;
    return { agency: id, revision, state, numbers, obligations };
  }

  private async find(stream: string, at: AsOf): Promise<Past | undefined> {
    const [aggregate] = splitStream(stream);
    const decider = this.deciders.find((each) => each.aggregate === aggregate);
    if (!decider) return undefined;
    const events = replayed(await this.store.readStream(stream), at);
    if (events.length === 0) return undefined;
    const state = events.reduce((before, event) => decider.evolve(before, factOf(event), event), decider.initial);
    return { stream, revision: Math.max(...events.map(({ revision }) => revision)), state, events };
  }
}

export interface OwedThen {
  resolution: string;
  obligation: string;
  status: string;
  dueAt?: Instant;
}
export interface AgencyThen {
  agency: string;
  revision: number;
  state: unknown;
  /** Its obligations by status. */
  numbers: Record<string, number>;
  obligations: OwedThen[];
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (const [index, item] of queue) results[index] = await work(item);
    }),
  );
  return results;
}

/** Resolutions that an agency ever had a part in, also such as it was relieved of. */
export async function resolutionsOf(database: Database, agency: string): Promise<string[]> {
  const { rows } = await database.query<{ resolution: string }>(
    `select distinct resolution from read_obligations where doc->'record' @> jsonb_build_array(jsonb_build_object('agency', $1::text))
     order by resolution`,
    [agency],
  );
  return rows.map(({ resolution }) => resolution);
}

/** The province in numbers: the ninth session has 10 cases and 3 visits, the average is 14. */
export async function provinceThen(database: Database, at: AsOf) {
  const { rows } = await database.query<{ fact: AgendaFact }>(
    'select fact from audit_facts where $1::text is null or recorded_at <= $1 order by position',
    [at.asOf ?? null],
  );
  const agendas = new Agendas();
  for (const fact of replayed(
    rows.map(({ fact }) => fact),
    at,
  ))
    agendas.take(fact);
  return agendas.claims();
}
