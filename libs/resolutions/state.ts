import { later, type Fact, type Instant, type Position, type RecordedEvent, type Role } from '#kernel';
import type { Anchor, Remaining, Setting, Term } from '#calendar';
import type { Ladder } from '#directory';

/**
 * What has become of an obligation (CONTRACT section 4). `missed` is the status of one whose miss is recorded and that is
 * not suspended; whether a miss stands is `missed` the field, which a suspension does not take away.
 */
export type Status = 'issued' | 'running' | 'suspended' | 'claimed' | 'missed' | 'met' | 'met-late' | 'revoked';
export const FINAL: readonly Status[] = ['met', 'met-late', 'revoked'];

/** An obligation as `ResolutionIssued` pins it: later versions of calendar's owner or ladder change nothing here. */
export interface PinnedObligation extends Ladder {
  id: string;
  agency: string;
  action: string;
  acceptance: string;
  term: Term;
  calendar: string;
  /** True when the resolution named the calendar itself; else it follows the agency's. */
  calendarNamed: boolean;
  ladder: string;
  ladderVersion: number;
  /** Obligations of the same resolution that have to be met before its clock starts. */
  dependsOn?: readonly string[];
}

/** The revision of the calendar that a due instant was set or judged by. */
export interface Basis {
  calendar: string;
  revision: number;
}

/** A duty that runs: from when, who owes it, how often it was missed already. */
export interface Duty {
  since: Instant;
  owner: Role;
  term: number;
  missed: number;
}
/** The obligation's duties, in the order in which they fire at one instant. */
export const DUTIES = ['verify', 'decide-extension', 'review-suspension', 'decide-dependency'] as const;
export type DutyName = (typeof DUTIES)[number];
/**
 * Terms in working days (CONTRACT section 4, *Duties*); `review-suspension` has its own `reviewAfter`. `decide-dependency` is
 * owed for what waits for an obligation that was revoked: nothing else would ever ring for it.
 */
export const DUTY_TERM = { communicate: 3, verify: 5, 'decide-extension': 3, 'decide-dependency': 3 } as const;

export interface Claim {
  at: Instant;
  /** Made at or after the due instant in force then. */
  late: boolean;
  /** Its revision in the resolution's stream. */
  revision: number;
}

export interface Obligation extends PinnedObligation {
  status: Status;
  /** A miss is recorded in this epoch and stands. */
  missed: boolean;
  /** 0 before communication. */
  epoch: number;
  /** Start of the present epoch. */
  epochAt: Instant;
  /** Absent before communication. While suspended: as it was. */
  clock?: Setting;
  basis?: Basis;
  claim?: Claim;
  suspension?: { remaining: Remaining | null; by: Role; reviewAfter: number };
  /** `before` rungs planned at or before this were skipped: the epoch's start, or a refutation that ended a hold. */
  skippedUntil: Instant;
  /** The refutation or resumption from which rungs after the due instant are counted instead of from it. */
  countedFrom?: Instant;
  /** Planned instants of the rungs fired in this epoch, by rung id (`due` and repeats included). */
  fired: Readonly<Record<string, Instant>>;
  /** Repeats of the last rung fired in this epoch. */
  repeats: number;
  duties: Readonly<Partial<Record<DutyName, Duty>>>;
  /** Extensions granted in its life. */
  extensions: number;
  acknowledged: boolean;
  /** Referrals so far. */
  referrals: number;
  /** Recorded misses that were taken back, so that a later one is another fact. */
  retractions: number;
}

export interface Resolution {
  session: string;
  case?: string;
  number: string;
  status: 'issued' | 'communicated' | 'fulfilled' | 'revoked';
  /** The latest instant in the stream. */
  at: Instant;
  revision: number;
  /** Of the latest event in the log; '0' while it is only being decided. */
  position: Position;
  issuedAt: Instant;
  obligations: readonly Obligation[];
  communicate?: Duty;
}
export type State = Resolution | undefined;

export const isFinal = ({ status }: Obligation): boolean => FINAL.includes(status);
/** Whether anything of a resolution may still ring. */
export const isOpen = ({ obligations, communicate }: Resolution): boolean =>
  communicate !== undefined || !obligations.every(isFinal);
/** What an obligation still waits for before its clock starts, and of that what can never be met. */
export function waitingFor({ status, dependsOn = [] }: Obligation, { obligations }: Pick<Resolution, 'obligations'>) {
  const unmet = obligations.filter((o) => status === 'issued' && dependsOn.includes(o.id) && !isMet(o));
  return { waitsFor: unmet.map(({ id }) => id), blockedBy: unmet.filter(isFinal).map(({ id }) => id) };
}
export const isMet = ({ status }: Obligation): boolean => status === 'met' || status === 'met-late';

