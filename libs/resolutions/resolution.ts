import {
  Refused,
  streamOf,
  type AnyDecider,
  type Asked,
  type CommandRule,
  type DataClass,
  type Decided,
  type Instant,
  type Reads,
  type Role,
} from '#kernel';
import {
  extendClock,
  remainingOf,
  resumeClock,
  startClock,
  termOf,
  type CalendarHistory,
  type Setting,
  type Term,
} from '#calendar';
import { agencyDecider, calendarDecider, DEFAULT_CALENDAR } from '#directory';
import { checkObligations, readReferences, type References } from './obligation.js';
import * as body from './resolution.commands.js';
import { anyObligation, existing, exists, find, judges, notOwnAgency, open, owes, refuse, ROWS, type On } from './rows.js'; // prettier-ignore
import { calendarsOf, knownAt, settle, type ClockContext } from './settle.js';
import {
  evolve,
  isFinal,
  isMet,
  type Basis,
  type Obligation,
  type PinnedObligation,
  type State,
  waitingFor,
} from './state.js';

/** Facts of other streams: the calendars always, the rest for the commands that need them. */
export interface Context extends ClockContext {
  /** IssueResolution: what its obligations refer to. */
  refs?: References;
  /** ReassignObligation: the new owner's calendar, absent when there is no such agency. */
  newOwner?: { calendar: string };
  /** For a unit: whose case this resolution belongs to. */
  caseUnit?: string;
}

/** A clock's new setting as it stands in an event: what it counts from, when it falls due, by which calendar. */
const setting = ({ dueAt, anchor }: Setting, basis: Basis) => ({ dueAt, ...(anchor && { anchor, basis }) });

const sameUnit = ({ clock }: Obligation, term: Term): boolean =>
  (clock!.anchor !== undefined) === (term.workingDays !== undefined);

/**
 * What follows from a verdict in the same append: the clocks that waited for what is met now start, counted from now, and
 * the event that leaves every obligation met or revoked, at least one of them met, is followed by ResolutionFulfilled.
 */
function withConsequences(state: State, decided: Decided[], { now, actor }: Asked, context: Context): Decided[] {
  const after = decided.reduce<State>(
    (s, { type, data, at }) => evolve(s, { type, data, at: at ?? now, by: actor }),
    state,
  )!;
  if (after.status !== 'communicated' && after.status !== 'issued') return decided;
  if (after.obligations.every(isFinal) && after.obligations.some(isMet)) {
    return [...decided, { type: 'ResolutionFulfilled', data: { ...(after.case && { case: after.case }) } }];
  }
  if (after.status !== 'communicated') return decided;
  const ready = after.obligations.filter((o) => o.status === 'issued' && waitingFor(o, after).waitsFor.length === 0);
  const started = ready.map((o) => ({
    type: 'DeadlineStarted',
    data: { obligation: o.id, after: o.dependsOn, ...starting(o, now, context) },
  }));
  return [...decided, ...started];
}

/** A clock that starts at `now`, as it stands in the event that starts it. */
function starting({ term, calendar }: Pick<Obligation, 'term' | 'calendar'>, now: Instant, context: Context) {
  const { view, basis } = knownAt(context, calendar, now);
  return setting(startClock(term, now, view), basis);
}

const SECRETARY: readonly Role[] = ['secretary'];
const AGENCY: readonly Role[] = ['agency'];
const AGENCY_OR_REGISTRAR: readonly Role[] = ['agency', 'registrar'];
const JUDGES: readonly Role[] = ['secretary', 'expert', 'deputy', 'oversight', 'unit'];
const DECIDERS: readonly Role[] = ['secretary', 'deputy', 'governor'];
const GOVERNOR: readonly Role[] = ['governor'];
const ENGINE_ONLY: readonly Role[] = ['engine'];

/** A command that only says something about an open obligation. */
const speaking = (
  type: string,
  data: DataClass,
  roles: readonly Role[],
  more: Partial<CommandRule> = {},
): CommandRule => ({
  data,
  roles,
  own: owes,
  decide: (asked, state) => {
    open(state, asked.data, ROWS.speak);
    return [{ type, data: dated(asked) }];
  },
  ...more,
});

