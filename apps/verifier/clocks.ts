import { factOf, sameJson, splitStream, type Asked, type Instant } from '#kernel';
import {
  CalendarHistory,
  extendClock,
  remainingOf,
  resumeClock,
  startClock,
  termOf,
  type CalendarChange,
  type Setting,
} from '#calendar';
import { evolve, isOpen, knownAt, settle, type ClockContext, type Obligation, type Resolution } from '#resolutions';
import type { Leaf } from '#audit';
import { BY_ITSELF } from './people.js';

const PROVINCE = 'offices';
/** Between reading a calendar and appending, another may have changed it; the engine mends that by itself later. */
const RACE_MS = 60_000;
/** How far alarms may be behind at the end of a log: a machine may have been off. */
const GRACE_MS = 24 * 3_600_000;

/**
 * Looks at a calendar that may be saved up, and that each event and each of its obligations brings: an honest one needs
 * a few dozen. A forged ladder, or an event at the end of time, could ask for ever.
 */
const MAX_LOOKS = 2_000;
const LOOKS = 100;
const LOOKS_OF_OBLIGATION = 40;
const MAX_CHANGES = 10_000;
/** Nothing that is in a log happened before or after these. */
const YEARS = ['1900', '2200'] as const;
/** Who has forged so much is found out; the rest is not worth the time. */
const MAX_FAULTS = 100;

/** A calendar that counts how often it is looked at. */
class Calendar extends CalendarHistory {
  constructor(
    id: string,
    changes: readonly CalendarChange[],
    private readonly looks: { left: number },
  ) {
    super(id, changes);
  }

  override with(change: CalendarChange): Calendar {
    return new Calendar(this.id, [...this.changes, change], this.looks);
  }

  override view(count?: number): ReturnType<CalendarHistory['view']> {
    if ((this.looks.left -= 1) < 0) throw new Error('it takes longer to compute than any honest clock');
    return super.view(count);
  }
}

/**
 * Computes every due instant, reminder, miss and escalation again, from events and calendars alone, with the rules of
 * the engine (they are pure and come along), and says where the log says something else.
 */
export class Clocks {
  private readonly calendars: Record<string, Calendar> = {};
  private readonly looks = { left: MAX_LOOKS };
  private faults = 0;
  private readonly wrong: (leaf: Leaf | string, what: string) => void;
  /** When each change was recorded, by calendar and revision. */
  private readonly recorded = new Map<string, Instant[]>();
  private readonly states = new Map<string, Resolution>();
  private readonly commands = new Map<string, string>();
  /** Verdicts that were computed again. */
  checked = 0;

  constructor(wrong: (leaf: Leaf | string, what: string) => void) {
    this.wrong = (leaf, what) => {
      this.faults += 1;
      wrong(leaf, what);
    };
  }

  state(stream: string): Resolution | undefined {
    return this.states.get(stream);
  }

  get resolutions(): Iterable<Resolution> {
    return this.states.values();
  }

  take(leaf: Leaf): void {
    if (this.faults > MAX_FAULTS) return;
    const [aggregate, id] = splitStream(leaf.stream);
    this.refill(leaf.stream);
    try {
      const { occurredAt } = leaf.metadata;
      if (occurredAt < YEARS[0] || occurredAt > YEARS[1]) throw new Error(`nothing happened at ${occurredAt}`);
      if (aggregate === 'calendar') this.takeChange(id, leaf);
      if (aggregate === 'resolution') this.takeResolution(leaf);
    } catch (error) {
      this.wrong(leaf, `it cannot be computed: ${(error as Error).message}`);
    }
  }

  private refill(stream: string): void {
    const obligations = this.states.get(stream)?.obligations.length ?? 0;
    this.looks.left = Math.min(MAX_LOOKS, Math.max(0, this.looks.left) + LOOKS + LOOKS_OF_OBLIGATION * obligations);
  }

  private takeChange(id: string, leaf: Leaf): void {
    const { type, data, revision, position } = leaf;
    const change = { type, data, revision, position, at: leaf.metadata.occurredAt } as CalendarChange;
    const before = this.calendars[id] ?? new Calendar(id, [], this.looks);
    if (before.changes.length === MAX_CHANGES) throw new Error(`${id} was changed more often than any calendar`);
    this.calendars[id] = before.with(change);
    const times = this.recorded.get(id) ?? [];
    times.push(leaf.recordedAt);
    this.recorded.set(id, times);
  }

  private takeResolution(leaf: Leaf): void {
    const { stream, type, metadata } = leaf;
    const state = this.states.get(stream);
    const engine = metadata.actor.role === 'engine' && BY_ITSELF.includes(type);
    if (state && engine) {
      this.compare(leaf, this.due(state, leaf, 'before')[0], this.due(state, leaf, 'after')[0]);
    } else if (state) {
      if (this.commands.get(stream) !== metadata.commandId) {
        const [omitted] = this.due(state, leaf, 'before');
        if (omitted)
          this.wrong(leaf, `${omitted.type} of ${omitted.data.obligation ?? ''} was due before it, and is not there`);
      }
      this.checkData(leaf, state);
    }
    this.commands.set(stream, metadata.commandId);
    const next = evolve(state, factOf(leaf), leaf);
    if (next) this.states.set(stream, next);
  }

  /** What should have happened by itself until this event. */
  private due(state: Resolution, leaf: Leaf, phase: 'before' | 'after', context = this.context()) {
    const now = leaf.metadata.occurredAt;
    return settle({ now, realNow: now } as Asked, state, context, phase);
  }

