import { comparePositions, ENGINE, later, streamOf, type Asked, type Decided, type Instant } from '#kernel';
import { rederive, type CalendarChange, type CalendarHistory, type CalendarView } from '#calendar';
import { nextAlarm, type Alarm, type Views } from './alarms.js';
import { evolve, isFinal, type Basis, type Obligation, type Resolution, type State } from './state.js';

/** What deciding on a resolution needs of other streams, each read to its end. */
export interface ClockContext {
  /** Id of the province's own calendar: every office's rungs and duties are counted on it. */
  province: string;
  calendars: Readonly<Record<string, CalendarHistory>>;
}

const historyOf = ({ calendars }: ClockContext, id: string): CalendarHistory => calendars[id]!;

/** A calendar as known at `now`, and the revision that says so. */
export function knownAt(context: ClockContext, calendar: string, now: Instant): { view: CalendarView; basis: Basis } {
  const history = historyOf(context, calendar);
  const count = Math.max(1, history.countAt(now, true));
  return { view: history.view(count), basis: { calendar, revision: count - 1 } };
}

/** The calendars that a resolution's open clocks, rungs and duties depend on. */
export function calendarsOf(state: Resolution, province: string): string[] {
  const open = state.obligations.filter((o) => !isFinal(o));
  return [...new Set([province, ...open.map(({ calendar }) => calendar)])];
}

/**
 * Applies what was already due at `now`: changes of calendars and alarms, in the order of their instants. So a verdict
 * depends on the log and the instant, never on which machine was awake (CONTRACT section 4, *Settling*).
 *
 * At one instant alarms come before changes, because an alarm due at an instant fires before a command at that instant.
 * A change is applied once for an obligation: its due instant carries the revision of the calendar it was counted by.
 */
export function settle(
  { now, realNow }: Asked,
  before: State,
  context: ClockContext,
  phase: 'before' | 'after',
): Decided[] {
  if (!before) return [];
  const decided: Decided[] = [];
  let state = before;
  // After deciding, everything up to now is settled, also when the event itself is dated earlier (late truth).
  let cursor = phase === 'after' ? later(before.at, now) : before.at;
  const emit = (type: string, data: object, ...engine: (string | number)[]) => {
    const event = { type, data, at: cursor, engine: [type, ...engine] };
    decided.push(event);
    state = evolve(state, { ...event, by: ENGINE })!;
  };

  // How many changes of each calendar are known so far. Before deciding, those at the cursor's own instant are looked at
  // again, since they may have come after the stream's last event, unless the log has them before it; after deciding, all
  // of them were taken in.
  const known = new Map<string, number>();
  const changes: { calendar: string; change: CalendarChange }[] = [];
  for (const calendar of calendarsOf(before, context.province)) {
    const history = historyOf(context, calendar);
    let count = history.countAt(cursor, phase === 'after');
    while (count < history.changes.length && recordedBefore(history.changes[count]!, before)) count++;
    known.set(calendar, count);
    if (phase === 'after') continue;
    const since = firstUnapplied(before, calendar, known.get(calendar)!);
    for (const change of history.changes.slice(since)) if (change.at <= now) changes.push({ calendar, change });
  }
  changes.sort((a, b) => (a.change.at < b.change.at ? -1 : a.change.at > b.change.at ? 1 : byPosition(a, b)));
  const views: Views = (calendar) => {
    const history = historyOf(context, calendar);
    // A calendar that began after this clock did is known from its beginning on.
    return history.view(Math.max(1, known.get(calendar) ?? history.countAt(cursor, true)));
  };

  for (;;) {
    const alarm = nextAlarm(state, views, context.province, cursor);
    const alarmAt = alarm && later(alarm.at, cursor);
    const change = changes[0];
    // A change that is known already but that some clock has not taken in comes before whatever is counted by it.
    const owed = change !== undefined && change.change.revision < known.get(change.calendar)!;
    if (alarm && !owed && alarmAt! <= now && (!change || alarmAt! <= later(change.change.at, cursor))) {
      cursor = alarmAt!;
      fire(alarm, state, known, realNow, emit);
    } else if (change) {
      changes.shift();
      cursor = later(change.change.at, cursor);
      const { calendar } = change;
      const count = change.change.revision + 1;
      known.set(calendar, Math.max(known.get(calendar)!, count));
      const view = historyOf(context, calendar).view(count);
      for (const o of state.obligations) if (o.calendar === calendar) applyChange(o, change.change, view, emit);
    } else {
      return decided;
    }
  }
}

