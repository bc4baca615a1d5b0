import type { Actor, Instant, RecordedEvent, Role } from '#kernel';
import type { CommandLine } from '#apps/cli/lines';
import { Simulation, type RefusedLine } from '#apps/simulation';

type Said = Omit<CommandLine, 'line'>;

/** 09:00 in Tehran on a day of 1405, unless a time is given: `at('2026-08-25', '14:30')`. */
export const at = (date: string, time = '09:00'): Instant => new Date(`${date}T${time}:00+03:30`).toISOString();

/** One command of a timeline. `who` is a role, or a role with what belongs to it. */
export const say = (
  when: Instant,
  who: Role | (Partial<Actor> & { role: Role }),
  command: string,
  id: string,
  data: object = {},
  more: Partial<Said> = {},
): Said => {
  const as = typeof who === 'string' ? { id: who, role: who } : { id: who.role, ...who };
  return { at: when, as, command, id, data, ...more };
};

const WEEK = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30' };
const DAWN = '2026-08-01T04:30:00.000Z';

/** Two calendars (banks work on Thursdays), three agencies; no holidays before 2027. */
export const PROVINCE: readonly Said[] = [
  say(DAWN, 'admin', 'DefineCalendar', 'offices', {
    zone: 'Asia/Tehran',
    week: { ...WEEK, thu: null, fri: null },
    holidays: [{ date: '2027-03-21', name: 'نوروز' }],
    validFrom: '2026-03-21',
  }),
  say(DAWN, 'admin', 'DefineCalendar', 'banks', {
    zone: 'Asia/Tehran',
    week: { ...WEEK, thu: '07:30-12:30', fri: null },
    holidays: [{ date: '2027-03-21', name: 'نوروز' }],
    validFrom: '2026-03-21',
  }),
  say(DAWN, 'admin', 'RegisterAgency', 'gas', { name: 'شرکت گاز', kind: 'utility', calendar: 'offices' }),
  say(DAWN, 'admin', 'RegisterAgency', 'power', { name: 'توزیع برق', kind: 'utility', calendar: 'offices' }),
  say(DAWN, 'admin', 'RegisterAgency', 'bank', { name: 'بانک', kind: 'bank', calendar: 'banks' }),
];

export const obligation = (more: object = {}) => ({
  id: 'o1',
  agency: 'gas',
  action: 'وصل گاز',
  acceptance: 'صورتجلسهٔ تحویل',
  term: { workingDays: 5 },
  ...more,
});

/** A resolution `r`, issued by the registrar and communicated at `when`. */
export const communicated = (when: Instant, obligations: object[] = [obligation()]): Said[] => [
  say(when, 'registrar', 'IssueResolution', 'r', {
    session: 'facilitation-1',
    number: '1/1',
    text: 'متن مصوبه',
    legalBasis: 'ماده ۶۱',
    obligations,
  }),
  say(when, 'secretary', 'CommunicateResolution', 'r', { letterNumber: '1' }),
];

export interface Told {
  events: RecordedEvent[];
  refusals: RefusedLine[];
  /** Codes of the refused commands, in order. */
  codes: string[];
  simulation: Simulation;
  /** Events of these types as `[at, …]`-free data, in order. */
  of(...types: string[]): RecordedEvent[];
  status(obligation?: string, resolution?: string): string | undefined;
}

/**
 * Runs a timeline in the province on the virtual clock, and on until `until`.
 * `alarms: false`: nothing rings by itself, only commands settle, and at the end `r` is woken once.
 */
export async function tell(lines: readonly Said[], until?: Instant, { alarms = true } = {}): Promise<Told> {
  const events: RecordedEvent[] = [];
  const refusals: RefusedLine[] = [];
  const simulation = new Simulation((event) => events.push(event), alarms);
  let line = 0;
  for (const said of [...PROVINCE, ...lines]) {
    const refusal = await simulation.send({ ...said, line: ++line });
    if (refusal) refusals.push(refusal);
  }
  if (until) await simulation.advance(until);
  if (!alarms) await simulation.wake('r');
  return {
    events,
    refusals,
    codes: refusals.map(({ refused }) => refused),
    simulation,
    of: (...types) => events.filter(({ type }) => types.includes(type)),
    status: (o = 'o1', resolution = 'r') =>
      simulation.resolutions.get(`resolution-${resolution}`)?.state.obligations.find(({ id }) => id === o)?.status,
  };
}
