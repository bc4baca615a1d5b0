import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Clock } from './clock.js';
import { later } from './clock.js';
import type { AnyDecider, Asked, CommandRule, Decided, Reads } from './decider.js';
import type { EventStore } from './event-store.js';
import { derivedId, hmacOf } from './ids.js';
import { traceKey, type Loaded, type Loader } from './load.js';
import {
  acting,
  ENGINE,
  streamOf,
  type Actor,
  type EventMetadata,
  type Instant,
  type NewEvent,
  type Position,
} from './messages.js';
import { Refused, WrongRevision } from './refused.js';
import { checkId, shaped } from './shape.js';
import { appendBy, span } from './trace.js';

/** Everything that one command brings. `commandId` makes it repeatable; all else but the first five is optional. */
export interface Order {
  aggregate: string;
  id: string;
  name: string;
  data: unknown;
  actor: Actor;
  commandId: string;
  /** Late truth: when it happened, and the document that says so (registrar only). */
  occurredAt?: Instant;
  document?: string;
  /** The engine's own dating: a policy's cause, a line of an import, the virtual clock. Not for callers. */
  at?: Instant;
  /** The open import this belongs to. */
  import?: string;
  /** If-Match. */
  expectedRevision?: number;
  correlationId?: string;
  causationId?: string;
}

export interface Answer {
  stream: string;
  revision: number;
  position: Position;
  events: { id: string; type: string }[];
}

/** The one command class: Nest's CommandBus routes it to the one handler, the handler to the decider. */
export class Decide {
  constructor(readonly order: Order) {}
}

export interface DecideDeps {
  store: EventStore;
  loader: Loader;
  clock: Clock;
  deciders: readonly AnyDecider[];
  province: string;
  /** Key of the HMAC in `commandHash`. */
  key: string;
  /** Whether an import is still open; streams it touched take no live commands meanwhile. */
  importOpen(importId: string): Promise<boolean>;
  /**
   * What a live command needs outside the log (evidence that is there): throws Refused. Asked last, when the state table
   * would let it pass.
   */
  admit?(asked: Asked): Promise<void>;
  /** True in a simulation, where what only an import may do is allowed. */
  simulating?: boolean;
}

const MAX_ATTEMPTS = 16;

/**
 * The one door. Load, settle, decide, append at the exact revision; again when somebody was faster.
 *
 * The order of checks (CONTRACT section 3): shape (400), role, what is his own (403), then the state table.
 * A refused command still appends what it settled.
 */
@CommandHandler(Decide)
export class DecideHandler implements ICommandHandler<Decide, Answer> {
  private readonly deciders: ReadonlyMap<string, AnyDecider>;

  constructor(private readonly deps: DecideDeps) {
    this.deciders = new Map(deps.deciders.map((decider) => [decider.aggregate, decider]));
  }

  execute({ order }: Decide): Promise<Answer> {
    const { aggregate, id, name, commandId, correlationId } = order;
    const attributes = { 'peygir.stream': streamOf(aggregate, id), 'peygir.command_id': commandId };
    return span(`decide ${name}`, { correlationId, attributes }, () => this.decide(order));
  }

