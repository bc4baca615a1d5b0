import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type FieldError, type Message } from '#kernel';
import { termFault } from '#calendar';
import { agencyDecider, ladderDecider, ladderInForce } from '#directory';
import { DefineTemplateData, RetireTemplateData } from './template.commands.js';

/**
 * Measures by category, as data: whoever writes a resolution begins with one. Each definition is a version of its own;
 * what was decided with an earlier one stays as it was decided, because a resolution holds its own words.
 */
export type TemplateEvent =
  Message<'TemplateDefined', DefineTemplateData & { version: number }> | Message<'TemplateRetired', RetireTemplateData>;

export interface TemplateState {
  /** The latest; versions count from 1 and go on when a retired template is defined again. */
  version: number;
  template?: DefineTemplateData;
}

interface Context {
  agencyKnown: boolean;
  ladderKnown: boolean;
}

export const templateDecider: AnyDecider<TemplateState, Context> = {
  aggregate: 'template',
  initial: { version: 0 },

  evolve(state, fact: Fact): TemplateState {
    const event = fact as TemplateEvent;
    if (event.type === 'TemplateDefined') {
      const { version, ...template } = event.data;
      return { version, template };
    }
    return event.type === 'TemplateRetired' ? { version: state.version } : state;
  },

  async context({ name, data }, _state, reads): Promise<Context> {
    if (name !== 'DefineTemplate') return { agencyKnown: true, ladderKnown: true };
    const { agency, ladder = 'standard' } = data as DefineTemplateData;
    return {
      agencyKnown: !agency || (await reads.state(agencyDecider, agency)).state.status === 'registered',
      ladderKnown: ladderInForce(ladder, (await reads.state(ladderDecider, ladder)).state) !== undefined,
    };
  },

  commands: {
    DefineTemplate: {
      data: DefineTemplateData,
      roles: ['admin', 'secretary'],
      decide({ data }: Asked<DefineTemplateData>, state, { agencyKnown, ladderKnown }): TemplateEvent[] {
        const errors: FieldError[] = [];
        if (!data.agency && !data.agencyKind) errors.push({ path: 'agency', reason: 'or agencyKind must be given' });
        if (!agencyKnown) errors.push({ path: 'agency', reason: `"${data.agency}" is not registered` });
        if (!ladderKnown) errors.push({ path: 'ladder', reason: `"${data.ladder}" is not defined` });
        const fault = termFault(data.term);
        if (fault) errors.push({ path: 'term', reason: fault });
        if (errors.length > 0) {
          const sentence = errors.map(({ path, reason }) => `${path} ${reason}`).join('; ');
          throw new Refused('invalid', `${sentence}.`, 422, errors);
        }
        if (state.template && sameJson(state.template, data)) return [];
        return [{ type: 'TemplateDefined', data: { ...data, version: state.version + 1 } }];
      },
    },
    RetireTemplate: {
      data: RetireTemplateData,
      roles: ['admin', 'secretary'],
      decide({ id, data }: Asked<RetireTemplateData>, state): TemplateEvent[] {
        if (state.version === 0) throw Refused.notFound(`There is no template "${id}".`);
        return state.template ? [{ type: 'TemplateRetired', data: { ...data } }] : [];
      },
    },
  },
};
