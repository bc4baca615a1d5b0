import { acting, splitStream, type Role } from '#kernel';
import { localDay, dateOf } from '#calendar';
import type { Leaf } from '#audit';
import type { Resolution } from '#resolutions';

const DECIDERS: readonly Role[] = ['secretary', 'deputy', 'governor'];
const JUDGES: readonly Role[] = ['secretary', 'expert', 'deputy', 'oversight', 'unit'];
const ENGINE: readonly Role[] = ['engine'];
const OWN: readonly Role[] = ['agency', 'registrar'];

/** Who may make each event (CONTRACT section 3). What is not listed here anybody may have made. */
const MAY: Readonly<Record<string, readonly Role[]>> = {
  AgencyRegistered: ['admin', 'secretary'],
  UnitRegistered: ['secretary', 'deputy', 'agency'],
  CalendarDefined: ['admin'],
  ClosureDeclared: ['governor', 'deputy', 'admin'],
  ClosureCancelled: ['governor', 'deputy', 'admin'],
  HoursDeclared: ['governor', 'deputy', 'admin'],
  LadderDefined: ['admin', 'governor'],
  WorkingGroupEstablished: ['admin'],
  SessionScheduled: ['secretary'],
  SessionRescheduled: ['secretary'],
  HolderAppointed: ['admin', 'governor'],
  SubstituteAppointed: ['admin', 'governor'],
  VisitPlanned: ['secretary'],
  VisitFindingsRecorded: ['secretary', 'expert', 'deputy'],
  CaseOpened: ['secretary', 'expert', 'deputy', 'unit', 'engine'],
  CaseReviewed: ['expert'],
  CaseTabled: ['secretary'],
  CaseTransferred: ['secretary'],
  OutcomeConfirmed: ['unit', 'secretary'],
  OutcomeObjected: ['unit', 'secretary'],
  CaseClosed: ['secretary'],
  CaseReopened: ['secretary'],
  OutcomeChecked: ['secretary', 'expert'],
  SessionOpened: ['secretary'],
  ResolutionAdopted: ['secretary'],
  MinutesSigned: ['governor', 'deputy'],
  ResolutionIssued: ['engine', 'registrar'],
  ResolutionCommunicated: ['secretary'],
  ObligationAcknowledged: OWN,
  ProgressReported: OWN,
  ObligationDisputed: ['agency'],
  ObligationReassigned: ['secretary', 'governor'],
  AgencyComplied: OWN,
  ComplianceVerified: JUDGES,
  ComplianceRefuted: JUDGES,
  ExtensionRequested: ['agency'],
  ExtensionGranted: DECIDERS,
  ExtensionRefused: DECIDERS,
  DeadlineSuspended: DECIDERS,
  DeadlineResumed: DECIDERS,
  AgencyReminded: ENGINE,
  DeadlineMissed: ENGINE,
  ObligationEscalated: ENGINE,
  DutyMissed: ENGINE,
  DeadlineMoved: ENGINE,
  MissRetracted: ['engine', 'oversight'],
  GovernorDirected: ['governor'],
  ReferredToOversight: ['governor'],
  ReferredToNational: ['governor'],
  ObligationRevoked: ['governor'],
  ResolutionRevoked: ['governor'],
  DataErased: ['admin'],
};
/** What whoever belongs to the owing agency may not do. */
const JUDGING = ['ComplianceVerified', 'ComplianceRefuted', 'ExtensionGranted', 'DeadlineSuspended', 'DeadlineResumed'];
/** What an agency does about its own obligation only. */
const OWNING = [
  'ObligationAcknowledged',
  'ProgressReported',
  'ObligationDisputed',
  'AgencyComplied',
  'ExtensionRequested',
];

interface Term {
  office: string;
  person: string;
  from: string;
  to?: string;
}

export type Breach = 'no-such-power' | 'not-in-office' | 'own-judge' | 'not-its-own';

/** Who acted, and whether they were allowed to: by role, by office on that day, and never as judge of themselves. */
export class People {
  private readonly holders: (Term & { group: string })[] = [];
  private readonly substitutes: Term[] = [];
  checked = 0;

  take(leaf: Leaf, state: Resolution | undefined, breach: (kind: Breach, leaf: Leaf, what: string) => void): void {
    const { type, data } = leaf;
    const actor = acting(leaf.metadata.actor);
    const may = MAY[type];
    if (may) {
      this.checked += 1;
      if (!may.includes(actor.role)) breach('no-such-power', leaf, `${type} is not for the role ${actor.role}`);
    }
    const date = dateOf(localDay(leaf.metadata.occurredAt, 'Asia/Tehran'));
    const inOffice = this.inOffice(actor.role, date);
    if (inOffice && !inOffice.includes(actor.id)) {
      breach(
        'not-in-office',
        leaf,
        `${actor.id} acted as ${actor.role} on ${date}; the office was held by ${inOffice.join(', ')}`,
      );
    }
    const owner = state?.obligations.find(({ id }) => id === data.obligation)?.agency;
    if (owner !== undefined) {
      if (JUDGING.includes(type) && leaf.metadata.actor.agency === owner) {
        breach('own-judge', leaf, `${actor.id} belongs to ${owner} and judged what ${owner} owes`);
      }
      if (OWNING.includes(type) && actor.role === 'agency' && actor.agency !== owner) {
        breach('not-its-own', leaf, `${actor.agency ?? actor.id} spoke for what ${owner} owes`);
      }
    }
    const [, group] = splitStream(leaf.stream);
    if (type === 'HolderAppointed') this.holders.push({ ...data, group });
    if (type === 'SubstituteAppointed') this.substitutes.push(data);
  }

  /** Who held it on that date, substitutes included; undefined when nobody was ever appointed before. */
  private inOffice(office: string, date: string): string[] | undefined {
    // In each working group, a new holder ends the one before.
    const latest = new Map<string, Term>();
    for (const term of this.holders) {
      const before = latest.get(term.group);
      if (term.office === office && term.from <= date && (!before || before.from <= term.from))
        latest.set(term.group, term);
    }
    if (latest.size === 0) return undefined;
    const holds = ({ from, to }: Term) => from <= date && (to === undefined || date <= to);
    const substitutes = this.substitutes.filter((term) => term.office === office && holds(term));
    return [...[...latest.values()].filter(holds), ...substitutes].map(({ person }) => person);
  }
}