/** The data of an event that may be late truth: when it happened, on which document, and when the engine learned of it. */
const dated = ({ data, occurredAt, document, now }: Asked) =>
  occurredAt === undefined ? data : { ...data, document, registeredAt: now };
const whenDated = ({ occurredAt }: Asked) => (occurredAt === undefined ? {} : { at: occurredAt });

const referring = (type: string): CommandRule => ({
  data: body.Refer,
  roles: GOVERNOR,
  own: anyObligation,
  decide(asked: On<body.Refer>, state) {
    const o = open(state, asked.data, ROWS.speak);
    return [{ type, data: { ...asked.data, n: o.referrals + 1 } }];
  },
});

const wakeUp: CommandRule = { data: body.WakeUp, roles: ENGINE_ONLY, own: exists, decide: () => [] };

const commands: Record<string, CommandRule<State, Context>> = {
  IssueResolution: {
    data: body.IssueResolution,
    recall: (data) => ({
      ...data,
      obligations: data.obligations.map((o: PinnedObligation) => (o.calendarNamed ? o : { ...o, calendar: undefined })),
    }),
    roles: ['engine', 'registrar'],
    own({ actor, importing }) {
      if (actor.role === 'registrar' && !importing) {
        throw Refused.forbidden(
          'A registrar issues resolutions only inside an import; signed minutes issue the others.',
        );
      }
    },
    decide({ data }: Asked<body.IssueResolution>, state, { refs }) {
      if (state) return [];
      const { obligations, ...rest } = data;
      return [{ type: 'ResolutionIssued', data: { ...rest, obligations: checkObligations(obligations, refs!) } }];
    },
  },

  CommunicateResolution: {
    data: body.CommunicateResolution,
    roles: SECRETARY,
    own: exists,
    decide({ data, now }: Asked<body.CommunicateResolution>, state, context) {
      const { status, obligations } = existing(state);
      const issued = obligations.filter((o) => o.status === 'issued');
      // An epoch tells of a letter that a revocation came after.
      if (status === 'communicated' || status === 'fulfilled' || obligations.some((o) => o.epoch > 0)) return [];
      if (status === 'revoked' || issued.length === 0) return refuse('closed');
      const deadlines = issued
        .filter((o) => waitingFor(o, { obligations }).waitsFor.length === 0)
        .map((o) => ({ obligation: o.id, ...starting(o, now, context) }));
      return [{ type: 'ResolutionCommunicated', data: { ...data, deadlines } }];
    },
  },

  AcknowledgeObligation: speaking('ObligationAcknowledged', body.AcknowledgeObligation, AGENCY_OR_REGISTRAR, {
    lateTruth: true,
    decide(asked, state) {
      const o = find(state, asked.data.obligation);
      if (o.acknowledged) return [];
      open(state, asked.data, ROWS.speak);
      return [{ type: 'ObligationAcknowledged', data: dated(asked), ...whenDated(asked) }];
    },
  }),
  ReportProgress: speaking('ProgressReported', body.ReportProgress, AGENCY_OR_REGISTRAR, {
    lateTruth: true,
    decide(asked, state) {
      open(state, asked.data, ROWS.speak);
      return [{ type: 'ProgressReported', data: dated(asked), ...whenDated(asked) }];
    },
  }),
  DisputeObligation: speaking('ObligationDisputed', body.DisputeObligation, AGENCY),

  ReportCompliance: {
    data: body.ReportCompliance,
    roles: AGENCY_OR_REGISTRAR,
    own: owes,
    lateTruth: true,
    decide(asked: On<body.ReportCompliance>, state) {
      const o = open(state, asked.data, ROWS.report);
      if (o.claim) return refuse('claim-pending');
      const at = asked.occurredAt ?? asked.now;
      // Suspended before a miss, the clock stands still: whatever comes then is in time.
      const late = o.suspension && !o.missed ? false : at >= o.clock!.dueAt;
      return [{ type: 'AgencyComplied', data: { ...dated(asked), late }, ...whenDated(asked) }];
    },
  },

  VerifyCompliance: {
    data: body.JudgeCompliance,
    roles: JUDGES,
    own: judges,
    decide(asked: On<body.JudgeCompliance>, state, context) {
      const o = open(state, asked.data, ROWS.judge);
      if (!o.claim) return refuse('no-claim');
      const { late, revision } = o.claim;
      const decided: Decided[] = [{ type: 'ComplianceVerified', data: { ...asked.data, late } }];
      if (o.missed && !late) {
        if (asked.actor.role !== 'oversight') {
          throw Refused.forbidden(
            'This claim is dated before the recorded miss; only an oversight body may take the miss back.',
            'retraction-needs-oversight',
          );
        }
        const cause = { stream: streamOf('resolution', asked.id), revision, type: 'AgencyComplied' };
        decided.unshift({ type: 'MissRetracted', data: { obligation: o.id, dueAt: o.clock!.dueAt, cause } });
      }
      return withConsequences(state, decided, asked, context);
    },
  },
  RefuteCompliance: {
    data: body.JudgeCompliance,
    roles: JUDGES,
    own: judges,
    decide({ data }: On<body.JudgeCompliance>, state) {
      const o = open(state, data, ROWS.judge);
      if (!o.claim) return refuse('no-claim');
      return [{ type: 'ComplianceRefuted', data: { ...data, late: o.claim.late } }];
    },
  },

  RequestExtension: {
    data: body.ExtensionTerm,
    roles: AGENCY,
    own: owes,
    decide({ data }: On<body.ExtensionTerm>, state) {
      const o = open(state, data, ROWS.extend);
      checkExtension(o, data);
      return [{ type: 'ExtensionRequested', data }];
    },
  },
  GrantExtension: {
    data: body.ExtensionTerm,
    roles: DECIDERS,
    own: notOwnAgency,
    decide({ data, actor, now }: On<body.ExtensionTerm>, state, context) {
      const o = open(state, data, ROWS.extend);
      if (o.extensions >= 2 && actor.role !== 'governor') {
        throw Refused.forbidden('From the third extension on only the governor decides.', 'governor-only');
      }
      const term = checkExtension(o, data);
      const { view, basis } = knownAt(context, o.calendar, now);
      return [{ type: 'ExtensionGranted', data: { ...data, ...setting(extendClock(o.clock!, term, view), basis) } }];
    },
  },
  RefuseExtension: speaking('ExtensionRefused', body.RefuseExtension, DECIDERS, { own: anyObligation }),

  SuspendDeadline: {
    data: body.SuspendDeadline,
    roles: DECIDERS,
    own: notOwnAgency,
    decide({ data, now }: On<body.SuspendDeadline>, state, context) {
      const o = open(state, data, ROWS.suspend);
      const { view, basis } = knownAt(context, o.calendar, now);
      const remaining = o.suspension ? o.suspension.remaining : o.missed ? null : remainingOf(o.clock!, now, view);
      return [{ type: 'DeadlineSuspended', data: { ...data, remaining, ...(o.clock!.anchor && { basis }) } }];
    },
  },
  ResumeDeadline: {
    data: body.ResumeDeadline,
    roles: DECIDERS,
    own: notOwnAgency,
    decide({ data, now }: On<body.ResumeDeadline>, state, context) {
      const o = open(state, data, ROWS.resume);
      if (o.missed) return [{ type: 'DeadlineResumed', data: { ...data, dueAt: o.clock!.dueAt } }];
      const { view, basis } = knownAt(context, o.calendar, now);
      const clock = resumeClock(o.suspension!.remaining!, now, view);
      return [{ type: 'DeadlineResumed', data: { ...data, ...setting(clock, basis) } }];
    },
  },

  IssueDirective: {
    data: body.IssueDirective,
    roles: GOVERNOR,
    own: anyObligation,
    decide({ data, now }: On<body.IssueDirective>, state, context) {
      const withTerm = data.workingDays !== undefined || data.duration !== undefined;
      const o = open(state, data, withTerm ? ROWS.newTerm : ROWS.speak);
      if (!withTerm) return [{ type: 'GovernorDirected', data }];
      const clock = starting({ term: termOf(data), calendar: o.calendar }, now, context);
      return [{ type: 'GovernorDirected', data: { ...data, ...clock } }];
    },
  },
  ReassignObligation: {
    data: body.ReassignObligation,
    roles: ['secretary', 'governor'],
    own: anyObligation,
    decide({ data, now }: On<body.ReassignObligation>, state, context) {
      const o = open(state, data, ROWS.newTerm);
      const term = termOf(data);
      if (!context.newOwner) {
        throw new Refused('invalid', `The agency "${data.agency}" is not registered.`, 422, [
          { path: 'agency', reason: 'is not registered' },
        ]);
      }
      const calendar = o.calendarNamed ? o.calendar : context.newOwner.calendar;
      const clock = starting({ term, calendar }, now, context);
      return [{ type: 'ObligationReassigned', data: { ...data, from: o.agency, calendar, ...clock } }];
    },
  },

  ReferToOversight: referring('ReferredToOversight'),
  ReferToNational: referring('ReferredToNational'),

  RevokeObligation: {
    data: body.RevokeObligation,
    roles: GOVERNOR,
    own: anyObligation,
    decide(asked: On<body.RevokeObligation>, state, context) {
      open(state, asked.data, ROWS.revoke);
      const others = state!.obligations.filter((o) => o.id !== asked.data.obligation);
      const counts = { open: others.filter((o) => !isFinal(o)).length, met: others.filter(isMet).length };
      const data = { ...asked.data, ...counts, ...(state!.case && { case: state!.case }) };
      return withConsequences(state, [{ type: 'ObligationRevoked', data }], asked, context);
    },
  },
  RevokeResolution: {
    data: body.RevokeResolution,
    roles: GOVERNOR,
    own: exists,
    decide({ data }: Asked<body.RevokeResolution>, state) {
      const { status, obligations } = existing(state);
      if (status === 'revoked') return [];
      if (obligations.every(isFinal)) return refuse('closed');
      return [{ type: 'ResolutionRevoked', data: { ...data, ...(state!.case && { case: state!.case }) } }];
    },
  },

  FireRung: wakeUp,
  ReprojectDeadline: wakeUp,
};

