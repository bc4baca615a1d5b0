import { Refused, type Actor, type Asked } from '#kernel';
import type * as body from './resolution.commands.js';
import { type Obligation, type Resolution, type State, type Status } from './state.js';

/** What each status answers to a command, and who may send it: the table of CONTRACT section 4 and the rules of section 3. */

export type On<Data extends { obligation: string }> = Asked<Data>;
/** `waiting`: communicated, but its clock has not started, because it depends on an obligation that is not met. */
type Refusals = Partial<Record<Status | 'waiting', string>>;

const SENTENCES: Record<string, string> = {
  'not-communicated': 'The resolution has not been communicated yet, so its clocks do not run.',
  'claim-pending': 'A claim of compliance waits for verification; decide on it first.',
  'no-claim': 'There is no claim of compliance to decide on.',
  closed: 'The obligation is closed: it is met or revoked.',
  suspended: 'The deadline is suspended; resume it first.',
  'not-suspended': 'The deadline is not suspended.',
  'dependency-not-met': 'Its clock has not started: it waits for another obligation that is not met yet.',
  'deadline-missed': 'The deadline is missed; only a directive or a reassignment gives a new term.',
};

export const refuse = (code: string): never => {
  throw new Refused(code, SENTENCES[code]!);
};

export const existing = (state: State): Resolution => {
  if (!state) throw Refused.notFound('There is no such resolution.');
  return state;
};

export function find(state: State, id: string): Obligation {
  const found = existing(state).obligations.find((o) => o.id === id);
  if (!found) throw Refused.notFound(`The resolution has no obligation "${id}".`);
  return found;
}

const CLOSED: Refusals = { met: 'closed', 'met-late': 'closed', revoked: 'closed' };
const NOT_YET: Refusals = { ...CLOSED, issued: 'not-communicated' };
const NO_CLOCK: Refusals = { ...NOT_YET, waiting: 'dependency-not-met' };
/** The rows of CONTRACT section 4: what each status says to a command. Absent: it may go on. */
export const ROWS = {
  report: { ...NO_CLOCK, claimed: 'claim-pending' },
  judge: { ...CLOSED, issued: 'no-claim', waiting: 'no-claim' },
  extend: { ...NO_CLOCK, suspended: 'suspended', claimed: 'claim-pending', missed: 'deadline-missed' },
  suspend: { ...NO_CLOCK, claimed: 'claim-pending' },
  resume: {
    ...CLOSED,
    issued: 'not-suspended',
    waiting: 'not-suspended',
    running: 'not-suspended',
    claimed: 'not-suspended',
    missed: 'not-suspended',
  },
  newTerm: { ...NOT_YET, suspended: 'suspended', claimed: 'claim-pending' },
  speak: NOT_YET,
  revoke: CLOSED,
} satisfies Record<string, Refusals>;

export function open(state: State, { obligation }: { obligation: string }, row: Refusals): Obligation {
  const o = find(state, obligation);
  const code = row[o.status === 'issued' && state!.status === 'communicated' ? 'waiting' : o.status];
  return code ? refuse(code) : o;
}

/** An agency speaks only of what it owes itself. */
export const owes = ({ data, actor }: On<body.AcknowledgeObligation>, state: State): void => {
  const { agency } = find(state, data.obligation);
  if (actor.role === 'agency' && actor.agency !== agency) {
    throw Refused.forbidden(`This obligation is owed by "${agency}"; each agency answers for its own.`);
  }
};

/** Whoever belongs to the agency that owes an obligation does not judge it, whatever the role (CONTRACT section 3). */
export const notOwnAgency = ({ data, actor }: { data: { obligation: string }; actor: Actor }, state: State): void => {
  const { agency } = find(state, data.obligation);
  if (actor.agency !== undefined && actor.agency === agency) {
    throw Refused.forbidden(
      `You belong to "${agency}", which owes this obligation; somebody else must decide.`,
      'own-agency',
    );
  }
};

export const judges = (asked: On<body.JudgeCompliance>, state: State, { caseUnit }: { caseUnit?: string }): void => {
  notOwnAgency(asked, state);
  const { role, unit } = asked.actor;
  if (role === 'unit' && (unit === undefined || unit !== caseUnit)) {
    throw Refused.forbidden('A unit confirms or objects only in its own case.');
  }
};

export const exists = (_: Asked, state: State): void => void existing(state);
export const anyObligation = ({ data }: On<{ obligation: string }>, state: State): void =>
  void find(state, data.obligation);
