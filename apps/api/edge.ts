import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance, type FastifyRequest } from 'fastify';
import { parse as locate, type ParseError } from 'jsonc-parser';
import { begin, isTracing, traceIdOf, type Actor } from '#kernel';
import { unauthenticated, type Auth } from './auth.js';
import { answerClientError, answerProblem, Problem } from './problem.js';
import type { WayIn } from './sign-in.js';
import { serveWeb, webHeaders } from './web.js';

declare module 'fastify' {
  interface FastifyRequest {
    actor?: Actor;
  }
  interface FastifyContextConfig {
    /** The route reads its body itself, as it comes, and minds that it does: see {@link flowing}. */
    streams?: true;
  }
}

/** A body in bytes (CONTRACT section 7: 413 above). */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Milliseconds for a whole body of JSON; of one that streams, between two pieces. */
const BODY_MS = 30_000;
/** No request takes longer than this to come in, however steadily. */
const LONGEST_MS = 3_600_000;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const CORRELATION_ID = /^[A-Za-z0-9._-]{1,100}$/;

export interface EdgeOptions {
  auth: Auth;
  signIn?: WayIn;
  /** Folder of the built web interface. */
  web?: string;
  /** Names in the Host header that are answered beside the loopback ones: a page of another name that resolves to this machine (DNS rebinding) gets nothing. */
  hosts?: readonly string[];
  /** Of pino; `silent` writes nothing. */
  logLevel?: string;
  /** Requests a minute from one caller; 0 for no limit. */
  rateLimit?: number;
  /** Milliseconds; tests shorten it. */
  bodyMs?: number;
}

/** Fastify, with everything that every request passes before a controller sees it: identity, host, headers, JSON. */
export async function edge({
  auth,
  signIn,
  web,
  hosts = [],
  logLevel = 'info',
  rateLimit = 0,
  bodyMs = BODY_MS,
}: EdgeOptions): Promise<FastifyAdapter> {
  const adapter = new FastifyAdapter({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: LONGEST_MS,
    forceCloseConnections: 'idle',
    // Ids have at most 100 characters; a longer one is told so (400) by the command, not by the router.
    routerOptions: { maxParamLength: 1_000 },
    genReqId: ({ headers }: IncomingMessage) => {
      const given = headers['x-correlation-id'];
      if (typeof given === 'string' && CORRELATION_ID.test(given)) return given;
      return callerOf(headers)?.traceId ?? randomUUID();
    },
    logController: new LogController({
      requestIdLogLabel: 'correlationId',
      // Asked every few seconds by those who watch; what is off is said by whoever finds it so.
      disableRequestLogging: ({ url }) => url.startsWith('/health/') || url === '/metrics',
    }),
    // An address that the router cannot read reaches no hook and no filter.
    frameworkErrors: answerProblem,
    clientErrorHandler: answerClientError,
    logger: {
      level: logLevel,
      // stdout belongs to the command that started this.
      stream: process.stderr,
      // Neither headers nor query: whoever puts a secret there by mistake does not find it in the log.
      serializers: {
        req: (request: FastifyRequest) => ({ method: request.method, path: request.url.split('?', 1)[0] }),
        res: (reply: { statusCode?: number }) => ({ status: reply.statusCode }),
      },
    },
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  const known = new Set([...LOOPBACK, ...hosts.map((host) => host.toLowerCase())]);
  fastify.decorateRequest('actor');
  fastify.addHook('onRequest', async (request, reply) => {
    void reply.headers(headersFor(request));
    const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
    if (!known.has(host)) {
      throw new Problem(
        403,
        'host-not-allowed',
        'This name is not one of this server; PEYGIR_HOSTS lists the allowed ones.',
      );
    }
  });
  traced(fastify);
  if (rateLimit > 0) {
    await fastify.register(import('@fastify/rate-limit'), {
      max: rateLimit,
      timeWindow: '1 minute',
      keyGenerator: (request) => request.headers.authorization ?? request.ip,
      errorResponseBuilder: () =>
        new Problem(429, 'too-many-requests', `At most ${rateLimit} requests a minute are answered.`),
    });
  }
  // By the matched route and not by the text of the URL, which can spell one path in many ways.
  fastify.addHook('onRequest', async (request) => {
    if (!request.routeOptions.url?.startsWith('/v1/')) return;
    // Whoever shows a token speaks by it, whatever cookie the browser adds.
    const signedIn = request.headers.authorization === undefined ? await signIn?.sessions.actorOf(request) : undefined;
    request.actor = signedIn ?? (await actorOf(request, auth));
  });
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    if (request.method !== 'GET' && !request.routeOptions.config.streams) {
      const late = setTimeout(() => payload.listenerCount('error') > 0 && payload.emit('error', tooSlow()), bodyMs);
      payload.once('end', () => clearTimeout(late)).once('close', () => clearTimeout(late));
      late.unref();
    }
    done(null, payload);
  });
  jsonOnly(fastify);
  await serveWeb(fastify, web);
  return adapter;
}