  private async decide(order: Order): Promise<Answer> {
    const decider = this.deciders.get(order.aggregate);
    const rule = decider && Object.hasOwn(decider.commands, order.name) ? decider.commands[order.name] : undefined;
    if (!decider || !rule) {
      // A line names no aggregate: its command does.
      const whose = order.aggregate && ` for "${order.aggregate}"`;
      throw new Refused('unknown-command', `There is no command "${order.name}"${whose}.`, 404);
    }
    checkId(order.id);
    const data = shaped(rule.data, order.data);
    const actor = acting(order.actor);
    if (!rule.roles.includes(actor.role)) {
      throw Refused.forbidden(`${order.name} may be sent by ${rule.roles.join(', ')}; not by ${actor.role}.`);
    }
    this.checkDating(order, rule, actor);
    const hash = hmacOf(this.deps.key, {
      name: order.name,
      id: order.id,
      data: order.data,
      occurredAt: order.occurredAt,
      document: order.document,
    });
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(decider, rule, order, data, actor, hash);
      } catch (error) {
        if (!(error instanceof WrongRevision)) throw error;
        if (attempt === MAX_ATTEMPTS) {
          throw new Refused('conflict', `${error.stream} is changing too fast; try again.`, 409);
        }
      }
    }
  }

  private async attempt(
    decider: AnyDecider,
    rule: CommandRule,
    order: Order,
    data: object,
    actor: Actor,
    hash: string,
  ): Promise<Answer> {
    const { clock, loader, store } = this.deps;
    const stream = streamOf(order.aggregate, order.id);
    const loaded = await loader.load(decider, order.id);
    const trace = loaded.traces.get(traceKey(order.actor, order.commandId));
    if (trace) {
      if (trace.hash === hash)
        return { stream, revision: trace.revision, position: trace.position, events: trace.events };
      throw new Refused('idempotency-key-reused', 'This idempotency key was used before with another body.');
    }
    await this.checkImport(order, loaded, stream);
    if (order.expectedRevision !== undefined && order.expectedRevision !== loaded.revision) {
      throw new Refused(
        'revision-mismatch',
        `${stream} is at revision ${loaded.revision}, not ${order.expectedRevision}.`,
        412,
      );
    }
    if (order.occurredAt !== undefined && order.occurredAt < loaded.beginning) {
      throw new Refused('invalid', `${order.occurredAt} is before the beginning of ${stream} (${loaded.beginning}).`);
    }
    const realNow = clock.now();
    // In an import a registrar may date any command; late truth alone is decided today about an earlier day.
    const at = rule.lateTruth ? order.at : (order.occurredAt ?? order.at);
    const now = later(at ?? realNow, loaded.latest);
    if (order.occurredAt !== undefined && order.occurredAt > later(order.at ?? realNow, loaded.latest)) {
      throw new Refused('invalid', `${order.occurredAt} has not come yet: only an earlier date can be registered.`);
    }
    const dated =
      rule.lateTruth && order.occurredAt !== undefined && order.occurredAt < now ? order.occurredAt : undefined;
    const asked: Asked = {
      name: order.name,
      id: order.id,
      data,
      actor,
      now,
      realNow: this.deps.simulating ? now : realNow,
      occurredAt: dated,
      document: order.document,
      importing: order.import !== undefined || this.deps.simulating === true,
    };
    const context = await decider.context?.(asked, loaded.state, loader as Reads);
    // Refusals of ownership say nothing about the state, so they come before anything is settled.
    rule.own?.(asked, loaded.state, context);

    const evolve = (state: unknown, decided: readonly Decided[], by: Actor) =>
      decided.reduce((s, { type, data, at }) => decider.evolve(s, { type, data, at: at ?? now, by }), state);
    const before = decider.settle?.(asked, loaded.state, context, 'before') ?? [];
    const settled = evolve(loaded.state, before, ENGINE);
    let decided: Decided[] = [];
    let refusal: Refused | undefined;
    try {
      decided = rule.decide(asked, settled, context);
      if (decided.length > 0 && !asked.importing) await this.deps.admit?.(asked);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      decided = [];
      refusal = error;
    }
    const after =
      refusal || !decider.settle ? [] : decider.settle(asked, evolve(settled, decided, actor), context, 'after');

    const common = {
      // What the engine does by itself goes on with what last happened to the stream.
      correlationId: order.correlationId ?? ((actor.role === 'engine' && loaded.correlationId) || order.commandId),
      province: this.deps.province,
      schemaVersion: 1,
      ...(order.import !== undefined && { import: order.import }),
    };
    const own = decided.map(({ type, data, at }, index) =>
      event(derivedId('command', stream, traceKey(order.actor, order.commandId), index), type, data, {
        ...common,
        commandId: order.commandId,
        command: order.name,
        commandHash: hash,
        causationId: order.causationId ?? order.commandId,
        actor: order.actor,
        occurredAt: at ?? now,
      }),
    );
    const engine = ({ type, data, at, engine: parts = [] }: Decided) => {
      const id = derivedId('engine', stream, ...parts);
      return event(id, type, data, {
        ...common,
        commandId: derivedId(id, 'command'),
        command: 'Settle',
        commandHash: hmacOf(this.deps.key, { type, parts }),
        causationId: order.commandId,
        actor: ENGINE,
        occurredAt: at ?? now,
      });
    };
    const events = [...before.map(engine), ...own, ...after.map(engine)];
    if (events.length === 0) {
      if (refusal) throw refusal;
      return { stream, revision: loaded.revision, position: loaded.position, events: [] };
    }
    const appended = await span('append', { id: appendBy(order.commandId), kind: 'producer' }, () =>
      store.append(stream, loaded.revision, events),
    );
    if (refusal) throw refusal;
    if (own.length === 0) return { stream, ...appended, events: [] };
    if (after.length === 0) return { stream, ...appended, events: own.map(({ id, type }) => ({ id, type })) };
    // Where this command's own events stand, so that a repeat gets the same answer to the letter.
    const mine = (await loader.load(decider, order.id)).traces.get(traceKey(order.actor, order.commandId))!;
    return { stream, revision: mine.revision, position: mine.position, events: mine.events };
  }

  private checkDating(order: Order, rule: CommandRule, actor: Actor): void {
    if (order.occurredAt === undefined) return;
    if (Number.isNaN(Date.parse(order.occurredAt))) {
      throw Refused.invalid('occurredAt must be an ISO 8601 instant.', [
        { path: 'occurredAt', reason: 'must be an ISO 8601 instant' },
      ]);
    }
    const importing = order.import !== undefined || this.deps.simulating === true;
    if (actor.role !== 'registrar' || !(rule.lateTruth || importing)) {
      throw Refused.forbidden('Only the registrar may give an earlier date, and only to late truth or in an import.');
    }
    if (!order.document) {
      throw Refused.invalid('An earlier date needs the document that shows it.', [
        { path: 'document', reason: 'is required with occurredAt' },
      ]);
    }
  }

  /** Imports and live work never mix in one stream: a half-told history must not be judged by today's clock. */
  private async checkImport(order: Order, loaded: Loaded, stream: string): Promise<void> {
    if (order.import !== undefined) {
      if (!loaded.onlyImports) {
        throw new Refused('live-stream', `${stream} has live events; an import cannot write into it.`);
      }
    } else if (loaded.lastImport !== undefined && (await this.deps.importOpen(loaded.lastImport))) {
      throw new Refused('import-running', `${stream} is being imported; try again when the import has ended.`, 409);
    }
  }
}

const event = (id: string, type: string, data: unknown, metadata: EventMetadata): NewEvent => ({
  id,
  type,
  data,
  metadata,
});
