import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type Message } from '#kernel';
import { unitDecider } from '#directory';
import { PlanVisitData, RecordFindingsData, type NeedData } from './visit.commands.js';

/** A field visit to a unit: what was planned, and what was found, perhaps in several parts. Each need opens a case. */
export type VisitEvent =
  | Message<'VisitPlanned', PlanVisitData>
  | Message<
      'VisitFindingsRecorded',
      // The need's number and its case stand in the event, so that the policy needs no memory.
      { unit: string; session?: string; findings: string; needs: (NeedData & { n: number; case: string })[] }
    >;
export type VisitState =
  | { status: 'unplanned' }
  | { status: 'planned'; plan: PlanVisitData }
  | { status: 'found'; plan: PlanVisitData; needs: number };

interface Context {
  unitKnown: boolean;
}

/** Its cases are called `<visit>-<n>`, and an id has at most 100 characters. */
const MAX_VISIT_ID = 90;

export const visitDecider: AnyDecider<VisitState, Context> = {
  aggregate: 'visit',
  initial: { status: 'unplanned' },

  evolve(state, fact: Fact): VisitState {
    const event = fact as VisitEvent;
    if (event.type === 'VisitPlanned') return { status: 'planned', plan: event.data };
    if (event.type !== 'VisitFindingsRecorded' || state.status === 'unplanned') return state;
    return { status: 'found', plan: state.plan, needs: needsOf(state) + event.data.needs.length };
  },

  async context({ name, data }, _state, reads) {
    return { unitKnown: name !== 'PlanVisit' || (await reads.state(unitDecider, data.unit)).revision >= 0 };
  },

  commands: {
    PlanVisit: {
      data: PlanVisitData,
      roles: ['secretary'],
      decide({ id, data }: Asked<PlanVisitData>, state, { unitKnown }): VisitEvent[] {
        if (state.status !== 'unplanned') {
          if (sameJson(state.plan, data)) return [];
          throw new Refused('already-planned', `The visit "${id}" is already planned, differently.`);
        }
        if (id.length > MAX_VISIT_ID) {
          throw new Refused('invalid', `A visit's id has at most ${MAX_VISIT_ID} characters.`);
        }
        if (!unitKnown) throw new Refused('invalid', `There is no unit "${data.unit}"; register it before the visit.`);
        return [{ type: 'VisitPlanned', data: { ...data } }];
      },
    },
    RecordFindings: {
      data: RecordFindingsData,
      roles: ['secretary', 'expert', 'deputy'],
      decide({ id, data }: Asked<RecordFindingsData>, state): VisitEvent[] {
        if (state.status === 'unplanned') throw Refused.notFound(`There is no visit "${id}".`);
        const { unit, session } = state.plan;
        const before = needsOf(state);
        const needs = data.needs.map((need, index) => {
          const n = before + index + 1;
          return { n, case: `${id}-${n}`, ...need };
        });
        return [{ type: 'VisitFindingsRecorded', data: { unit, session, findings: data.findings, needs } }];
      },
    },
  },
};

const needsOf = (state: VisitState): number => (state.status === 'found' ? state.needs : 0);
