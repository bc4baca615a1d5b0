import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message, type Role } from '#kernel';
import { CloseReferralData, OpenReferralData, RecordAnswerData } from './referral.commands.js';

/**
 * An obligation that was referred to a national or an oversight body: chased until answered. "Referred" is not "done":
 * nothing here touches the obligation's own clock.
 *
 * Both kinds live the same life. They are told apart by the names of their commands too, because a line of a timeline
 * names only the command and the id.
 */
export type ReferralEvent<Kind extends '' | 'Oversight' = ''> =
  | Message<`${Kind}ReferralOpened`, OpenReferralData>
  | Message<`${Kind}AnswerRecorded`, RecordAnswerData>
  | Message<`${Kind}ReferralClosed`, CloseReferralData>;

export type ReferralState =
  | { status: 'none' }
  | { status: 'open'; referral: OpenReferralData; answers: readonly RecordAnswerData[] }
  | { status: 'closed'; referral: OpenReferralData; answers: readonly RecordAnswerData[]; outcome: string };
type Existing = Exclude<ReferralState, { status: 'none' }>;

const ROLES: readonly Role[] = ['engine', 'secretary'];

function referralDecider<Kind extends '' | 'Oversight'>(
  aggregate: string,
  kind: Kind,
): AnyDecider<ReferralState, undefined> {
  const opened = `${kind}ReferralOpened`;
  const answered = `${kind}AnswerRecorded`;
  const closed = `${kind}ReferralClosed`;

  const existing = (id: string, state: ReferralState): Existing => {
    if (state.status !== 'none') return state;
    throw Refused.notFound(`There is no ${aggregate} "${id}".`);
  };
  const running = (id: string, state: ReferralState): Existing => {
    const now = existing(id, state);
    if (now.status === 'open') return now;
    throw new Refused('referral-closed', `The referral "${id}" is closed.`);
  };

  return {
    aggregate,
    initial: { status: 'none' },

    evolve(state, { type, data }: Fact): ReferralState {
      if (type === opened) return { status: 'open', referral: data, answers: [] };
      if (state.status !== 'open') return state;
      if (type === answered) return { ...state, answers: [...state.answers, data] };
      return type === closed ? { ...state, status: 'closed', outcome: data.outcome } : state;
    },

    commands: {
      [`Open${kind}Referral`]: {
        data: OpenReferralData,
        roles: ROLES,
        decide({ id, data }: Asked<OpenReferralData>, state) {
          if (state.status === 'none') return [{ type: opened, data: { ...data } }];
          if (sameJson(state.referral, data)) return [];
          throw new Refused('already-open', `There is already another referral "${id}".`);
        },
      },
      [`Record${kind}Answer`]: {
        data: RecordAnswerData,
        roles: ROLES,
        decide({ id, data }: Asked<RecordAnswerData>, state) {
          const known = existing(id, state).answers.some((answer) => sameJson(answer, data));
          if (known) return [];
          running(id, state);
          return [{ type: answered, data: { ...data } }];
        },
      },
      [`Close${kind}Referral`]: {
        data: CloseReferralData,
        roles: ROLES,
        decide({ id, data }: Asked<CloseReferralData>, state) {
          if (state.status === 'closed' && state.outcome === data.outcome) return [];
          running(id, state);
          return [{ type: closed, data: { ...data } }];
        },
      },
    },
  };
}

export const nationalReferralDecider = referralDecider('nationalReferral', '');
export const oversightReferralDecider = referralDecider('oversightReferral', 'Oversight');