function checkExtension(o: Obligation, data: body.ExtensionTerm): Term {
  const term = termOf(data);
  if (sameUnit(o, term)) return term;
  throw new Refused(
    'term-mismatch',
    `This clock runs in ${o.clock!.anchor ? 'working days' : 'durations'}; extend it in the same unit.`,
  );
}

async function context(asked: Asked, state: State, reads: Reads, province: string): Promise<Context> {
  const ids = new Set(state ? calendarsOf(state, province) : [province]);
  const more: Pick<Context, 'refs' | 'newOwner' | 'caseUnit'> = {};
  if (asked.name === 'IssueResolution') {
    if (!state) more.refs = await readReferences(asked.data.obligations, reads, province);
  } else if (asked.name === 'ReassignObligation') {
    const { state: agency } = await reads.state(agencyDecider, asked.data.agency);
    if (agency.status === 'registered') ids.add((more.newOwner = agency).calendar);
  }
  if (asked.actor.role === 'unit' && state?.case !== undefined) {
    more.caseUnit = (await reads.state(caseUnit, state.case)).state;
  }
  const calendars: Record<string, CalendarHistory> = { ...(more.refs?.calendars as Record<string, CalendarHistory>) };
  for (const id of ids) {
    const history = (await reads.state(calendarDecider, id)).state;
    if (history) calendars[id] = history;
  }
  return { province, calendars, ...more };
}

/** All that a resolution wants to know of a case: whose it is. */
const caseUnit: Pick<AnyDecider<string | undefined>, 'aggregate' | 'initial' | 'evolve'> = {
  aggregate: 'case',
  initial: undefined,
  evolve: (unit, { type, data }) => (type === 'CaseOpened' ? data.unit : unit),
};

/** A resolution and its obligations: one stream, one clock for each obligation. `province` names the province's calendar. */
export const resolutions = (province = DEFAULT_CALENDAR): AnyDecider<State, Context> => ({
  aggregate: 'resolution',
  initial: undefined,
  evolve,
  commands,
  settle,
  context: (asked, state, reads) => context(asked, state, reads, province),
});

export const resolutionDecider = resolutions();
