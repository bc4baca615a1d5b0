import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Instant, type Message } from '#kernel';
import { dateOf, dayOf } from '#calendar';
import { dateOfSession, officeDay, partsOfSession, unitDecider, workingGroupDecider } from '#directory';
import {
  CloseCaseData,
  EndResolutionData,
  LinkResolutionData,
  NoteData,
  OpenCaseData,
  RecordOutcomeCheckData,
  ReopenCaseData,
  ReviewCaseData,
  TableCaseData,
  TransferCaseData,
} from './case.commands.js';
import { trackingCode } from './tracking-code.js';

/**
 * One unit's problem, from intake to outcome: opened → reviewed → tabled → closed, and open again if need be. What
 * becomes of its resolutions is brought by policies; what the unit says of the outcome stands until it says otherwise.
 */
export type CaseEvent =
  | Message<'CaseOpened', OpenCaseData & { trackingCode: string }>
  | Message<'CaseReviewed', ReviewCaseData>
  | Message<'CaseTabled', { session: string; workingGroup: string }>
  | Message<'CaseTransferred', { workingGroup: string; from?: string }>
  | Message<'ResolutionLinked', LinkResolutionData>
  | Message<'ResolutionEnded', EndResolutionData>
  | Message<'OutcomeConfirmed' | 'OutcomeObjected', NoteData>
  | Message<'CaseClosed', CloseCaseData>
  | Message<'CaseReopened', ReopenCaseData>
  | Message<'OutcomeChecked', RecordOutcomeCheckData>;

/** Days after the closing from which the outcome can be checked, and is to be (FIELD row 23). */
export const CHECK_AFTER_DAYS = 90;

/** The first day on which the outcome of what was closed then can be checked, `YYYY-MM-DD`. */
export const checkedFrom = (closedAt: Instant): string => dateOf(dayOf(officeDay(closedAt)) + CHECK_AFTER_DAYS);

/** What is known of a case in every state. */
interface Known {
  intake: OpenCaseData;
  workingGroup?: string;
  resolutions: Readonly<Record<string, 'running' | EndResolutionData['outcome']>>;
  answer?: { type: 'OutcomeConfirmed' | 'OutcomeObjected'; note: string };
}
export type CaseState =
  | { status: 'none' }
  | (Known & { status: 'opened' })
  | (Known & { status: 'reviewed'; review: ReviewCaseData })
  | (Known & { status: 'tabled'; review: ReviewCaseData; session: string })
  | (Known & {
      status: 'closed';
      review?: ReviewCaseData;
      outcome: string;
      solved?: boolean;
      closedAt: Instant;
      check?: RecordOutcomeCheckData;
    });
type Existing = Exclude<CaseState, { status: 'none' }>;

/** `unknown`: a sentence on what the command names and nobody has registered. */
interface Context {
  unknown?: string;
}

/** Where a case stands when it is on no agenda: as far as its review has come. */
const offAgenda = ({ intake, workingGroup, resolutions, answer }: Known, review?: ReviewCaseData): CaseState => {
  const known = { intake, workingGroup, resolutions, answer };
  return review ? { ...known, status: 'reviewed', review } : { ...known, status: 'opened' };
};

const reviewOf = (state: Existing): ReviewCaseData | undefined =>
  state.status === 'opened' ? undefined : state.review;

