import { expect } from '@jest/globals';
import {
  ENGINE,
  Refused,
  shaped,
  type Actor,
  type AnyDecider,
  type Asked,
  type Decided,
  type Fact,
  type Instant,
  type Role,
} from '#kernel';

/** A past fact: `fact('CaseOpened', { … })`. Instants default to the morning of the first Economic Tuesday. */
export const fact = (
  type: string,
  data: object,
  at: Instant = '2026-08-25T06:00:00.000Z',
  by: Actor = ENGINE,
): Fact => ({
  type,
  data,
  at,
  by,
});

export const as = (role: Role, rest: Partial<Actor> = {}): Actor => ({ id: role, role, ...rest });

interface When {
  id?: string;
  actor: Actor;
  now?: Instant;
  occurredAt?: Instant;
  document?: string;
  importing?: boolean;
}

/**
 * Given facts, when a command, then facts or a refusal. State is frozen, so a decider that changes it fails here.
 *
 *     given(caseDecider, fact('CaseOpened', …)).when('TableCase', { session: 's-1' }, { actor: as('secretary') }).then([...])
 */
export function given<S, X>(decider: AnyDecider<S, X>, ...facts: Fact[]) {
  const state = facts.reduce((s, f) => deepFreeze(decider.evolve(s, f)), deepFreeze(decider.initial));
  return {
    state,
    when(
      name: string,
      data: object,
      { actor, now = facts.at(-1)?.at ?? '2026-08-25T06:00:00.000Z', id = 'x', ...rest }: When,
      context?: X,
    ) {
      const decide = (): Decided[] => {
        const rule = decider.commands[name];
        if (!rule) throw new Error(`no command ${name}`);
        const body = deepFreeze(shaped(rule.data, data));
        if (!rule.roles.includes(actor.role)) throw Refused.forbidden('role');
        const asked: Asked = { name, id, data: body, actor, now, realNow: now, importing: false, ...rest };
        rule.own?.(asked, state, context as X);
        return rule.decide(asked, state, context as X);
      };
      return {
        then: (expected: { type: string; data?: object }[]) =>
          expect(decide().map(({ type, data }) => ({ type, data }))).toMatchObject(expected),
        thenNothing: () => expect(decide()).toEqual([]),
        thenRefused(code: string) {
          try {
            decide();
          } catch (error) {
            if (!(error instanceof Refused)) throw error;
            return expect(error.code).toBe(code);
          }
          throw new Error(`${name} was not refused; expected ${code}`);
        },
        decided: decide,
      };
    },
  };
}

export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value) && !(value instanceof Map)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
