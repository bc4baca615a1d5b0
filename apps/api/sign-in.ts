import { Controller, Delete, Get, HttpCode, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '#kernel';
import { API, type ApiDeps } from './api.js';
import { forbidden } from './auth.js';
import { Who } from './edge.js';
import { Problem } from './problem.js';
import { inMemory, secret, Sessions, type Session } from './sessions.js';

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** Where a browser is sent, and what it is to keep. */
export interface Redirect {
  location: string;
  cookies?: readonly string[];
}

/** How people sign in with a browser. */
export interface WayIn {
  name: 'link' | 'provider';
  sessions: Sessions;
  /** `GET /sign-in` */
  begin(request: FastifyRequest): Promise<Redirect>;
  /** `GET /sign-in/callback` */
  finish?(request: FastifyRequest): Promise<Redirect>;
  /** Where to go to be signed out there, too. */
  farewell?(request: FastifyRequest, session: Session): Promise<string | undefined>;
}

/** Sign-in for people on the machine itself, without an identity provider: a link that works once. Kept in memory. */
export class SignIn implements WayIn {
  readonly name = 'link';
  readonly sessions = new Sessions(inMemory());
  private readonly links = new Map<string, Actor>();

  /** `used` hears of a link that was used up, so that whoever gives links out can give out the next. */
  constructor(private readonly used: (actor: Actor) => void = () => {}) {}

  /** The path of a link that signs this actor in, once. */
  linkFor(actor: Actor): string {
    const code = secret();
    this.links.set(code, actor);
    return `/sign-in?code=${code}`;
  }

  async begin({ ip, query }: FastifyRequest): Promise<Redirect> {
    if (!LOOPBACK.test(ip)) throw forbidden('A link signs in only from the machine it was made on.');
    const { code } = query as { code?: unknown };
    const actor = typeof code === 'string' ? this.links.get(code) : undefined;
    if (!actor) return { location: '/#/used-link' };
    this.links.delete(code as string);
    this.used(actor);
    return { location: '/', cookies: [await this.sessions.open(actor)] };
  }
}

@Controller()
export class SignInController {
  constructor(@Inject(API) private readonly api: ApiDeps) {}

  @Get('sign-in')
  async begin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    redirect(reply, (await this.api.signIn?.begin(request)) ?? { location: '/#/used-link' });
  }

  @Get('sign-in/callback')
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.api.signIn?.finish?.(request);
    if (!found) throw new Problem(404, 'not-found', 'Nobody signs in this way here.');
    redirect(reply, found);
  }

  /** How one signs in here: what an interface needs to know to say it. */
  @Get('sign-in/way')
  way() {
    return { way: this.api.signIn?.name ?? 'token' };
  }

  /** Who asks: what an interface needs to know to show the right desk. */
  @Get('v1/session')
  whoAmI(@Who() { id, role, agency, unit }: Actor) {
    return { id, role, agency, unit, province: this.api.decide.province };
  }

  @Delete('v1/session')
  @HttpCode(204)
  async signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    if (!this.api.signIn) return undefined;
    const { session, cookie } = await this.api.signIn.sessions.end(request);
    void reply.header('set-cookie', cookie);
    const next = session && (await this.api.signIn.farewell?.(request, session));
    if (!next) return undefined;
    void reply.status(200);
    return { next };
  }
}

function redirect(reply: FastifyReply, { location, cookies = [] }: Redirect): void {
  for (const each of cookies) void reply.header('set-cookie', each);
  void reply.status(303).header('location', location).send();
}
