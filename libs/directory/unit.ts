import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message } from '#kernel';
import { RegisterUnitData } from './unit.commands.js';

/** A production unit: the one whose problem is being solved. */
export type UnitState = { status: 'unknown' } | { status: 'registered'; unit: RegisterUnitData };
export type UnitEvent = Message<'UnitRegistered', RegisterUnitData>;

export const unitDecider: AnyDecider<UnitState, undefined> = {
  aggregate: 'unit',
  initial: { status: 'unknown' },

  evolve(state, fact: Fact): UnitState {
    const event = fact as UnitEvent;
    return event.type === 'UnitRegistered' ? { status: 'registered', unit: event.data } : state;
  },

  commands: {
    RegisterUnit: {
      data: RegisterUnitData,
      roles: ['secretary', 'deputy', 'agency'],
      decide({ id, data }: Asked<RegisterUnitData>, state): UnitEvent[] {
        if (state.status === 'unknown') return [{ type: 'UnitRegistered', data: { ...data } }];
        if (sameJson(state.unit, data)) return [];
        throw new Refused('already-registered', `The unit "${id}" is already registered, with other particulars.`);
      },
    },
  },
};