const tooSlow = (): Problem =>
  new Problem(408, 'request-timeout', 'The body did not come in time.', { headers: { connection: 'close' } });

/**
 * A body as it comes, for as long as it keeps coming.
 * @throws Problem 408 `request-timeout` when nothing comes for `idleMs`
 */
export async function* flowing(body: AsyncIterator<Uint8Array>, idleMs = BODY_MS): AsyncIterable<Uint8Array> {
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(tooSlow()), idleMs)));
    const next = body.next();
    next.catch(() => {});
    const { done, value } = await Promise.race([next, idle]).finally(() => clearTimeout(timer));
    if (done) return;
    yield value;
  }
}

/** W3C Trace Context: which trace the caller is in, and where. */
function callerOf({ traceparent }: IncomingMessage['headers']) {
  const [, traceId, parent] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(String(traceparent)) ?? [];
  return traceId && parent && !/^0+$/.test(traceId) ? { traceId, parent } : undefined;
}

/** A span for each request, in which whatever it causes here goes on. */
function traced(fastify: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, ReturnType<typeof begin>>();
  fastify.addHook('onRequest', async (request) => {
    const { id, method, headers, routeOptions } = request;
    if (!isTracing() || !routeOptions.url?.startsWith('/v1/')) return;
    const caller = callerOf(headers);
    const parent = caller?.traceId === traceIdOf(id) ? caller.parent : undefined;
    const attributes = { 'http.request.method': method, 'http.route': routeOptions.url, 'peygir.correlation_id': id };
    spans.set(
      request,
      begin(`${method} ${routeOptions.url}`, { correlationId: id, parent, kind: 'server', attributes }),
    );
  });
  // Not earlier: while the body is read, the socket's own context runs.
  fastify.addHook('preHandler', (request, _, done) => {
    const ended = spans.get(request);
    if (ended) ended.within(done);
    else done();
  });
  fastify.addHook('onResponse', async (request, { statusCode }) => {
    const failed = statusCode >= 500 ? `answered ${statusCode}` : undefined;
    spans.get(request)?.(failed, { 'http.response.status_code': statusCode });
  });
}

/** Who asks. Closed by default: a route that asks for nobody known answers 401. */
export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const { actor } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!actor) throw unauthenticated('This needs a bearer token.');
  return actor;
});

/** Programs that subscribe to calendars know no bearer tokens, and a token never stands in a URL: they give it as a password. */
const SUBSCRIBED = '/calendar.ics';
const BASIC = 'Basic realm="Peygir", charset="UTF-8"';

async function actorOf(request: FastifyRequest, auth: Auth): Promise<Actor> {
  const subscribed = request.routeOptions.url?.endsWith(SUBSCRIBED) === true;
  try {
    return await auth.actorOf((subscribed && password(request)) || bearer(request));
  } catch (error) {
    if (!subscribed || !(error instanceof Problem) || error.status !== 401) throw error;
    throw new Problem(401, error.code, error.message, { headers: { 'www-authenticate': BASIC } });
  }
}

function bearer({ headers }: FastifyRequest): string {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  if (!token) throw unauthenticated('This needs the header "Authorization: Bearer TOKEN".');
  return token;
}

/** Of Basic authentication, whatever the name; undefined when there is none. */
function password({ headers }: FastifyRequest): string | undefined {
  const pair = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  return pair && /^[^:]*:(.+)$/s.exec(Buffer.from(pair, 'base64').toString('utf8'))?.[1];
}

const headersFor = ({ id, routeOptions: { url } }: FastifyRequest) => ({
  'x-correlation-id': id,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  ...(url?.startsWith('/docs')
    ? { 'content-security-policy': "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:" }
    : (webHeaders(url) ?? {
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      })),
});

/** JSON is the only body; whatever is wrong with it is named with its place. */
function jsonOnly(fastify: FastifyInstance): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    let text: string;
    try {
      text = decoder.decode(body as Buffer);
    } catch {
      return done(badJson('The body is not UTF-8 text.', 'is not UTF-8'));
    }
    const parsed = (error: Error | null, value?: unknown) =>
      error
        ? done(badJson(`The body is not JSON that can be taken${placeOf(text)}.`, error.message))
        : done(null, value);
    void parse(request, text, parsed);
  });
}

const badJson = (message: string, reason: string): Problem =>
  new Problem(400, 'invalid', message, { errors: [{ path: '', reason }] });

/** ` (line 3, column 14)`, as V8 itself does not always say; nothing when no place can be named. */
function placeOf(text: string): string {
  const found: ParseError[] = [];
  try {
    locate(text, found, { disallowComments: true, allowTrailingComma: false });
  } catch {
    return ''; // nested too deeply for a parser that calls itself
  }
  if (!found[0]) return '';
  const before = text.slice(0, found[0].offset).split('\n');
  return ` (line ${before.length}, column ${before.at(-1)!.length + 1})`;
}
