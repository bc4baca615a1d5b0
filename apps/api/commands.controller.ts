import { randomUUID } from 'node:crypto';
import { Body, Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Decide, parseInstant, Refused, type Actor, type Answer, type Instant, type Order } from '#kernel';
import { Who } from './edge.js';

interface Address {
  aggregate: string;
  id: string;
  command: string;
}

const COMMAND_ID = /^[\x21-\x7e]{1,200}$/;

/**
 * Every command of every feature: which there are stands in the deciders' tables and nowhere else.
 * The OpenAPI document lists them one by one (openapi.ts).
 */
@Controller('v1')
export class CommandsController {
  constructor(private readonly bus: CommandBus) {}

  @Post(':aggregate/:id/:command')
  @HttpCode(200)
  async send(
    @Param() { aggregate, id, command }: Address,
    @Body() body: unknown,
    @Who() actor: Actor,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const order: Order = {
      aggregate,
      id,
      name: command,
      data: body === undefined ? {} : body,
      actor,
      correlationId: request.id,
      ...orderHeaders(request.headers),
    };
    const answer = await this.bus.execute(new Decide(order));
    reply.header('etag', `"${answer.revision}"`);
    return answer;
  }
}

type Headers = FastifyRequest['headers'];

/** What the headers say of a command. @throws Refused `invalid` (400) that names the header. */
export function orderHeaders(
  headers: Headers,
): Pick<Order, 'commandId' | 'expectedRevision' | 'occurredAt' | 'document'> {
  const one = (name: string): string | undefined => headers[name]?.toString();
  const key = one('idempotency-key');
  const match = one('if-match');
  const date = one('occurred-at');
  const document = one('document');
  return {
    commandId: key === undefined ? randomUUID() : commandIdOf(key, 'Idempotency-Key'),
    ...(match !== undefined && { expectedRevision: revisionOf(match) }),
    ...(date !== undefined && { occurredAt: instantOf(date, 'Occurred-At') }),
    ...(document !== undefined && { document: headerText(document) }),
  };
}

export function commandIdOf(text: string, path: string): string {
  if (COMMAND_ID.test(text)) return text;
  throw bad(path, 'must be 1 to 200 visible ASCII characters');
}

/** @returns the instant in UTC with milliseconds, so that instants compare as texts. */
export function instantOf(text: string, path: string): Instant {
  const instant = parseInstant(text);
  if (!instant) throw bad(path, 'must be an instant with its offset, such as 2026-08-25T09:00:00+03:30');
  return instant;
}

function revisionOf(text: string): number {
  const digits = /^"?(\d{1,15}|-1)"?$/.exec(text)?.[1];
  if (digits === undefined)
    throw bad('If-Match', 'must be one revision, such as "5"; "-1" for a stream that is not there yet');
  return Number(digits);
}

/** Headers are bytes: taken as UTF-8 when they are, and percent-encoded text is decoded, for clients that can send only ASCII. */
export function headerText(text: string): string {
  const utf8 = Buffer.from(text, 'latin1').toString('utf8');
  const plain = utf8.includes('\ufffd') ? text : utf8;
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

const bad = (path: string, reason: string): Refused => Refused.invalid(`${path} ${reason}.`, [{ path, reason }]);
