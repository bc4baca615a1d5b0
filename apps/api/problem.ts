import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refused, StoreUnavailable, type FieldError } from '#kernel';

/** What the edge itself has to say no to. Rules of the domain are {@link Refused}. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    /** Kebab-case and stable, like the codes of refusals. */
    readonly code: string,
    message: string,
    readonly more: {
      errors?: readonly FieldError[];
      headers?: Record<string, string>;
      /** Further members of the problem, as RFC 9457 allows. */
      members?: Record<string, unknown>;
    } = {},
  ) {
    super(message);
  }
}

/** Codes for what Nest and Fastify themselves refuse. */
const CODES: Record<number, string> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  408: 'request-timeout',
  413: 'too-large',
  414: 'too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  431: 'too-large',
};

const RETRY_AFTER_SECONDS = '1';

/** Any error as a problem. Whatever is not a refusal, an outage or a fault of the request is a bug: 500, and no word of it goes out. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refused) {
    return new Problem(error.status, error.code, error.message, {
      errors: error.errors,
      ...(error.status === 409 && { headers: { 'retry-after': RETRY_AFTER_SECONDS } }),
    });
  }
  if (error instanceof StoreUnavailable) {
    return new Problem(
      503,
      'store-unavailable',
      'The store cannot be reached just now; nothing is lost. Send it again.',
      {
        headers: { 'retry-after': RETRY_AFTER_SECONDS },
      },
    );
  }
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem(status, CODES[status] ?? 'refused', (error as Error).message);
  }
  return new Problem(
    500,
    'internal',
    'This is a fault of the server. Its log has the details under the correlation id.',
  );
}

/** RFC 9457, everywhere: commands, reads, unknown routes, and what Fastify refuses before Nest sees it. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error);
  const { status, code, more } = problem;
  if (status >= 500) request.log.error({ err: error }, code);
  void reply
    .status(status)
    .headers({ 'x-content-type-options': 'nosniff', ...more.headers })
    .type('application/problem+json')
    .send({ ...bodyOf(problem), correlationId: request.id });
}

const bodyOf = ({ status, code, message, more }: Problem) => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
  code,
  detail: message,
  ...(more.errors?.length && { errors: more.errors }),
  ...more.members,
});

const BROKEN: Record<string, number> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** What Node cannot read as HTTP becomes no request: the answer goes straight to the socket, which is then closed. */
export function answerClientError({ code = '' }: NodeJS.ErrnoException, socket: Socket): void {
  const status = BROKEN[code] ?? 400;
  const body = JSON.stringify(bodyOf(new Problem(status, CODES[status]!, 'This could not be read as HTTP.')));
  if (socket.writable && code !== 'ECONNRESET') {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
