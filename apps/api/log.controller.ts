import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Req, StreamableFile } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import {
  BEGINNING,
  comparePositions,
  shaped,
  type Actor,
  type EventStore,
  type Position,
  type RecordedEvent,
} from '#kernel';
import { isReading } from '#audit';
import { API, type ApiDeps } from './api.js';
import { instantOf } from './commands.controller.js';
import { Who } from './edge.js';
import { IsPosition, overseen } from './overseen.js';

const PAGE = 500;

export class EventsQuery {
  /** A position: events after it. */
  @IsOptional() @IsPosition() after?: Position;
  @IsOptional() @IsString() @MaxLength(220) stream?: string;
  @IsOptional() @IsString() @MaxLength(100) type?: string;
  /** The id of whoever acted, or of whom it was done for. */
  @IsOptional() @IsString() @MaxLength(200) actor?: string;
  /** Instants between which it happened; the first counts, the second does not. */
  @IsOptional() @IsString() from?: string;
  @IsOptional() @IsString() until?: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(10_000) limit?: number;
  /** As for every read. The log itself is read, to its end: whatever was acknowledged is in it. */
  @IsOptional() @IsPosition() minPosition?: Position;
}

/** The log as it stands, for oversight. */
@Controller('v1')
export class LogController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  /**
   * Events in global order, one JSON object a line; the last line's `position` is the next `after`. Who reads is recorded
   * in the log, too, and left out here unless it is asked for by its stream or type.
   */
  @Get('events')
  async events(@Query() query: object, @Who() actor: Actor, @Req() request: FastifyRequest): Promise<StreamableFile> {
    await overseen(this.api, actor, request);
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
}

async function* ndjson(
  store: EventStore,
  { after = BEGINNING, stream, type, actor, from, until, limit = 1_000 }: EventsQuery,
): AsyncGenerator<string, void> {
  let left = limit;
  const [start, end] = [from && instantOf(from, 'from'), until && instantOf(until, 'until')];
  const wants = (event: RecordedEvent): boolean => {
    const {
      type: its,
      metadata: { actor: by, occurredAt: at },
    } = event;
    return (
      (type === undefined ? stream !== undefined || !isReading(event) : its === type) &&
      (actor === undefined || by.id === actor || by.onBehalfOf?.id === actor) &&
      (!start || at >= start) &&
      (!end || at < end)
    );
  };
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
