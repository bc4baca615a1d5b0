import { MAX_DATA_BYTES, Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message } from '#kernel';
import { dateOfSession, DEFAULT_CALENDAR, partsOfSession, quorumOf, workingGroupDecider } from '#directory';
import { checkObligations, readReferences, type References } from '#resolutions';
import { AdoptResolutionData, OpenSessionData, SignMinutesData } from './session.commands.js';

/**
 * A numbered meeting of a working group: opened, then resolutions are adopted one by one, then the minutes are signed
 * and nothing is added. Its id is `<group>-<number>`; its resolutions will be `<session>-<ordinal>`.
 */
export type SessionEvent =
  | Message<'SessionOpened', OpenSessionData & { workingGroup: string; number: number; date: string }>
  | Message<'ResolutionAdopted', Adopted>
  | Message<'MinutesSigned', { workingGroup: string; number: number; adopted: number }>;

export interface Adopted extends AdoptResolutionData {
  /** Counts from 1 within the session. */
  ordinal: number;
  /** The id under which it will be issued. */
  resolution: string;
  /** As it stands in letters: `9/3` is the third of the ninth session. */
  number: string;
}
interface Meeting {
  workingGroup: string;
  number: number;
  attendance: readonly string[];
  adopted: readonly Adopted[];
}
export type SessionState = { status: 'unopened' } | ({ status: 'open' } & Meeting) | ({ status: 'signed' } & Meeting);

interface Context {
  /** OpenSession: when the group has scheduled it; absent when it has not. */
  date?: string;
  /** OpenSession: what the group asks for, where it asks for it. */
  group?: Parameters<typeof quorumOf>[0];
  /** AdoptResolution. */
  caseKnown?: boolean;
  refs?: References;
}

/** All that a session asks about a case is whether there is one. */
const anyCase: Pick<AnyDecider<null>, 'aggregate' | 'initial' | 'evolve'> = {
  aggregate: 'case',
  initial: null,
  evolve: () => null,
};

/** `province` names the province's calendar, on which the offices' duties are counted. */
export const sessions = (province = DEFAULT_CALENDAR): AnyDecider<SessionState, Context> => ({
  aggregate: 'session',
  initial: { status: 'unopened' },

  evolve(state, fact: Fact): SessionState {
    const event = fact as SessionEvent;
    if (event.type === 'SessionOpened') {
      const { workingGroup, number, attendance } = event.data;
      return { status: 'open', workingGroup, number, attendance, adopted: [] };
    }
    if (state.status === 'unopened') return state;
    switch (event.type) {
      case 'ResolutionAdopted':
        return { ...state, adopted: [...state.adopted, event.data] };
      case 'MinutesSigned':
        return { ...state, status: 'signed' };
      default:
        return state;
    }
  },

  async context({ name, id, data }, _state, reads): Promise<Context> {
    if (name === 'OpenSession') {
      const parts = partsOfSession(id);
      if (!parts) return {};
      const { state } = await reads.state(workingGroupDecider, parts.group);
      return {
        date: dateOfSession(state, parts.number),
        ...(state.status === 'established' && { group: state.group }),
      };
    }
    if (name === 'AdoptResolution') {
      const caseKnown = !data.case || (await reads.state(anyCase, data.case)).revision >= 0;
      return { caseKnown, refs: await readReferences(data.obligations, reads, province) };
    }
    return {};
  },

  commands: {
    OpenSession: {
      data: OpenSessionData,
      roles: ['secretary'],
      decide({ id, data }: Asked<OpenSessionData>, state, { date, group }): SessionEvent[] {
        if (state.status !== 'unopened') {
          if (sameJson(state.attendance, data.attendance)) return [];
          throw new Refused('already-open', `The session "${id}" was already opened, with another attendance.`);
        }
        if (!date) throw Refused.notFound(`No working group has scheduled a session "${id}".`);
        const quorum = group && quorumOf(group, data.attendance);
        if (quorum && group.quorum!.required && !quorum.met) {
          const counted = `${quorum.present} of the ${quorum.needed} who must be present`;
          throw new Refused('no-quorum', `The session "${id}" has ${counted}; its group opens none without them.`);
        }
        const { group: workingGroup, number } = partsOfSession(id)!;
        return [{ type: 'SessionOpened', data: { workingGroup, number, date, ...data } }];
      },
    },
    AdoptResolution: {
      data: AdoptResolutionData,
      roles: ['secretary'],
      decide({ id, data }: Asked<AdoptResolutionData>, state, { caseKnown, refs }): SessionEvent[] {
        const { status, number, adopted } = opened(id, state);
        if (status === 'signed') {
          throw new Refused('minutes-signed', `The minutes of "${id}" are signed; nothing is adopted afterwards.`);
        }
        if (!caseKnown) throw new Refused('invalid', `There is no case "${data.case}".`);
        const ordinal = adopted.length + 1;
        const resolution = { ordinal, resolution: `${id}-${ordinal}`, number: `${number}/${ordinal}`, ...data };
        const pinned = checkObligations(data.obligations, refs!);
        // What is adopted must also fit into the ResolutionIssued that follows, with its rungs pinned.
        if (Buffer.byteLength(JSON.stringify({ ...resolution, obligations: pinned })) > MAX_DATA_BYTES) {
          throw new Refused(
            'invalid',
            `The resolution is larger than ${MAX_DATA_BYTES} bytes with its ladders; divide it.`,
          );
        }
        return [{ type: 'ResolutionAdopted', data: resolution }];
      },
    },
    SignMinutes: {
      data: SignMinutesData,
      roles: ['governor', 'deputy'],
      decide({ id }: Asked, state): SessionEvent[] {
        const { status, workingGroup, number, adopted } = opened(id, state);
        if (status === 'signed') return [];
        return [{ type: 'MinutesSigned', data: { workingGroup, number, adopted: adopted.length } }];
      },
    },
  },
});

export const sessionDecider = sessions();

function opened(id: string, state: SessionState): Exclude<SessionState, { status: 'unopened' }> {
  if (state.status !== 'unopened') return state;
  throw new Refused('session-not-open', `The session "${id}" has not been opened.`);
}
