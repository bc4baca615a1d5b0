import { isDeepStrictEqual } from 'node:util';
import {
  acting,
  BEGINNING,
  Decide,
  DecideHandler,
  ERASED,
  later,
  Loader,
  Refused,
  splitStream,
  stripped,
  type EventStore,
  type Instant,
  type NewEvent,
  type Order,
  type RecordedEvent,
} from '#kernel';
import { deciders } from '#apps/province';
import { MemoryEventStore } from '#stores';

/** A verdict that the present code would not give: one command of the log, what was recorded, what would be now. */
export interface Disagreement {
  stream: string;
  /** Position of the first event that the command left. */
  position: string;
  command: string;
  at: Instant;
  recorded: Verdict[];
  /** Absent when the present code would refuse the command. */
  now?: Verdict[];
  refused?: string;
}
interface Verdict {
  type: string;
  at: Instant;
  data: unknown;
}

/** What of an event is a verdict: everything but when a machine happened to be awake. */
const verdict = ({ type, data, metadata }: NewEvent): Verdict => {
  const { firedAt: _, ...rest } = data;
  return { type, at: metadata.occurredAt, data: JSON.parse(JSON.stringify(rest)) };
};

/** The command that left an event: its own, or the one that settling came with. */
const rootOf = ({ metadata }: RecordedEvent): string =>
  metadata.command === 'Settle' ? metadata.causationId : metadata.commandId;

/** Reads the runs of a log that one command left, in global order: an append is stored in one run. */
async function* appends(log: AsyncIterable<RecordedEvent>): AsyncGenerator<RecordedEvent[]> {
  let run: RecordedEvent[] = [];
  for await (const event of log) {
    const last = run.at(-1);
    if (last && (last.stream !== event.stream || rootOf(last) !== rootOf(event))) {
      yield run;
      run = [];
    }
    run.push(event);
  }
  if (run.length > 0) yield run;
}

/**
 * Decides a recorded log's own commands again with the present code, each on the log as it stood before it, and yields
 * every verdict that would differ. So a change of the clock's rules cannot slip in unseen.
 */
export async function* disagreements(log: AsyncIterable<RecordedEvent>): AsyncGenerator<Disagreement> {
  let clock: Instant = '';
  const past = new MemoryEventStore({ clock: { now: () => clock } });
  const loader = new Loader(past, Infinity);
  let recorded: RecordedEvent[] = [];
  let proposed: readonly NewEvent[] = [];
  // What the handler wants to append is looked at; what is appended is what was recorded.
  const store: Pick<EventStore, 'append'> = {
    append: (stream, revision, events) => {
      proposed = events;
      return past.append(stream, revision, recorded);
    },
  };
  const handler = new DecideHandler({
    store: store as EventStore,
    loader,
    clock: { now: () => clock },
    deciders,
    province: '',
    key: 'check-upgrade',
    importOpen: async () => false,
  });

  for await (const run of appends(log)) {
    recorded = run;
    proposed = [];
    const first = run[0]!;
    const order = orderOf(run);
    clock = order ? later(clock, order.at!) : clock;
    let refused: string | undefined;
    try {
      if (order) await handler.execute(new Decide(order));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused = error.code;
    }
    const { stream, position } = first;
    const now = proposed.map(verdict);
    const then = run.map(verdict);
    // A refused command still records what it settled, and those were its only events.
    if (order && !isDeepStrictEqual(now, then)) {
      yield {
        stream,
        position,
        command: order.name,
        at: order.at!,
        recorded: then,
        ...(refused ? { refused } : { now }),
      };
    }
    if (proposed.length === 0) await past.append(stream, first.revision - 1, run);
  }
}

/** The command that a run of events came from; undefined when this release knows no such command. */
function orderOf(run: readonly RecordedEvent[]): Order | undefined {
  const owns = run.filter(({ metadata }) => metadata.command !== 'Settle');
  const [own] = owns;
  const [aggregate, id] = splitStream(run[0]!.stream);
  const at = run.reduce((latest, { metadata, data }) => later(latest, data.registeredAt ?? metadata.occurredAt), '');
  const decider = deciders.find((candidate) => candidate.aggregate === aggregate);
  if (!own) {
    const { metadata } = run[0]!;
    return { aggregate, id, name: 'FireRung', data: {}, actor: metadata.actor, commandId: metadata.causationId, at };
  }
  const { metadata } = own;
  // One command may say what it said in several events, the first of them about what it named: a miss taken back, the claim
  // verified, the clocks of others started.
  const data = Object.assign({}, ...owns.toReversed().map((event) => event.data)) as Record<string, any>;
  const rule = decider?.commands[metadata.command];
  // What was erased cannot be said again, and its erasure neither: it is taken as it was recorded.
  if (!rule || metadata.command === 'EraseData' || JSON.stringify(data).includes(ERASED)) return undefined;
  const late = data['registeredAt'] !== undefined;
  return {
    aggregate,
    id,
    name: metadata.command,
    data: stripped(rule.data, rule.recall?.(data) ?? data),
    actor: acting(metadata.actor),
    commandId: metadata.commandId,
    at,
    ...(late && { occurredAt: metadata.occurredAt, document: data['document'] }),
    // What only an import may do was done in one, or in a simulation.
    ...((metadata.import !== undefined || metadata.command === 'IssueResolution') && { import: 'recorded' }),
    correlationId: metadata.correlationId,
    causationId: metadata.causationId,
  };
}

/** A store's whole log, page by page. */
export async function* wholeLog(store: Pick<EventStore, 'readAll'>): AsyncGenerator<RecordedEvent> {
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, 1_000);
    if (events.length === 0) return;
    yield* events;
    after = position;
  }
}