/** Where an obligation was before the claim that holds it, and goes back to when it is refuted. */
const beforeClaim = (o: Obligation): Status => (o.suspension ? 'suspended' : 'running');
const starts = (since: Instant, owner: Role, term: number): Duty => ({ since, owner, term, missed: 0 });

function without<K extends string, V>(record: Readonly<Partial<Record<K, V>>>, ...keys: K[]) {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key as K))) as Partial<
    Record<K, V>
  >;
}

const newEpoch = (o: Obligation, at: Instant, clock: Setting, basis: Basis): Obligation => ({
  ...o,
  status: 'running',
  missed: false,
  epoch: o.epoch + 1,
  epochAt: at,
  clock,
  basis,
  claim: undefined,
  suspension: undefined,
  skippedUntil: at,
  countedFrom: undefined,
  fired: {},
  repeats: 0,
  // A new term clears a pending claim, so nobody has to verify it any more.
  duties: without(o.duties, 'verify', 'review-suspension', 'decide-dependency'),
});

const clockOf = ({ dueAt, anchor }: { dueAt: Instant; anchor?: Anchor }): Setting =>
  anchor ? { dueAt, anchor } : { dueAt };

/** What an event does to the obligation it names. */
function evolveObligation(o: Obligation, { type, data, at, by }: Fact, revision: number): Obligation {
  switch (type) {
    case 'ObligationAcknowledged':
      return { ...o, acknowledged: true };
    case 'AgencyComplied': {
      // A late truth is dated before today, but the office that must verify it has only heard of it now.
      const verify = starts(data.registeredAt ?? at, 'secretary', DUTY_TERM.verify);
      const claim = { at, late: data.late, revision };
      if (o.missed) return { ...o, claim, duties: { ...o.duties, verify } };
      return { ...o, status: 'claimed', claim, duties: { ...without(o.duties, 'review-suspension'), verify } };
    }
    case 'ComplianceVerified':
      return { ...o, status: data.late ? 'met-late' : 'met', claim: undefined, duties: {} };
    case 'ComplianceRefuted': {
      const duties = without(o.duties, 'verify');
      if (o.status !== 'claimed') return { ...o, claim: undefined, duties };
      const back = { ...o, status: beforeClaim(o), claim: undefined, duties, skippedUntil: later(o.skippedUntil, at) };
      if (!o.suspension) return back;
      const { by: owner, reviewAfter } = o.suspension;
      return { ...back, duties: { ...duties, 'review-suspension': starts(at, owner, reviewAfter) } };
    }
    case 'ExtensionRequested':
      return {
        ...o,
        duties: { ...o.duties, 'decide-extension': starts(at, 'secretary', DUTY_TERM['decide-extension']) },
      };
    case 'ExtensionRefused':
      return { ...o, duties: without(o.duties, 'decide-extension') };
    case 'ExtensionGranted': {
      const extended = newEpoch(o, at, clockOf(data), data.basis);
      return { ...extended, extensions: o.extensions + 1, duties: without(extended.duties, 'decide-extension') };
    }
    case 'DeadlineSuspended': {
      const suspension = { remaining: data.remaining, by: by.role, reviewAfter: data.reviewAfter };
      const duties = { ...o.duties, 'review-suspension': starts(at, by.role, data.reviewAfter) };
      return { ...o, status: 'suspended', suspension, duties };
    }
    case 'DeadlineResumed': {
      if (!o.missed) return newEpoch(o, at, clockOf(data), data.basis);
      const duties = without(o.duties, 'review-suspension');
      return { ...o, status: 'missed', suspension: undefined, countedFrom: at, duties };
    }
    case 'DeadlineMoved': {
      const clock: Setting = { ...o.clock!, dueAt: data.to };
      // Counted as of the change that moved it: earlier changes are in it too.
      const moved = { ...o, clock, basis: { calendar: o.calendar, revision: data.cause.revision } };
      if (!o.claim) return moved;
      // Only after a retraction can a claim change its mind: what was late for the wrong instant may be in time now.
      const late = o.claim.at >= data.to;
      return { ...moved, claim: { ...o.claim, late }, status: late ? 'running' : o.status };
    }
    case 'AgencyReminded':
    case 'ObligationEscalated': {
      const repeats = data.rung.includes('+') ? o.repeats + 1 : o.repeats;
      return { ...o, fired: { ...o.fired, [data.rung]: data.plannedAt }, repeats };
    }
    case 'DeadlineMissed': {
      // Held by a claim past its due instant: the agency does not pay for the verifier's delay.
      const countedFrom = o.skippedUntil > data.dueAt ? o.skippedUntil : undefined;
      return {
        ...o,
        status: 'missed',
        missed: true,
        basis: data.basis,
        countedFrom,
        fired: { ...o.fired, due: data.dueAt },
      };
    }
    case 'MissRetracted': {
      // What was told because of the miss is taken back with it, and may have to be told again.
      const before = new Set(o.rungs.filter(({ when }) => when.before).map(({ id }) => id));
      const fired = Object.fromEntries(Object.entries(o.fired).filter(([id]) => before.has(id)));
      const status = o.suspension ? 'suspended' : o.claim ? 'claimed' : 'running';
      return { ...o, status, missed: false, fired, repeats: 0, countedFrom: undefined, retractions: o.retractions + 1 };
    }
    case 'DeadlineStarted':
      return newEpoch(o, at, clockOf(data), data.basis);
    case 'GovernorDirected':
      return data.dueAt ? newEpoch(o, at, clockOf(data), data.basis) : o;
    case 'ObligationReassigned': {
      const moved = { ...o, agency: data.agency, calendar: data.calendar, acknowledged: false };
      return newEpoch(moved, at, clockOf(data), data.basis);
    }
    case 'DutyMissed': {
      const duty = o.duties[data.duty as DutyName];
      return duty ? { ...o, duties: { ...o.duties, [data.duty]: { ...duty, missed: data.count } } } : o;
    }
    case 'ReferredToOversight':
    case 'ReferredToNational':
      return { ...o, referrals: o.referrals + 1 };
    case 'ObligationRevoked':
      return revoked(o);
    default:
      return o;
  }
}

