import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DateText, Refused, shaped, type Actor, type Position } from '#kernel';
import { agendaFacts, type AsOf } from '#audit';
import { provinceThen, Replay, resolutionsOf } from '#apps/replay';
import { ownReceipts, receiptOf } from '#apps/audit';
import { API, type ApiDeps } from './api.js';
import { instantOf } from './commands.controller.js';
import { Who } from './edge.js';
import { IsPosition, noted, overseen, oversightOnly } from './overseen.js';

const PATIENCE_MS = 5_000;

export class AuditQuery {
  /** What the engine knew then. */
  @IsOptional() @IsString() asOf?: string;
  /** What was so then, in truth, with what was registered later. */
  @IsOptional() @IsString() validAt?: string;
  /** As for every read. The log itself is read, to its end: whatever was acknowledged is in it. */
  @IsOptional() @IsPosition() minPosition?: Position;
}

export class ReadsQuery {
  /** Whose reads: the id of a person, as tokens have it. */
  @IsOptional() @IsString() @MaxLength(200) reader?: string;
  @IsOptional() @DateText() day?: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(5_000) limit?: number;
}

export class ReceiptQuery {
  /** Which of the command's events, from 0. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(0) @Max(1_000) event?: number;
}

/** Everything on the two axes of time, the proofs of it, and who has looked. Reads are recorded, with their `Purpose`. */
@Controller('v1')
export class AuditController {
  private readonly replay: Replay;

  constructor(@Inject(API) private readonly api: ApiDeps) {
    this.replay = new Replay(api.decide.store, api.decide.deciders);
  }

  /** The province in numbers as it was known at `asOf`, or as it was in truth at `validAt`. */
  @Get('audit/summary')
  async summary(@Query() query: object, @Who() actor: Actor, @Req() request: FastifyRequest) {
    await overseen(this.api, actor, request);
    const at = axes(query);
    await this.seen(agendaFacts.name);
    return { ...at, ...(await provinceThen(this.api.database, at)) };
  }

  /** Who read what of all this, the latest first; what reading this adds is not in its own answer. */
  @Get('audit/reads')
  async reads(@Query() query: object, @Who() actor: Actor, @Req() request: FastifyRequest) {
    const { readers } = this.api;
    if (!readers) throw Refused.notFound('This server keeps no record of readers.');
    oversightOnly(actor);
    const items = await readers.list(shaped(ReadsQuery, { ...query }));
    await overseen(this.api, actor, request);
    return { items };
  }

  /** What an agency owed, on the two axes of time. */
  @Get('audit/agencies/:agency')
  async agency(
    @Param('agency') agency: string,
    @Query() query: object,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
  ) {
    await overseen(this.api, actor, request);
    const at = axes(query);
    await this.seen('resolutions');
    return { ...at, ...(await this.replay.agency(agency, await resolutionsOf(this.api.database, agency), at)) };
  }

  /** One stream with its folded state, on the two axes of time; now when both are left out. */
  @Get('audit/:stream')
  async stream(
    @Param('stream') stream: string,
    @Query() query: object,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
  ) {
    await overseen(this.api, actor, request);
    const at = axes(query);
    const { revision, state, events } = await this.replay.stream(stream, at);
    return { stream, asOf: this.api.decide.clock.now(), ...at, revision, state, events };
  }

  /** One stream with everything that was linked to it: visit, case, sessions, resolutions, referrals. */
  @Get('audit/:stream/linked')
  async linked(
    @Param('stream') stream: string,
    @Query() query: object,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
  ) {
    await overseen(this.api, actor, request);
    const at = axes(query);
    return { stream, asOf: this.api.decide.clock.now(), ...at, streams: await this.replay.linked(stream, at) };
  }

  /** The receipt of one's own command, to be taken home: what it left in the log, proven without us. */
  @Get('receipts/:commandId')
  async receipt(
    @Param('commandId') commandId: string,
    @Query() query: object,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { event = 0 } = shaped(ReceiptQuery, { ...query });
    await this.seen('merkle');
    const mine = await ownReceipts(this.api.database, commandId, actor);
    const one = mine[event];
    const [found] = one ? await this.api.decide.store.readStream(one.stream, one.revision) : [];
    if (!found) throw Refused.notFound('No command of yours with this id has left such an event.');
    await noted(this.api, actor, request);
    reply.header('receipts', mine.length);
    return asFile(reply, await receiptOf(this.api.database, found, this.api.proof), commandId);
  }

  /** Waits until a read model has seen the log as it is now; what it lacks after that is said by its absence. */
  private async seen(projection: string): Promise<void> {
    await this.api.checkpoints.waitFor([projection], await this.api.decide.store.head(), PATIENCE_MS);
  }
}

function asFile(reply: FastifyReply, receipt: string | undefined, name: string): string {
  if (receipt === undefined) throw Refused.notFound('The log has not come that far yet; try again in a moment.');
  reply.header('content-type', 'text/plain; charset=utf-8');
  reply.header('content-disposition', `attachment; filename="${name.replaceAll(/[^\w.-]/g, '_')}.tlog-proof"`);
  return receipt;
}

function axes(query: object): AsOf {
  const { asOf, validAt } = shaped(AuditQuery, { ...query });
  return {
    ...(asOf !== undefined && { asOf: instantOf(asOf, 'asOf') }),
    ...(validAt !== undefined && { validAt: instantOf(validAt, 'validAt') }),
  };
}