/** Whether a change stands in the log before the last event of the resolution, which was settled by it then. */
const recordedBefore = ({ at, position }: CalendarChange, state: Resolution): boolean =>
  at <= state.at && comparePositions(position, state.position) < 0;

const byPosition = (a: { change: CalendarChange }, b: { change: CalendarChange }): number =>
  Number(BigInt(a.change.position) - BigInt(b.change.position));

/** Index of the first change that some clock on this calendar has not taken in. */
function firstUnapplied(state: Resolution, calendar: string, known: number): number {
  let first = known;
  for (const o of state.obligations) {
    if (!isFinal(o) && o.calendar === calendar && o.basis) first = Math.min(first, o.basis.revision + 1);
  }
  return first;
}

type Emit = (type: string, data: object, ...engine: (string | number)[]) => void;

/**
 * Moves what the change moves, counted by the calendar as that change left it; takes back a miss that was judged without
 * knowing it. What was recorded at or after the due instant moves nothing, also while a claim holds the miss back.
 */
function applyChange(o: Obligation, change: CalendarChange, view: CalendarView, emit: Emit): void {
  if (!o.clock?.anchor || !o.basis || change.revision <= o.basis.revision || change.at >= o.clock.dueAt) return;
  const counting = o.status === 'running' || (o.status === 'claimed' && !o.suspension);
  const misjudged = o.status === 'missed';
  if (!counting && !misjudged) return;
  const from = o.clock.dueAt;
  const to = rederive(o.clock, view);
  if (to === from) return;
  const cause = { stream: streamOf('calendar', o.calendar), revision: change.revision, type: change.type };
  const named = [o.id, o.epoch, o.calendar, change.revision];
  if (misjudged) emit('MissRetracted', { obligation: o.id, dueAt: from, cause }, ...named);
  emit('DeadlineMoved', { obligation: o.id, from, to, cause }, ...named);
}

function fire(alarm: Alarm, state: Resolution, known: ReadonlyMap<string, number>, firedAt: Instant, emit: Emit): void {
  if (alarm.kind === 'duty') {
    const { duty, obligation, owner, since, count, at: dueAt } = alarm;
    const to = owner === 'governor' ? 'inspection' : 'governor';
    return emit(
      'DutyMissed',
      { duty, obligation, owner, count, dueAt, firedAt, to },
      obligation ?? '',
      duty,
      since,
      count,
    );
  }
  const o = state.obligations.find((candidate) => candidate.id === alarm.obligation)!;
  const common = { obligation: o.id, rung: '', epoch: o.epoch, dueAt: o.clock!.dueAt, plannedAt: alarm.at, firedAt };
  if (alarm.kind === 'due') {
    // Every event of a calendar's stream is a change, so how many are known says up to which revision.
    const basis: Basis = { calendar: o.calendar, revision: known.get(o.calendar)! - 1 };
    return emit('DeadlineMissed', { ...common, rung: 'due', basis }, o.id, o.epoch, 'due', o.retractions);
  }
  const named = [o.id, o.epoch, alarm.rung, o.retractions];
  if (alarm.of.action === 'remind') return emit('AgencyReminded', { ...common, rung: alarm.rung }, ...named);
  const { to, of: { legalBasis } } = alarm; // prettier-ignore
  emit('ObligationEscalated', { ...common, rung: alarm.rung, to, ...(legalBasis && { legalBasis }) }, ...named);
}
