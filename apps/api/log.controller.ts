import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import {
  BEGINNING,
  comparePositions,
  factOf,
  Refused,
  shaped,
  splitStream,
  type Actor,
  type EventStore,
  type Position,
  type RecordedEvent,
} from '#kernel';
import { replayed } from '#audit';
import { Numbers } from '#apps/verifier/numbers';
import { API, type ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { instantOf } from './commands.controller.js';
import { Who } from './edge.js';

const PAGE = 500;

export class EventsQuery {
  /** A position: events after it. */
  @IsOptional() @Matches(/^\d{1,18}$/, { message: 'after must be a position, as an event gives it' }) after?: Position;
  @IsOptional() @IsString() @MaxLength(220) stream?: string;
  @IsOptional() @IsString() @MaxLength(100) type?: string;
  /** The id of whoever acted, or of whom it was done for. */
  @IsOptional() @IsString() @MaxLength(200) actor?: string;
  /** Instants between which it happened; the first counts, the second does not. */
  @IsOptional() @IsString() from?: string;
  @IsOptional() @IsString() until?: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(10_000) limit?: number;
}

export class AuditQuery {
  /** What the engine knew then. */
  @IsOptional() @IsString() asOf?: string;
  /** What was so then, in truth, with what was registered later. */
  @IsOptional() @IsString() validAt?: string;
}

/** The log as it stands, for oversight. */
@Controller('v1')
@ApiExcludeController()
export class LogController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  /** Events in global order, one JSON object a line; the last line's `position` is the next `after`. */
  @Get('events')
  async events(@Query() query: object, @Who() actor: Actor): Promise<StreamableFile> {
    oversightOnly(actor);
    const lines = ndjson(this.api.decide.store, shaped(EventsQuery, { ...query }));
    // The first line is read before the answer begins, so that an outage is a 503 and not a torn answer.
    const first = await lines.next();
    const rest = (async function* () {
      if (first.done) return;
      yield first.value;
      yield* lines;
    })();
    return new StreamableFile(Readable.from(rest, { objectMode: false }), { type: 'application/x-ndjson' });
  }

  /** The province in numbers as it was known at `asOf`, or as it was in truth at `validAt`. Reads the log to there. */
  @Get('audit/summary')
  async summary(@Query() query: object, @Who() actor: Actor) {
    oversightOnly(actor);
    const at = this.axes(query);
    const numbers = new Numbers(() => {});
    for await (const page of logAfter(this.api.decide.store, BEGINNING)) {
      for (const event of replayed(page, at)) numbers.take(event);
    }
    const { sessions, agendas, averageCasesPerSession, visits, visitsOf } = numbers.claims([], true);
    return { ...at, sessions, agendas, averageCasesPerSession, visits, visitsOf };
  }

  /** One stream with its folded state, on the two axes of time; now when both are left out. */
  @Get('audit/:stream')
  async audit(@Param('stream') stream: string, @Query() query: object, @Who() actor: Actor) {
    oversightOnly(actor);
    const { asOf, validAt } = this.axes(query);
    const until = asOf ?? this.api.decide.clock.now();
    const [aggregate] = splitStream(stream);
    const decider = this.api.decide.deciders.find((each) => each.aggregate === aggregate);
    // Without a date nothing is left out, however the clocks of two machines differ.
    const events = replayed(await this.api.decide.store.readStream(stream), { asOf, validAt });
    if (!decider || events.length === 0)
      throw Refused.notFound(`There was no stream "${stream}" at ${validAt ?? until}.`);
    const state = events.reduce((before, event) => decider.evolve(before, factOf(event), event), decider.initial);
    const revision = Math.max(...events.map((event) => event.revision));
    return { stream, asOf: until, ...(validAt && { validAt }), revision, state, events };
  }

  private axes(query: object): { asOf?: string; validAt?: string } {
    const { asOf, validAt } = shaped(AuditQuery, { ...query });
    return {
      ...(asOf !== undefined && { asOf: instantOf(asOf, 'asOf') }),
      ...(validAt !== undefined && { validAt: instantOf(validAt, 'validAt') }),
    };
  }
}

export function oversightOnly(actor: Actor): void {
  if (actor.role !== 'oversight') throw forbidden(`The log is for oversight; not for ${actor.role}.`);
}

async function* ndjson(
  store: EventStore,
  { after = BEGINNING, stream, type, actor, from, until, limit = 1_000 }: EventsQuery,
): AsyncGenerator<string, void> {
  let left = limit;
  const [start, end] = [from && instantOf(from, 'from'), until && instantOf(until, 'until')];
  const wants = ({ type: its, metadata: { actor: by, occurredAt: at } }: RecordedEvent): boolean =>
    (type === undefined || its === type) &&
    (actor === undefined || by.id === actor || by.onBehalfOf?.id === actor) &&
    (!start || at >= start) &&
    (!end || at < end);
  const pages = stream === undefined ? logAfter(store, after) : streamAfter(store, stream, after);
  for await (const page of pages) {
    const wanted = page.filter(wants).slice(0, left);
    if (wanted.length > 0) yield wanted.map((event) => `${JSON.stringify(event)}\n`).join('');
    left -= wanted.length;
    if (left === 0) return;
  }
}

async function* logAfter(store: EventStore, after: Position): AsyncGenerator<RecordedEvent[]> {
  for (;;) {
    const { events, position } = await store.readAll(after, PAGE);
    if (events.length === 0) return;
    yield events;
    after = position;
  }
}

async function* streamAfter(store: EventStore, stream: string, after: Position): AsyncGenerator<RecordedEvent[]> {
  yield (await store.readStream(stream)).filter(({ position }) => comparePositions(position, after) > 0);
}
