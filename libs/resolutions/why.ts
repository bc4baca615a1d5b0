import { earlier, later, Refused, type Actor, type Fact, type Instant } from '#kernel';
import {
  count,
  dateOf,
  type Anchor,
  type CalendarHistory,
  type CalendarView,
  type CountedDay,
  type Remaining,
} from '#calendar';
import { alarmsOf } from './alarms.js';
import { evolve, isFinal, waitingFor, type Basis, type Obligation, type State, type Status } from './state.js';

/** One thing that happened to the clock: what, when, who decided, and what was said. */
export interface Step {
  type: string;
  at: Instant;
  by: Pick<Actor, 'id' | 'role'>;
  data: Record<string, any>;
}

/** One epoch of a clock: what set it, every day it counted or skipped, what moved or stopped it. */
export interface Chapter {
  epoch: number;
  startedBy: Step;
  anchor?: Anchor;
  /** By which calendar and which revision of it the due instant was set. */
  basis?: Basis;
  dueAt: Instant;
  /** Days after the anchor's date, as the calendar was known when the chapter ended; absent for durations. */
  days?: CountedDay[];
  /** The count alone would give this; the later instant had been promised and is kept. */
  countWouldGive?: Instant;
  moves: Step[];
  suspended?: Step & { remaining: Remaining | null };
  /** What ended it: a suspension, a new term, the verdict; absent while it runs. */
  endedBy?: Step;
}

/** A rung of the ladder, planned and real. */
export interface RungStory {
  epoch: number;
  rung: string;
  action: 'remind' | 'escalate' | 'miss';
  to?: string;
  legalBasis?: string;
  plannedAt: Instant;
  /** When it took effect; absent while it is still to come. */
  at?: Instant;
  /** When the engine recorded it. */
  firedAt?: Instant;
}

export interface Why {
  resolution: string;
  number: string;
  obligation: string;
  agency: string;
  action: string;
  status: Status;
  legalBasis: string;
  zone: string;
  calendar: { id: string; revision: number };
  ladder: { id: string; version: number };
  dueAt?: Instant;
  /** Obligations of the same resolution that had to be met first. */
  dependsOn?: readonly string[];
  /** Of these, what its clock still waits for, and what was revoked, so that it can never start by itself. */
  waitsFor?: string[];
  blockedBy?: string[];
  chapters: Chapter[];
  rungs: RungStory[];
  /** Everything that happened to this obligation, in order. */
  steps: Step[];
}

/** A fact without what it says of other obligations: whoever may ask about one may not always read the others. */
function stepOf({ type, at, by, data }: Fact, obligation: string): Step {
  const { obligations, deadlines } = data;
  const own = {
    ...data,
    ...(obligations && { obligations: obligations.filter((o: { id: string }) => o.id === obligation) }),
    ...(deadlines && { deadlines: deadlines.filter((d: { obligation: string }) => d.obligation === obligation) }),
  };
  return { type, at, by: { id: by.id, role: by.role }, data: own };
}

/**
 * The story of one clock, from the events of its resolution and its calendars as known at `now`. The days are counted by
 * the very function that sets due instants.
 * @throws Refused `not-found` when the resolution or the obligation does not exist
 */
export function why(
  resolution: string,
  obligation: string,
  facts: readonly Fact[],
  calendars: Readonly<Record<string, CalendarHistory>>,
  province: string,
  now: Instant,
): Why {
  const chapters: Chapter[] = [];
  const rungs: RungStory[] = [];
  const steps: Step[] = [];
  let state: State;
  let legalBasis = '';
  let o: Obligation | undefined;
  for (const fact of facts) {
    state = evolve(state, fact);
    const { type, data, at } = fact;
    if (type === 'ResolutionIssued') legalBasis = data.legalBasis;
    const before = o;
    o = state?.obligations.find(({ id }) => id === obligation);
    if (!o) continue;
    const about = data.obligation === obligation || data.obligation === undefined;
    if (!about || (type === 'DutyMissed' && data.obligation === undefined)) continue;
    const step = stepOf(fact, obligation);
    steps.push(step);
    const chapter = chapters.at(-1);
    if (before && o.epoch > before.epoch) {
      if (chapter) chapter.endedBy ??= step;
      const { anchor, dueAt } = o.clock!;
      chapters.push({ epoch: o.epoch, startedBy: step, anchor, basis: o.basis, dueAt, moves: [] });
    } else if (type === 'DeadlineMoved') {
      chapter!.moves.push(step);
      chapter!.dueAt = data.to;
    } else if (type === 'MissRetracted') {
      chapter!.endedBy = undefined;
    } else if (type === 'DeadlineSuspended' && !before?.suspension) {
      chapter!.suspended = { ...step, remaining: data.remaining };
      chapter!.endedBy ??= step;
    } else if (type === 'DeadlineMissed' || (before && isFinal(o) && !isFinal(before))) {
      if (chapter) chapter.endedBy ??= step;
    }
    if (data.rung !== undefined) {
      const { rung, epoch, plannedAt, firedAt, to } = data;
      const action = type === 'DeadlineMissed' ? 'miss' : type === 'AgencyReminded' ? 'remind' : 'escalate';
      rungs.push({ epoch, rung, action, to, legalBasis: data.legalBasis, plannedAt, at, firedAt });
    }
  }
  if (!state || !o) throw Refused.notFound(`There is no obligation "${obligation}" in the resolution "${resolution}".`);

  const known = (calendar: string, at: Instant): CalendarView => {
    const history = calendars[calendar]!;
    return history.view(Math.max(1, history.countAt(at, true)));
  };
  for (const chapter of chapters) {
    if (!chapter.anchor) continue;
    // What was recorded at or after the due instant changes no verdict, so it changes no account either.
    const history = calendars[chapter.basis!.calendar]!;
    const before = Math.min(
      history.countAt(earlier(chapter.endedBy?.at ?? now, now), true),
      history.countAt(chapter.dueAt, false),
    );
    const view = history.view(Math.max(1, before));
    const counted = count(chapter.anchor, view);
    const until = stopOf(chapter, view);
    chapter.days = until === undefined ? counted.days : counted.days.filter(({ date }) => date <= until);
    if (counted.dueAt < chapter.dueAt) chapter.countWouldGive = counted.dueAt;
  }
  for (const alarm of alarmsOf(o, (calendar) => known(calendar, now), province)) {
    if (alarm.kind === 'duty') continue;
    const action = alarm.kind === 'due' ? 'miss' : alarm.of.action;
    const more =
      alarm.kind === 'due' ? { rung: 'due' } : { rung: alarm.rung, to: alarm.to, legalBasis: alarm.of.legalBasis };
    rungs.push({ epoch: o.epoch, action, plannedAt: later(alarm.at, o.epochAt), ...more });
  }
  const { agency, action, status, calendar, ladder, ladderVersion } = o;
  return {
    resolution,
    number: state.number,
    obligation,
    agency,
    action,
    status,
    legalBasis,
    zone: known(calendar, now).zone,
    calendar: { id: calendar, revision: calendars[calendar]!.revision },
    ladder: { id: ladder, version: ladderVersion },
    dueAt: o.clock?.dueAt,
    ...(o.dependsOn && { dependsOn: o.dependsOn, ...waitingFor(o, state) }),
    chapters,
    rungs,
    steps,
  };
}

/** The last date that counts in a chapter that something stopped before its due day. */
function stopOf({ endedBy }: Chapter, view: CalendarView): string | undefined {
  if (!endedBy || endedBy.type === 'DeadlineMissed') return undefined;
  return dateOf(view.localDay(endedBy.at));
}
