import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message } from '#kernel';
import { RegisterAgencyData } from './agency.commands.js';
import { calendarDecider } from './calendar.js';

/** An executive body that owes obligations: a bank, the gas company, … Its calendar counts its working days. */
export interface Agency {
  name: string;
  kind: string;
  calendar: string;
}
export type AgencyState = { status: 'unknown' } | ({ status: 'registered' } & Agency);
export type AgencyEvent = Message<'AgencyRegistered', Agency>;

/** The province's own calendar, and everybody's who has no other (CONTRACT section 1). */
export const DEFAULT_CALENDAR = 'offices';

interface Context {
  calendarKnown: boolean;
}

export const agencyDecider: AnyDecider<AgencyState, Context> = {
  aggregate: 'agency',
  initial: { status: 'unknown' },

  evolve(state, fact: Fact): AgencyState {
    const event = fact as AgencyEvent;
    return event.type === 'AgencyRegistered' ? { status: 'registered', ...event.data } : state;
  },

  async context({ data }, _state, reads) {
    const { revision } = await reads.state(calendarDecider, data.calendar ?? DEFAULT_CALENDAR);
    return { calendarKnown: revision >= 0 };
  },

  commands: {
    RegisterAgency: {
      data: RegisterAgencyData,
      roles: ['admin', 'secretary'],
      decide({ id, data }: Asked<RegisterAgencyData>, state, { calendarKnown }): AgencyEvent[] {
        const agency: Agency = { name: data.name, kind: data.kind, calendar: data.calendar ?? DEFAULT_CALENDAR };
        if (state.status === 'registered') {
          if (sameJson(state, { status: 'registered', ...agency })) return [];
          throw new Refused('already-registered', `The agency "${id}" is already registered, with other particulars.`);
        }
        if (!calendarKnown) {
          throw new Refused(
            'invalid',
            `There is no calendar "${agency.calendar}"; define it before an agency uses it.`,
          );
        }
        return [{ type: 'AgencyRegistered', data: agency }];
      },
    },
  },
};