export const caseDecider: AnyDecider<CaseState, Context> = {
  aggregate: 'case',
  initial: { status: 'none' },

  evolve(state, fact: Fact): CaseState {
    const event = fact as CaseEvent;
    if (event.type === 'CaseOpened') {
      const { trackingCode: _, ...intake } = event.data;
      return { status: 'opened', intake, resolutions: {} };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'CaseReviewed':
        return state.status === 'tabled' ? { ...state, review: event.data } : offAgenda(state, event.data);
      case 'CaseTabled':
        return { ...state, status: 'tabled', review: reviewOf(state)!, ...event.data };
      case 'CaseTransferred':
        return offAgenda({ ...state, workingGroup: event.data.workingGroup }, reviewOf(state));
      case 'ResolutionLinked':
        return { ...state, resolutions: { ...state.resolutions, [event.data.resolution]: 'running' } };
      case 'ResolutionEnded':
        return { ...state, resolutions: { ...state.resolutions, [event.data.resolution]: event.data.outcome } };
      case 'OutcomeConfirmed':
      case 'OutcomeObjected':
        return { ...state, answer: { type: event.type, note: event.data.note } };
      case 'CaseClosed':
        return { ...state, status: 'closed', review: reviewOf(state), ...event.data, closedAt: fact.at };
      case 'OutcomeChecked':
        return state.status === 'closed' ? { ...state, check: event.data } : state;
      case 'CaseReopened':
        // What the unit said of the former outcome says nothing of the next one.
        return offAgenda({ ...state, answer: undefined }, reviewOf(state));
      default:
        return state;
    }
  },

  async context({ name, data }, _state, reads): Promise<Context> {
    const missing = async (decider: AnyDecider, id: string, what: string) =>
      (await reads.state(decider, id)).revision < 0 ? { unknown: `There is no ${what} "${id}".` } : {};
    if (name === 'OpenCase' && data.unit) return missing(unitDecider, data.unit, 'unit');
    if (name === 'TransferCase') return missing(workingGroupDecider, data.workingGroup, 'working group');
    if (name === 'TableCase') {
      const session = partsOfSession(data.session);
      const group = session && (await reads.state(workingGroupDecider, session.group)).state;
      if (!group || !dateOfSession(group, session.number)) {
        return { unknown: `No working group has scheduled a session "${data.session}".` };
      }
    }
    return {};
  },

  commands: {
    OpenCase: {
      data: OpenCaseData,
      roles: ['secretary', 'expert', 'deputy', 'unit', 'engine'],
      own: ({ actor, data }: Asked<OpenCaseData>) => checkUnit(actor, data.unit),
      decide({ id, data }: Asked<OpenCaseData>, state, context): CaseEvent[] {
        if (state.status !== 'none') {
          if (sameJson(state.intake, data)) return [];
          throw new Refused('already-open', `There is already another case "${id}".`);
        }
        checkKnown(context);
        return [{ type: 'CaseOpened', data: { ...data, trackingCode: trackingCode(id) } }];
      },
    },
    ReviewCase: {
      data: ReviewCaseData,
      roles: ['expert'],
      decide({ id, data }: Asked<ReviewCaseData>, state): CaseEvent[] {
        const review = reviewOf(running(id, state));
        return review && sameJson(review, data) ? [] : [{ type: 'CaseReviewed', data: { ...data } }];
      },
    },
    TableCase: {
      data: TableCaseData,
      roles: ['secretary'],
      decide({ id, data: { session } }: Asked<TableCaseData>, state, context): CaseEvent[] {
        const now = running(id, state);
        if (now.status === 'opened') {
          throw new Refused('not-reviewed', `Case "${id}" has no expert review yet; it cannot go on an agenda.`);
        }
        checkKnown(context);
        if (now.status === 'tabled' && now.session === session) return [];
        return [{ type: 'CaseTabled', data: { session, workingGroup: partsOfSession(session)!.group } }];
      },
    },
    TransferCase: {
      data: TransferCaseData,
      roles: ['secretary'],
      decide({ id, data: { workingGroup } }: Asked<TransferCaseData>, state, context): CaseEvent[] {
        const { workingGroup: from } = running(id, state);
        checkKnown(context);
        return from === workingGroup ? [] : [{ type: 'CaseTransferred', data: { workingGroup, from } }];
      },
    },
    // The two facts that policies bring are taken in any order and in any state: they have happened.
    LinkResolution: {
      data: LinkResolutionData,
      roles: ['engine'],
      decide({ id, data }: Asked<LinkResolutionData>, state): CaseEvent[] {
        const known = existing(id, state).resolutions[data.resolution];
        return known ? [] : [{ type: 'ResolutionLinked', data: { ...data } }];
      },
    },
    EndResolution: {
      data: EndResolutionData,
      roles: ['engine'],
      decide({ id, data }: Asked<EndResolutionData>, state): CaseEvent[] {
        const known = existing(id, state).resolutions[data.resolution];
        return known && known !== 'running' ? [] : [{ type: 'ResolutionEnded', data: { ...data } }];
      },
    },
    ConfirmOutcome: {
      data: NoteData,
      roles: ['unit', 'secretary'],
      own: ownCase,
      decide: (asked: Asked<NoteData>, state) => answered('OutcomeConfirmed', asked, state),
    },
    ObjectToOutcome: {
      data: NoteData,
      roles: ['unit', 'secretary'],
      own: ownCase,
      decide: (asked: Asked<NoteData>, state) => answered('OutcomeObjected', asked, state),
    },
    CloseCase: {
      data: CloseCaseData,
      roles: ['secretary'],
      decide({ id, data }: Asked<CloseCaseData>, state): CaseEvent[] {
        if (state.status === 'closed' && sameJson({ outcome: state.outcome, solved: state.solved }, data)) return [];
        const { resolutions, answer } = running(id, state);
        const still = Object.keys(resolutions).filter((resolution) => resolutions[resolution] === 'running');
        if (still.length > 0) {
          throw new Refused('resolution-running', `Case "${id}" cannot be closed while ${still.join(', ')} runs.`);
        }
        if (answer?.type === 'OutcomeObjected') {
          throw new Refused('objection-stands', `Case "${id}" cannot be closed: the unit objects (${answer.note}).`);
        }
        return [{ type: 'CaseClosed', data: { ...data } }];
      },
    },
    RecordOutcomeCheck: {
      data: RecordOutcomeCheckData,
      roles: ['secretary', 'expert'],
      decide({ id, data, now }: Asked<RecordOutcomeCheckData>, state): CaseEvent[] {
        const closed = existing(id, state);
        if (closed.status !== 'closed') {
          throw new Refused(
            'not-closed',
            `Case "${id}" is not closed; its outcome is checked ${CHECK_AFTER_DAYS} days later.`,
          );
        }
        if (closed.check && sameJson(closed.check, data)) return [];
        const from = checkedFrom(closed.closedAt);
        if (officeDay(now) < from) {
          throw new Refused('too-early', `The outcome of case "${id}" is checked from ${from} on.`);
        }
        return [{ type: 'OutcomeChecked', data: { ...data } }];
      },
    },
    ReopenCase: {
      data: ReopenCaseData,
      roles: ['secretary'],
      decide: ({ id, data }: Asked<ReopenCaseData>, state): CaseEvent[] =>
        existing(id, state).status === 'closed' ? [{ type: 'CaseReopened', data: { ...data } }] : [],
    },
  },
};

