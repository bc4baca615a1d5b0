import type { Role } from '#kernel';
import { deciders, liveDeciders } from '#apps/province';

/**
 * Who may send which command, by aggregate and command: the engine's own tables, copied by nobody. When the verifier is
 * built (bundle.ts), what this comes to stands in this file's place, so that no decider comes along.
 */
export const ROLES_OF: Readonly<Record<string, Readonly<Record<string, readonly Role[]>>>> = Object.fromEntries(
  [...deciders, ...liveDeciders].map(({ aggregate, commands }) => [
    aggregate,
    Object.fromEntries(Object.entries(commands).map(([name, { roles }]) => [name, roles])),
  ]),
);
