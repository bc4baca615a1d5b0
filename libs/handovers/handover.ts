import { hash } from 'node:crypto';
import { canonicalJson, Refused, type AnyDecider, type Asked, type Fact, type Message, type Role } from '#kernel';
import { DrawHandoverData, SignHandoverData, type PARTIES } from './handover.commands.js';

/**
 * What was open for an office when its holder changed, on a list that both sign: who leaves and who comes. Its stream is
 * `handover-<group>-<n>`, n being the place of the appointment among those of the group.
 */
export type HandoverEvent =
  | Message<'HandoverDrawn', DrawHandoverData & { sha256: string }>
  | Message<'HandoverSigned', SignHandoverData & { inPlace: boolean }>;

type Party = (typeof PARTIES)[number];
export type HandoverState =
  | { status: 'none' }
  | { status: 'drawn' | 'signed'; office: string; sha256: string; signed: Readonly<Partial<Record<Party, string>>> };

/** Whoever may hold an office that owes something. */
const OFFICERS: readonly Role[] = ['governor', 'deputy', 'secretary', 'expert', 'oversight'];

/** Of the list, not of the persons: their names can be erased, and a hash of few words could be guessed back to them. */
export function contentHash(list: DrawHandoverData): string {
  const { outgoing: _, incoming: __, ...content } = list;
  return hash('sha256', canonicalJson(content));
}

export const handoverDecider: AnyDecider<HandoverState, undefined> = {
  aggregate: 'handover',
  initial: { status: 'none' },

  evolve(state, fact: Fact): HandoverState {
    const event = fact as Fact & HandoverEvent;
    if (event.type === 'HandoverDrawn') {
      return { status: 'drawn', office: event.data.office, sha256: event.data.sha256, signed: {} };
    }
    if (event.type !== 'HandoverSigned' || state.status === 'none') return state;
    const signed = { ...state.signed, [event.data.party]: event.by.id };
    return { ...state, signed, status: signed.outgoing && signed.incoming ? 'signed' : 'drawn' };
  },

  commands: {
    DrawHandover: {
      data: DrawHandoverData,
      roles: ['engine'],
      decide({ data }: Asked<DrawHandoverData>, state): HandoverEvent[] {
        if (state.status !== 'none') return [];
        return [{ type: 'HandoverDrawn', data: { ...data, sha256: contentHash(data) } }];
      },
    },
    SignHandover: {
      data: SignHandoverData,
      roles: OFFICERS,
      own({ id, actor }: Asked, state): void {
        if (state.status === 'none') throw Refused.notFound(`There is no hand-over "${id}".`);
        // The governor stands in for who can no longer sign, and for offices that no role stands for.
        if (actor.role !== state.office && actor.role !== 'governor') {
          throw Refused.forbidden(`This hand-over is of the office "${state.office}"; its holders sign it.`);
        }
      },
      decide({ data, actor }: Asked<SignHandoverData>, state): HandoverEvent[] {
        if (state.status === 'none') return [];
        const { signed, office, sha256 } = state;
        if (data.sha256 !== sha256) {
          throw new Refused('list-differs', `What is signed must be the list that was drawn, with hash ${sha256}.`);
        }
        const before = signed[data.party];
        if (before === actor.id) return [];
        if (before) throw new Refused('already-signed', `The ${data.party} holder's signature is there, by ${before}.`);
        if (Object.values(signed).includes(actor.id)) {
          throw new Refused('same-person', 'Nobody hands an office over to himself: another one signs the other side.');
        }
        const inPlace = actor.role !== office;
        return [{ type: 'HandoverSigned', data: { ...data, inPlace } }];
      },
    },
  },
};
