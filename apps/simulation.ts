import TinyQueue from 'tinyqueue';
import type { CalendarHistory, CalendarView } from '#calendar';
import {
  BEGINNING,
  byCodePoint,
  Decide,
  DecideHandler,
  derivedId,
  ENGINE,
  factOf,
  Loader,
  ordersOf,
  Refused,
  splitStream,
  streamOf,
  type Instant,
  type Order,
  type RecordedEvent,
} from '#kernel';
import { calendarDecider, DEFAULT_CALENDAR } from '#directory';
import {
  calendarsOf,
  changedCalendarMovesDeadlines,
  isOpen,
  nextAlarm,
  resolutionDecider,
  type Resolution,
  type State,
} from '#resolutions';
import { MemoryEventStore } from '#stores';
import { aggregateOf, deciders, policies } from '#apps/province';
import { commandIds, type CommandLine } from '#apps/cli/lines';

/** A command that was refused: its code, and the line and command it came from. */
export interface RefusedLine {
  refused: string;
  line: number;
  command: string;
  id: string;
  message: string;
}

interface Armed {
  at: Instant;
  stream: string;
}

/** The first to fire comes first: by instant, then by stream (CONTRACT section 6). */
const inOrder = (a: Armed, b: Armed): number => byCodePoint(a.at, b.at) || byCodePoint(a.stream, b.stream);

/**
 * The engine on a virtual clock with nothing but memory: the deciders, policies, calendars, ladders and duties of
 * production; only clock, store and alarms differ. The same lines give the same events to the byte.
 */
export class Simulation {
  private now: Instant = '';
  private readonly store = new MemoryEventStore({ clock: { now: () => this.now } });
  private readonly loader = new Loader(this.store, Infinity);
  private readonly handler: DecideHandler;
  private readonly idOf = commandIds();
  private seen = BEGINNING;
  /** Resolutions, folded, with the instant for which each stands in the queue. */
  private readonly clocks = new Map<string, { state: Resolution; armed?: Instant }>();
  private readonly queue = new TinyQueue<Armed>([], inOrder);

  /**
   * @param alarms false: nothing rings and no calendar wakes anybody, so that only commands settle. Verdicts must not
   *   differ, which is what a test of it is for.
   */
  constructor(
    private readonly onEvent: (event: RecordedEvent) => void = () => {},
    private readonly alarms = true,
  ) {
    this.handler = new DecideHandler({
      store: this.store,
      loader: this.loader,
      clock: { now: () => this.now },
      deciders,
      province: 'simulation',
      key: 'simulation',
      importOpen: async () => false,
      simulating: true,
    });
  }

  /** Fires what is due until then, and sends the line. Lines come in order of `at`. @returns the refusal, if it was refused */
  async send(line: CommandLine): Promise<RefusedLine | undefined> {
    await this.advance(line.at);
    const { command, id, data, as: actor, occurredAt, document } = line;
    const order: Order = {
      aggregate: aggregateOf.get(command) ?? '',
      id,
      name: command,
      data,
      actor,
      commandId: this.idOf(line),
      at: line.at,
      occurredAt,
      document,
    };
    const refusal = await this.decide(order);
    await this.carryOn();
    return refusal && { refused: refusal.code, line: line.line, command, id, message: refusal.message };
  }

  /** Fires everything that is due at or before `until`, in order. */
  async advance(until: Instant): Promise<void> {
    for (let next = this.alarms ? this.queue.peek() : undefined; next && next.at <= until; next = this.queue.peek()) {
      this.queue.pop();
      const clock = this.clocks.get(next.stream);
      if (clock?.armed !== next.at) continue;
      if (next.at > this.now) this.now = next.at;
      await this.wake(splitStream(next.stream)[1]);
      clock.armed = undefined;
      await this.arm(next.stream);
      if (this.clocks.get(next.stream)?.armed === next.at)
        throw new Error(`${next.stream} rings at ${next.at} for ever`);
    }
    if (until > this.now) this.now = until;
  }

  /** Has a resolution settle what is due now. */
  async wake(resolution: string): Promise<void> {
    await this.decide({
      aggregate: 'resolution',
      id: resolution,
      name: 'FireRung',
      data: {},
      actor: ENGINE,
      commandId: derivedId('alarm', resolution, this.now),
      at: this.now,
    });
    await this.carryOn();
  }

  /** A calendar as it is known now. */
  async history(id: string): Promise<CalendarHistory> {
    return (await this.loader.state(calendarDecider, id)).state!;
  }

  /** The folded state of every resolution, for comparisons. */
  get resolutions(): ReadonlyMap<string, { state: Resolution }> {
    return this.clocks;
  }

  private async decide(order: Order): Promise<Refused | undefined> {
    try {
      // `engine` is the engine itself: no line may speak for it, as no token may.
      if (order.actor.role === 'engine' && order.actor !== ENGINE) throw Refused.forbidden('engine is never accepted');
      await this.handler.execute(new Decide(order));
      return undefined;
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
  }

  /** Reads what was appended, shows it, re-arms its clocks and lets policies react, until nothing new comes. */
  private async carryOn(): Promise<void> {
    for (;;) {
      const { events, position } = await this.store.readAll(this.seen, 1_000);
      if (events.length === 0) return;
      this.seen = position;
      for (const event of events) {
        this.onEvent(event);
        await this.note(event);
      }
      for (const event of events) {
        for (const policy of policies) {
          if (!policy.on.includes(event.type) || (!this.alarms && policy === changedCalendarMovesDeadlines)) continue;
          const reads = {
            state: this.loader.state.bind(this.loader),
            resolutionsOnCalendar: async (calendar: string) => this.resolutionsOn(calendar),
          };
          for (const order of ordersOf(policy, event, await policy.react(event, reads))) await this.decide(order);
        }
      }
    }
  }

  private async note(event: RecordedEvent): Promise<void> {
    const [aggregate, id] = splitStream(event.stream);
    if (aggregate === 'calendar') {
      for (const resolution of this.resolutionsOn(id)) await this.arm(streamOf('resolution', resolution));
    } else if (aggregate === 'resolution') {
      const before: State = this.clocks.get(event.stream)?.state;
      const state = resolutionDecider.evolve(before, factOf(event), event) as Resolution;
      this.clocks.set(event.stream, { state, armed: this.clocks.get(event.stream)?.armed });
      await this.arm(event.stream);
    }
  }

  private resolutionsOn(calendar: string): string[] {
    const ids = [...this.clocks].flatMap(([stream, { state }]) =>
      isOpen(state) && calendarsOf(state, DEFAULT_CALENDAR).includes(calendar) ? [splitStream(stream)[1]] : [],
    );
    return ids.sort(byCodePoint);
  }

  /** Puts a resolution's next instant into the queue; an entry that it replaces is passed over when it comes. */
  private async arm(stream: string): Promise<void> {
    const clock = this.clocks.get(stream);
    if (!clock) return;
    const views = new Map<string, CalendarView>();
    for (const id of calendarsOf(clock.state, DEFAULT_CALENDAR)) views.set(id, (await this.history(id)).view());
    const alarm = nextAlarm(clock.state, (id) => views.get(id)!, DEFAULT_CALENDAR);
    const at = alarm && (alarm.at > clock.state.at ? alarm.at : clock.state.at);
    if (at === clock.armed) return;
    clock.armed = at;
    if (at) this.queue.push({ at, stream });
  }
}