  private context(): ClockContext {
    return { province: PROVINCE, calendars: this.calendars };
  }

  /** The calendars without the changes of the last minute, which a decision at that moment may not have seen. */
  private contextBefore(leaf: Leaf): ClockContext {
    const limit = new Date(Date.parse(leaf.recordedAt) - RACE_MS).toISOString();
    const calendars = Object.entries(this.calendars).map(([id, history]) => {
      const seen = this.recorded.get(id)!.filter((at) => at <= limit).length;
      return [id, new Calendar(id, history.changes.slice(0, Math.max(1, seen)), this.looks)] as const;
    });
    return { province: PROVINCE, calendars: Object.fromEntries(calendars) };
  }

  private compare(leaf: Leaf, ...expected: (ReturnType<typeof settle>[number] | undefined)[]): void {
    this.checked += 1;
    const same = (one: (typeof expected)[number]) =>
      one?.type === leaf.type && sameJson({ ...one.data, firedAt: 0 }, { ...leaf.data, firedAt: 0 });
    if (expected.some(same)) return;
    const raced = this.due(this.states.get(leaf.stream)!, leaf, 'before', this.contextBefore(leaf))[0];
    if (same(raced)) return;
    const [first] = expected;
    const said = first ? `${first.type} ${first.data.to ?? first.data.dueAt ?? ''}` : 'nothing';
    this.wrong(leaf, `at ${leaf.metadata.occurredAt} the rules and calendars give ${said}`);
  }

  private checkData(leaf: Leaf, state: Resolution): void {
    const { type, data, metadata } = leaf;
    const at = metadata.occurredAt;
    const o = state.obligations.find(({ id }) => id === data.obligation);
    const clock = (
      make: (view: ReturnType<typeof knownAt>['view']) => Setting,
      calendar: string,
      said = data,
      of = '',
    ) => {
      this.checked += 1;
      const counted = (context: ClockContext) => make(knownAt(context, calendar, at).view);
      const agrees = ({ dueAt, anchor }: Setting) => dueAt === said.dueAt && (!anchor || sameJson(anchor, said.anchor));
      const now = counted(this.context());
      if (agrees(now) || agrees(counted(this.contextBefore(leaf)))) return;
      this.wrong(leaf, `${of || data.obligation} is said to be due ${said.dueAt}; counted again: ${now.dueAt}`);
    };
    const flag = (late: boolean) => {
      this.checked += 1;
      if (data.late !== late) this.wrong(leaf, `it is said to be ${data.late ? 'late' : 'in time'}, and is not`);
    };
    if (type === 'ResolutionCommunicated') {
      for (const deadline of data.deadlines) {
        const mine = state.obligations.find(({ id }) => id === deadline.obligation);
        if (!mine) this.wrong(leaf, `it gives ${deadline.obligation} a deadline, and there is no such obligation`);
        else clock((view) => startClock(mine.term, at, view), mine.calendar, deadline, mine.id);
      }
      return;
    }
    if (!o) return;
    if (type === 'ExtensionGranted') clock((view) => extendClock(o.clock!, termOf(data), view), o.calendar);
    if (type === 'DeadlineResumed') {
      if (o.missed) clock(() => o.clock!, o.calendar, { ...data, anchor: o.clock!.anchor });
      else clock((view) => resumeClock(o.suspension!.remaining!, at, view), o.calendar);
    }
    if (type === 'DeadlineStarted') clock((view) => startClock(o.term, at, view), o.calendar);
    if (type === 'GovernorDirected' && data.dueAt) clock((view) => startClock(termOf(data), at, view), o.calendar);
    if (type === 'ObligationReassigned') clock((view) => startClock(termOf(data), at, view), data.calendar);
    if (type === 'DeadlineSuspended') this.checkRemaining(leaf, o);
    if (type === 'AgencyComplied') flag(o.suspension && !o.missed ? false : at >= o.clock!.dueAt);
    if (type === 'ComplianceVerified' || type === 'ComplianceRefuted') flag(o.claim?.late ?? data.late);
  }

  private checkRemaining(leaf: Leaf, o: Obligation): void {
    this.checked += 1;
    const at = leaf.metadata.occurredAt;
    const found = [this.context(), this.contextBefore(leaf)].map((context) => {
      if (o.suspension) return o.suspension.remaining;
      return o.missed ? null : remainingOf(o.clock!, at, knownAt(context, o.calendar, at).view);
    });
    if (!found.some((each) => sameJson(each, leaf.data.remaining))) {
      this.wrong(
        leaf,
        `what is left is said to be ${JSON.stringify(leaf.data.remaining)}; counted again: ${JSON.stringify(found[0])}`,
      );
    }
  }

  /** What should have happened by itself before the log ended, and is not in it. */
  end(lastRecordedAt: Instant): void {
    if (lastRecordedAt > YEARS[1]) return this.wrong('the log', `cannot end at ${lastRecordedAt}`);
    const now = new Date(Date.parse(lastRecordedAt) - GRACE_MS).toISOString();
    for (const [stream, state] of this.states) {
      if (!isOpen(state) || this.faults > MAX_FAULTS) continue;
      this.refill(stream);
      try {
        const [omitted] = settle({ now, realNow: now } as Asked, state, this.context(), 'before');
        if (omitted)
          this.wrong(stream, `${omitted.type} of ${omitted.data.obligation ?? ''} was due, and is not there`);
      } catch (error) {
        this.wrong(stream, `cannot be computed: ${(error as Error).message}`);
      }
    }
  }
}
