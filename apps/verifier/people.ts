import { acting, ERASED, splitStream, type Role } from '#kernel';
import { localDay, dateOf } from '#calendar';
import type { Leaf } from '#audit';
import type { Resolution } from '#resolutions';
import { ROLES_OF } from './roles.js';

/** Which facts each command leaves: with another name on it an event is nobody's deed. A spec holds it against the deciders. */
export const LEAVES: Readonly<Record<string, readonly string[]>> = {
  RegisterAgency: ['AgencyRegistered'],
  RegisterUnit: ['UnitRegistered'],
  DefineCalendar: ['CalendarDefined'],
  DeclareClosure: ['ClosureDeclared'],
  CancelClosure: ['ClosureCancelled'],
  DeclareHours: ['HoursDeclared'],
  DefineLadder: ['LadderDefined'],
  EstablishWorkingGroup: ['WorkingGroupEstablished'],
  ScheduleSession: ['SessionScheduled'],
  RescheduleSession: ['SessionRescheduled'],
  AppointHolder: ['HolderAppointed'],
  AppointSubstitute: ['SubstituteAppointed'],
  PlanVisit: ['VisitPlanned'],
  RecordFindings: ['VisitFindingsRecorded'],
  OpenCase: ['CaseOpened'],
  ReviewCase: ['CaseReviewed'],
  TableCase: ['CaseTabled'],
  TransferCase: ['CaseTransferred'],
  LinkResolution: ['ResolutionLinked'],
  EndResolution: ['ResolutionEnded'],
  ConfirmOutcome: ['OutcomeConfirmed'],
  ObjectToOutcome: ['OutcomeObjected'],
  CloseCase: ['CaseClosed'],
  ReopenCase: ['CaseReopened'],
  RecordOutcomeCheck: ['OutcomeChecked'],
  OpenSession: ['SessionOpened'],
  AdoptResolution: ['ResolutionAdopted'],
  SignMinutes: ['MinutesSigned'],
  IssueResolution: ['ResolutionIssued'],
  CommunicateResolution: ['ResolutionCommunicated'],
  AcknowledgeObligation: ['ObligationAcknowledged'],
  ReportProgress: ['ProgressReported'],
  DisputeObligation: ['ObligationDisputed'],
  ReportCompliance: ['AgencyComplied'],
  VerifyCompliance: ['ComplianceVerified', 'MissRetracted', 'DeadlineStarted', 'ResolutionFulfilled'],
  RefuteCompliance: ['ComplianceRefuted'],
  RequestExtension: ['ExtensionRequested'],
  GrantExtension: ['ExtensionGranted'],
  RefuseExtension: ['ExtensionRefused'],
  SuspendDeadline: ['DeadlineSuspended'],
  ResumeDeadline: ['DeadlineResumed'],
  IssueDirective: ['GovernorDirected'],
  ReassignObligation: ['ObligationReassigned'],
  ReferToOversight: ['ReferredToOversight'],
  ReferToNational: ['ReferredToNational'],
  RevokeObligation: ['ObligationRevoked', 'ResolutionFulfilled'],
  RevokeResolution: ['ResolutionRevoked'],
  OpenReferral: ['ReferralOpened'],
  RecordAnswer: ['AnswerRecorded'],
  CloseReferral: ['ReferralClosed'],
  OpenOversightReferral: ['ReferralOpened'],
  RecordOversightAnswer: ['AnswerRecorded'],
  CloseOversightReferral: ['ReferralClosed'],
  DefineTemplate: ['TemplateDefined'],
  RetireTemplate: ['TemplateRetired'],
  EraseData: ['DataErased'],
  RecordNoticeSent: ['NoticeSent', 'NoticeDelivered'],
  RecordNoticeDelivered: ['NoticeDelivered'],
  ResendNotice: ['NoticeResendAsked'],
  AcknowledgeNotice: ['NoticeAcknowledged'],
  DefineNoticeTemplate: ['NoticeTemplateDefined'],
  SetOfficeContacts: ['ContactsSet'],
  SetAgencyContacts: ['ContactsSet'],
  DisableWebhook: ['WebhookDisabled'],
  RecordNoticeFailed: ['NoticeFailed'],
  DrawHandover: ['HandoverDrawn'],
  SignHandover: ['HandoverSigned'],
  RecordReads: ['ReadsRecorded'],
};
/** What the engine does by itself, on nobody's command. */
export const BY_ITSELF: readonly string[] = [
  'AgencyReminded',
  'DeadlineMissed',
  'ObligationEscalated',
  'DutyMissed',
  'DeadlineMoved',
  'MissRetracted',
];
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

