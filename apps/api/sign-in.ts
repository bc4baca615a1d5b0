import { randomBytes } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { Who } from './edge.js';

const COOKIE = 'peygir_session';
const SESSION_SECONDS = 12 * 3600;
const MAX_SESSIONS = 1_000;
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * Sign-in for people on the machine itself, without an identity provider: a link that works once is exchanged for a
 * session whose key is in an HttpOnly cookie, so no script and no address that lasts ever holds one. Everything is kept
 * in memory: what a process gave out ends with it.
 */
export class SignIn {
  private readonly links = new Map<string, Actor>();
  private readonly sessions = new Map<string, { actor: Actor; until: number }>();

  /** `used` hears of a link that was used up, so that whoever gives links out can give out the next. */
  constructor(private readonly used: (actor: Actor) => void = () => {}) {}

  /** The path of a link that signs this actor in, once. */
  linkFor(actor: Actor): string {
    const code = secret();
    this.links.set(code, actor);
    return `/sign-in?code=${code}`;
  }

  /** The cookie of a new session; undefined when there is no such link, or no more. */
  exchange(code: unknown): string | undefined {
    const actor = typeof code === 'string' ? this.links.get(code) : undefined;
    if (!actor) return undefined;
    this.links.delete(code as string);
    const key = secret();
    this.sessions.set(key, { actor, until: Date.now() + SESSION_SECONDS * 1000 });
    if (this.sessions.size > MAX_SESSIONS) this.sessions.delete(this.sessions.keys().next().value!);
    this.used(actor);
    return cookie(key, SESSION_SECONDS);
  }

  /**
   * Whom the cookie of a request speaks for, if anybody. Browsers add cookies to what other sites and other ports of this
   * machine ask for, so whatever is not a plain read must come from a page of this very origin.
   * @throws Problem 403 `forbidden`
   */
  actorOf(request: FastifyRequest): Actor | undefined {
    const session = this.sessions.get(keyIn(request) ?? '');
    if (!session || session.until < Date.now()) return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const { origin, host } = request.headers;
      if (!origin || !URL.canParse(origin) || new URL(origin).host !== host) {
        throw forbidden('A signed-in browser may change things only from a page of this server.');
      }
    }
    return session.actor;
  }

  /** Ends the session of a request. @returns the cookie that makes the browser forget it. */
  end(request: FastifyRequest): string {
    this.sessions.delete(keyIn(request) ?? '');
    return cookie('', 0);
  }
}

const secret = (): string => randomBytes(24).toString('base64url');

const cookie = (key: string, seconds: number): string =>
  `${COOKIE}=${key}; Path=/v1; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;

const keyIn = ({ headers }: FastifyRequest): string | undefined =>
  headers.cookie
    ?.split('; ')
    .find((pair) => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1);

@Controller()
@ApiExcludeController()
export class SignInController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Get('sign-in')
  signIn(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (!LOOPBACK.test(request.ip)) throw forbidden('A link signs in only from the machine it was made on.');
    const given = this.api.signIn?.exchange((request.query as { code?: unknown }).code);
    if (given) void reply.header('set-cookie', given);
    void reply
      .status(303)
      .header('location', given ? '/' : '/#/used-link')
      .send();
  }

  /** Who asks: what an interface needs to know to show the right desk. */
  @Get('v1/session')
  whoAmI(@Who() { id, role, agency, unit }: Actor) {
    return { id, role, agency, unit, province: this.api.decide.province };
  }

  @Delete('v1/session')
  @HttpCode(204)
  signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): void {
    if (this.api.signIn) void reply.header('set-cookie', this.api.signIn.end(request));
  }
}
