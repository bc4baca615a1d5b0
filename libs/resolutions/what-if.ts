import { byCodePoint, ENGINE, type Asked, type Fact, type Instant } from '#kernel';
import { settle, type ClockContext } from './settle.js';
import { evolve, type Resolution, type Status } from './state.js';

/** Something that would happen by itself: a rung, a miss, a missed duty. */
export interface Foreseen {
  at: Instant;
  type: string;
  resolution: string;
  obligation: string;
  epoch?: number;
  /** The rung, or the duty and its count. */
  what: string;
  to?: string;
}

/** What becomes of one resolution, as far as differences between two courses of events show. */
export interface Outcome {
  alarms: Foreseen[];
  obligations: { resolution: string; obligation: string; status: Status; dueAt?: Instant }[];
}

export type Difference =
  | { difference: 'deadline'; resolution: string; obligation: string; from?: Instant; to?: Instant }
  | { difference: 'status'; resolution: string; obligation: string; from?: Status; to?: Status }
  | ({ difference: 'appears' | 'vanishes' } & Foreseen)
  | ({ difference: 'moves'; from: Instant } & Foreseen);

const ALARMS = new Set(['AgencyReminded', 'DeadlineMissed', 'ObligationEscalated', 'DutyMissed']);

/** The alarms among the events of a resolution's stream. */
export function alarmsAmong(resolution: string, facts: readonly Pick<Fact, 'type' | 'data' | 'at'>[]): Foreseen[] {
  return facts
    .filter(({ type }) => ALARMS.has(type))
    .map(({ type, data, at }) => ({
      at,
      type,
      resolution,
      obligation: data.obligation ?? '',
      ...(data.epoch !== undefined && { epoch: data.epoch }),
      what: data.rung ?? `${data.duty} ${data.count}`,
      ...(data.to !== undefined && { to: data.to }),
    }));
}

export const obligationsOf = (resolution: string, { obligations }: Resolution): Outcome['obligations'] =>
  obligations.map(({ id, status, clock }) => ({ resolution, obligation: id, status, dueAt: clock?.dueAt }));

/**
 * What becomes of a resolution by itself until `until`, if nobody does anything more: the same settling that judges in
 * earnest, asked about the future.
 */
export function foresee(id: string, state: Resolution, context: ClockContext, until: Instant): Outcome {
  const asked: Asked = { name: 'FireRung', id, data: {}, actor: ENGINE, now: until, realNow: until, importing: false };
  const decided = settle(asked, state, context, 'before');
  const facts = decided.map(({ type, data, at }) => ({ type, data, at: at!, by: ENGINE }));
  const after = facts.reduce((s, fact) => evolve(s, fact)!, state);
  return { alarms: alarmsAmong(id, facts), obligations: obligationsOf(id, after) };
}

const key = ({ type, resolution, obligation, epoch, what, to }: Foreseen): string =>
  [resolution, obligation, type, epoch, what, to].join(' ');

/** Which deadlines and verdicts differ, and which alarms come, go or move, when one course is taken for the other. */
export function differences(before: Outcome, after: Outcome): Difference[] {
  const found: Difference[] = [];
  const name = ({ resolution, obligation }: { resolution: string; obligation: string }) =>
    `${resolution} ${obligation}`;
  const then = new Map(before.obligations.map((o) => [name(o), o]));
  const now = new Map(after.obligations.map((o) => [name(o), o]));
  for (const one of new Set([...then.keys(), ...now.keys()])) {
    const [a, b] = [then.get(one), now.get(one)];
    const { resolution, obligation } = (a ?? b)!;
    if (a?.dueAt !== b?.dueAt)
      found.push({ difference: 'deadline', resolution, obligation, from: a?.dueAt, to: b?.dueAt });
    if (a?.status !== b?.status)
      found.push({ difference: 'status', resolution, obligation, from: a?.status, to: b?.status });
  }
  // An alarm that is retracted may ring twice under one name: each is paired with its like.
  const left = new Map<string, Foreseen[]>();
  for (const alarm of before.alarms) left.set(key(alarm), [...(left.get(key(alarm)) ?? []), alarm]);
  for (const alarm of after.alarms) {
    const pair = left.get(key(alarm))?.shift();
    if (!pair) found.push({ difference: 'appears', ...alarm });
    else if (pair.at !== alarm.at) found.push({ difference: 'moves', from: pair.at, ...alarm });
  }
  for (const alarm of [...left.values()].flat()) found.push({ difference: 'vanishes', ...alarm });
  const at = (d: Difference) => ('at' in d ? d.at : '');
  return found.sort((a, b) => byCodePoint(name(a), name(b)) || byCodePoint(at(a), at(b)));
}