const MAX_APPOINTMENTS = 10_000;
const ACCOUNT = /^[\w.@:-]+$/;

interface Term {
  office: string;
  person: string;
  from: string;
  to?: string;
}

export type Breach = 'no-such-power' | 'not-in-office' | 'own-judge' | 'not-its-own';

/** Why nobody in this role can have left such an event; undefined when one can. */
function powerless({ stream, type, metadata }: Leaf, role: Role): string | undefined {
  const [aggregate] = splitStream(stream);
  const command = metadata.command ?? Object.keys(LEAVES).find((name) => LEAVES[name]!.includes(type));
  if (command === 'Settle') {
    if (role === 'engine' && BY_ITSELF.includes(type)) return undefined;
    return `${type} is nothing that happens by itself, or not by ${role}`;
  }
  const roles = ROLES_OF[aggregate]?.[command];
  if (!roles) return `there is no command ${command} for ${aggregate}`;
  if (!roles.includes(role)) return `${command} is not for the role ${role}`;
  return LEAVES[command]?.includes(type) ? undefined : `${command} leaves no ${type}`;
}

/** Who acted, and whether they were allowed to: by role, by office on that day, and never as judge of themselves. */
export class People {
  private readonly holders: (Term & { group: string })[] = [];
  private readonly substitutes: Term[] = [];
  private readonly actors = new Set<string>();
  /** Who made the claim that stands on an obligation. */
  private readonly claimants = new Map<string, string>();
  checked = 0;
  /** Acts in an office whose holder's name is closed. */
  unnamed = 0;

  take(leaf: Leaf, state: Resolution | undefined, breach: (kind: Breach, leaf: Leaf, what: string) => void): void {
    const { type, data } = leaf;
    const actor = acting(leaf.metadata.actor);
    this.checked += 1;
    const fault = powerless(leaf, actor.role);
    if (fault) breach('no-such-power', leaf, fault);
    const date = dateOf(localDay(leaf.metadata.occurredAt, 'Asia/Tehran'));
    this.actors.add(actor.id);
    const inOffice = this.inOffice(actor.role, date);
    // Of a holder whose name is not disclosed, or erased, nobody can tell.
    if (inOffice?.includes(ERASED)) this.unnamed += 1;
    else if (inOffice?.every((person) => this.isAccount(person)) && !inOffice.includes(actor.id)) {
      breach(
        'not-in-office',
        leaf,
        `${actor.id} acted as ${actor.role} on ${date}; the office was held by ${inOffice.join(', ') || 'nobody'}`,
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
      const claim = `${leaf.stream} ${data.obligation}`;
      if (type === 'AgencyComplied') this.claimants.set(claim, actor.id);
      if (type.startsWith('Compliance') && this.claimants.get(claim) === actor.id) {
        breach('own-judge', leaf, `${actor.id} judged a claim of their own`);
      }
    }
    const [, group] = splitStream(leaf.stream);
    if (this.holders.length + this.substitutes.length > MAX_APPOINTMENTS)
      throw new Error('there are more appointments than any province makes');
    if (type === 'HolderAppointed') this.holders.push({ ...data, group });
    if (type === 'SubstituteAppointed') this.substitutes.push(data);
  }

  /** An appointment may name a person as letters do; only what can be an account can be compared with accounts. */
  private isAccount(person: string): boolean {
    return ACCOUNT.test(person) || this.actors.has(person);
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