function existing(id: string, state: CaseState): Existing {
  if (state.status !== 'none') return state;
  throw Refused.notFound(`There is no case "${id}".`);
}

function running(id: string, state: CaseState): Exclude<Existing, { status: 'closed' }> {
  const now = existing(id, state);
  if (now.status !== 'closed') return now;
  throw new Refused('case-closed', `Case "${id}" is closed; the secretary can reopen it.`);
}

function answered(
  type: 'OutcomeConfirmed' | 'OutcomeObjected',
  { id, data }: Asked<NoteData>,
  state: CaseState,
): CaseEvent[] {
  const { answer } = running(id, state);
  return answer && sameJson(answer, { type, ...data }) ? [] : [{ type, data: { ...data } }];
}

function checkKnown({ unknown }: Context): void {
  if (unknown) throw new Refused('invalid', unknown);
}

/** A unit's people act for their own unit only; a token without a unit acts for none. */
function checkUnit(actor: Asked['actor'], unit: string | undefined): void {
  if (actor.role === 'unit' && (!actor.unit || actor.unit !== unit)) {
    throw Refused.forbidden('A unit acts only on its own cases.');
  }
}

function ownCase({ actor }: Asked, state: CaseState): void {
  if (state.status !== 'none') checkUnit(actor, state.intake.unit);
}
