import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message } from '#kernel';
import {
  AppointData,
  EstablishWorkingGroupData,
  type QuorumData,
  RescheduleSessionData,
  ScheduleSessionData,
} from './working-group.commands.js';

/** A body with a chair, a secretary and its own numbering of sessions. It also knows who holds its offices, and when. */
export interface WorkingGroup {
  name: string;
  chair: string;
  secretary: string;
  capacity: number;
  quorum?: QuorumData;
}
export type WorkingGroupState =
  | { status: 'unknown' }
  | {
      status: 'established';
      group: WorkingGroup;
      /** Dates of its sessions; session number n stands at n - 1, so numbers have no gaps. */
      sessions: readonly string[];
      holders: readonly AppointData[];
      substitutes: readonly AppointData[];
    };
type Established = Extract<WorkingGroupState, { status: 'established' }>;

export type WorkingGroupEvent =
  | Message<'WorkingGroupEstablished', WorkingGroup>
  | Message<'SessionScheduled', { number: number; date: string; session: string }>
  | Message<'SessionRescheduled', { number: number; date: string; session: string; from: string; reason?: string }>
  | Message<'HolderAppointed' | 'SubstituteAppointed', AppointData>;

/** CONTRACT section 1: the agenda of an Economic Tuesday. */
const DEFAULT_CAPACITY = 14;
/** Ids of sessions, resolutions and referrals are made from the group's, and an id has at most 100 characters. */
const MAX_GROUP_ID = 40;

/** Whether enough were present; undefined where the group asks for no number. Who is listed twice is one. */
export function quorumOf({ quorum }: Pick<WorkingGroup, 'quorum'>, attendance: readonly string[]) {
  if (!quorum) return undefined;
  const present = new Set(attendance.map((who) => who.trim())).size;
  return { needed: quorum.members, present, met: present >= quorum.members };
}

/** The id of a group's session: `facilitation-9`. */
export const sessionId = (group: string, number: number): string => `${group}-${number}`;

/** `facilitation-9` → its group and number; undefined when that is no session's id. */
export function partsOfSession(session: string): { group: string; number: number } | undefined {
  const [, group, number] = /^(.+)-([1-9]\d{0,5})$/.exec(session) ?? [];
  return group && number ? { group, number: Number(number) } : undefined;
}

/** The date of a session that its group has scheduled. */
export const dateOfSession = (group: WorkingGroupState, number: number): string | undefined =>
  group.status === 'established' ? group.sessions[number - 1] : undefined;

export const workingGroupDecider: AnyDecider<WorkingGroupState, undefined> = {
  aggregate: 'workingGroup',
  initial: { status: 'unknown' },

  evolve(state, fact: Fact): WorkingGroupState {
    const event = fact as WorkingGroupEvent;
    if (event.type === 'WorkingGroupEstablished') {
      return { status: 'established', group: event.data, sessions: [], holders: [], substitutes: [] };
    }
    if (state.status === 'unknown') return state;
    switch (event.type) {
      case 'SessionScheduled':
        return { ...state, sessions: [...state.sessions, event.data.date] };
      case 'SessionRescheduled':
        return { ...state, sessions: state.sessions.with(event.data.number - 1, event.data.date) };
      case 'HolderAppointed':
        return { ...state, holders: [...state.holders, event.data] };
      case 'SubstituteAppointed':
        return { ...state, substitutes: [...state.substitutes, event.data] };
      default:
        return state;
    }
  },

  commands: {
    EstablishWorkingGroup: {
      data: EstablishWorkingGroupData,
      roles: ['admin'],
      decide({ id, data }: Asked<EstablishWorkingGroupData>, state): WorkingGroupEvent[] {
        const group: WorkingGroup = { ...data, capacity: data.capacity ?? DEFAULT_CAPACITY };
        if (state.status === 'established') {
          if (sameJson(state.group, group)) return [];
          throw new Refused('already-established', `The working group "${id}" is already established, differently.`);
        }
        if (id.length > MAX_GROUP_ID) {
          throw new Refused('invalid', `A working group's id has at most ${MAX_GROUP_ID} characters.`);
        }
        return [{ type: 'WorkingGroupEstablished', data: group }];
      },
    },
    ScheduleSession: {
      data: ScheduleSessionData,
      roles: ['secretary'],
      decide({ id, data }: Asked<ScheduleSessionData>, state): WorkingGroupEvent[] {
        const number = established(id, state).sessions.length + 1;
        return [{ type: 'SessionScheduled', data: { number, date: data.date, session: sessionId(id, number) } }];
      },
    },
    RescheduleSession: {
      data: RescheduleSessionData,
      roles: ['secretary'],
      decide({ id, data }: Asked<RescheduleSessionData>, state): WorkingGroupEvent[] {
        const from = dateOfSession(established(id, state), data.number);
        if (!from) throw Refused.notFound(`"${id}" has no session number ${data.number}; schedule it first.`);
        if (from === data.date) return [];
        return [{ type: 'SessionRescheduled', data: { ...data, session: sessionId(id, data.number), from } }];
      },
    },
    AppointHolder: {
      data: AppointData,
      roles: ['admin', 'governor'],
      decide({ id, data }: Asked<AppointData>, state): WorkingGroupEvent[] {
        const { holders } = established(id, state);
        checkTerm(data);
        // A new holder ends the one before; only the same appointment again is no fact.
        if (holders.some((one) => sameJson(one, data))) return [];
        return [{ type: 'HolderAppointed', data: { ...data } }];
      },
    },
    AppointSubstitute: {
      data: AppointData,
      roles: ['admin', 'governor'],
      decide({ id, data }: Asked<AppointData>, state): WorkingGroupEvent[] {
        const { substitutes } = established(id, state);
        checkTerm(data);
        if (substitutes.some((one) => sameJson(one, data))) return [];
        const other = substitutes.find((one) => one.office === data.office && overlap(one, data));
        if (other) {
          throw new Refused(
            'overlap',
            `${other.person} already substitutes for "${data.office}" from ${other.from} to ${other.to ?? 'further notice'}.`,
          );
        }
        return [{ type: 'SubstituteAppointed', data: { ...data } }];
      },
    },
  },
};

function established(id: string, state: WorkingGroupState): Established {
  if (state.status === 'established') return state;
  throw Refused.notFound(`There is no working group "${id}".`);
}

function checkTerm({ from, to }: AppointData): void {
  if (to && to < from) throw new Refused('invalid', `An appointment cannot end (${to}) before it begins (${from}).`);
}

/** Both ends belong to the appointment; ISO dates compare as strings. */
const overlap = (a: AppointData, b: AppointData): boolean => (!a.to || b.from <= a.to) && (!b.to || a.from <= b.to);
