import { Controller, Get, Inject, Req, Res, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { comparePositions, Refused, shaped, type Actor, type Query } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { Who } from './edge.js';
import { momentOf } from './past.js';

/** How long a read waits for `minPosition` before it answers with what it has. */
const PATIENCE_MS = 2_000;

/** A controller with one GET for each read. */
export function readsController(reads: readonly Query[]): Type {
  @Controller('v1')
  class ReadsController {
    constructor(@Inject(API) readonly api: ApiDeps) {}
  }
  const prototype = ReadsController.prototype as unknown as Record<string, unknown>;
  reads.forEach((read, index) => {
    const method = `read${index}`;
    prototype[method] = function (this: ReadsController, actor: Actor, request: FastifyRequest, reply: FastifyReply) {
      return answer(read, this.api, actor, request, reply);
    };
    Get(read.path)(prototype, method, Object.getOwnPropertyDescriptor(prototype, method)!);
    Who()(prototype, method, 0);
    Req()(prototype, method, 1);
    Res({ passthrough: true })(prototype, method, 2);
  });
  return ReadsController;
}

async function answer(read: Query, api: ApiDeps, actor: Actor, request: FastifyRequest, reply: FastifyReply) {
  const { past } = api;
  const asked = { ...(request.query as object), ...(request.params as object) };
  if (past?.answers(read) && ('asOf' in asked || 'validAt' in asked)) {
    const { minPosition: _, asOf, validAt, ...rest } = asked as Record<string, unknown>;
    const params = shaped(read.params, rest);
    const found = await past.ask(read, params, actor, momentOf({ asOf, validAt }));
    if (found === undefined) throw Refused.notFound('There was no such thing then.');
    return found;
  }
  const { minPosition, ...rest } = asked as Record<string, unknown>;
  const params = shaped(read.params, rest);
  if (minPosition !== undefined) await waited(read, api, minPosition, reply);
  const found = await read.run(params, actor, api.database);
  if (found === undefined) throw Refused.notFound('There is no such thing, or it is not yours to read.');
  return found;
}

async function waited({ projections }: Query, { checkpoints }: ApiDeps, position: unknown, reply: FastifyReply) {
  if (typeof position !== 'string' || !/^\d{1,18}$/.test(position)) {
    const reason = 'must be a position, as the answer to a command gives it';
    throw Refused.invalid(`minPosition ${reason}.`, [{ path: 'minPosition', reason }]);
  }
  if (await checkpoints.waitFor(projections, position, PATIENCE_MS)) return;
  const stored = await checkpoints.read(projections);
  const slowest = projections
    .map((name) => stored.get(name))
    .reduce((a, b) => (a && b && comparePositions(a.position, b.position) <= 0 ? a : b));
  reply.header('x-as-of', slowest?.asOf ?? new Date(0).toISOString());
}