/** Somebody has to decide what becomes of those that wait for what was revoked. */
const withDecisionsOwed = (obligations: readonly Obligation[], at: Instant): Obligation[] =>
  obligations.map((o) =>
    o.duties['decide-dependency'] || waitingFor(o, { obligations }).blockedBy.length === 0
      ? o
      : { ...o, duties: { ...o.duties, 'decide-dependency': starts(at, 'secretary', DUTY_TERM['decide-dependency']) } },
  );

const revoked = (o: Obligation): Obligation =>
  isFinal(o) ? o : { ...o, status: 'revoked', claim: undefined, suspension: undefined, duties: {} };

const issued = (pinned: PinnedObligation): Obligation => ({
  ...pinned,
  status: 'issued',
  missed: false,
  epoch: 0,
  epochAt: '',
  skippedUntil: '',
  fired: {},
  repeats: 0,
  duties: {},
  extensions: 0,
  acknowledged: false,
  referrals: 0,
  retractions: 0,
});

/** State from events, and nothing else. An event type of a newer release changes nothing. */
export function evolve(state: State, fact: Fact, event?: Pick<RecordedEvent, 'revision' | 'position'>): State {
  const { type, data, at } = fact;
  if (!state) {
    if (type !== 'ResolutionIssued') return undefined;
    return {
      session: data.session,
      case: data.case,
      number: data.number,
      status: 'issued',
      at,
      revision: event?.revision ?? 0,
      position: event?.position ?? '0',
      issuedAt: at,
      obligations: data.obligations.map(issued),
      communicate: starts(at, 'secretary', DUTY_TERM.communicate),
    };
  }
  const next: Resolution = {
    ...state,
    at: later(state.at, at),
    revision: event?.revision ?? state.revision + 1,
    position: event?.position ?? state.position,
  };
  switch (type) {
    case 'ResolutionCommunicated': {
      const deadlines = new Map<string, Setting & { obligation: string; basis: Basis }>(
        data.deadlines.map((deadline: { obligation: string }) => [deadline.obligation, deadline]),
      );
      const obligations = state.obligations.map((o) => {
        const deadline = deadlines.get(o.id);
        return deadline && !isFinal(o) ? newEpoch(o, at, clockOf(deadline), deadline.basis) : o;
      });
      return {
        ...next,
        status: 'communicated',
        communicate: undefined,
        obligations: withDecisionsOwed(obligations, at),
      };
    }
    case 'ResolutionFulfilled':
      return { ...next, status: 'fulfilled', communicate: undefined };
    case 'ResolutionRevoked':
      return { ...next, status: 'revoked', communicate: undefined, obligations: state.obligations.map(revoked) };
    case 'DutyMissed':
      if (data.obligation === undefined) {
        return state.communicate ? { ...next, communicate: { ...state.communicate, missed: data.count } } : next;
      }
  }
  if (data?.obligation === undefined) return next;
  const evolved = state.obligations.map((o) =>
    o.id === data.obligation ? evolveObligation(o, fact, next.revision) : o,
  );
  const obligations = type === 'ObligationRevoked' && state.status === 'communicated' ? withDecisionsOwed(evolved, at) : evolved; // prettier-ignore
  // Nobody owes a letter about a resolution of which nothing is left.
  const communicate = obligations.every(isFinal) ? undefined : state.communicate;
  return { ...next, obligations, communicate };
}
