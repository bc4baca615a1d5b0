import { createHash, randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { SCHEMA_LOCK, type Actor, type Sql } from '#kernel';
import { forbidden } from './auth.js';

const COOKIE = 'peygir_session';
const SESSION_SECONDS = 12 * 3600;
const MAX_SESSIONS = 1_000;

export interface Session {
  actor: Actor;
  /** Milliseconds since 1970. */
  until: number;
  /** What the identity provider wants to see again when the person signs out. */
  idToken?: string;
}

/** Where sessions are kept, by the hash of their key: whoever reads the shelf cannot speak for anybody. */
export interface Shelf {
  put(hash: string, session: Session): Promise<void>;
  get(hash: string): Promise<Session | undefined>;
  drop(hash: string): Promise<void>;
}

/**
 * Signed-in browsers. The key of a session is in an HttpOnly cookie, so no script and no address ever holds one, and
 * means nothing any more once the session was ended.
 */
export class Sessions {
  constructor(private readonly shelf: Shelf) {}

  /** @returns the cookie of a new session; `secure` where browsers reach the server by https. */
  async open(actor: Actor, { secure = false, idToken }: { secure?: boolean; idToken?: string } = {}): Promise<string> {
    const key = secret();
    await this.shelf.put(hashOf(key), { actor, until: Date.now() + SESSION_SECONDS * 1000, idToken });
    return cookie(key, SESSION_SECONDS, secure);
  }

  /**
   * Whom the cookie of a request speaks for, if anybody. Browsers add cookies to what other sites and other ports of this
   * machine ask for, so whatever is not a plain read must come from a page of this very origin.
   * @throws Problem 403 `forbidden`
   */
  async actorOf(request: FastifyRequest): Promise<Actor | undefined> {
    const session = await this.of(request);
    if (session && request.method !== 'GET' && request.method !== 'HEAD') {
      const { origin, host } = request.headers;
      if (!origin || !URL.canParse(origin) || new URL(origin).host !== host) {
        throw forbidden('A signed-in browser may change things only from a page of this server.');
      }
    }
    return session?.actor;
  }

  /** Ends the session of a request. @returns what it was, and the cookie that makes the browser forget it. */
  async end(request: FastifyRequest): Promise<{ session?: Session; cookie: string }> {
    const session = await this.of(request);
    const key = keyIn(request);
    if (key) await this.shelf.drop(hashOf(key));
    return { session, cookie: cookie('', 0, false) };
  }

  private async of(request: FastifyRequest): Promise<Session | undefined> {
    const key = keyIn(request);
    const session = key === undefined ? undefined : await this.shelf.get(hashOf(key));
    return session && session.until > Date.now() ? session : undefined;
  }
}

/** What this process gave out ends with it. */
export function inMemory(): Shelf {
  const kept = new Map<string, Session>();
  return {
    async put(hash, session) {
      kept.set(hash, session);
      if (kept.size > MAX_SESSIONS) kept.delete(kept.keys().next().value!);
    },
    get: async (hash) => kept.get(hash),
    drop: async (hash) => void kept.delete(hash),
  };
}

/** Shared by all nodes of a deployment. */
export async function inDatabase(sql: Sql): Promise<Shelf> {
  await sql.query(`${SCHEMA_LOCK}; create table if not exists browser_sessions (
    hash text primary key, session jsonb not null, until timestamptz not null)`);
  return {
    async put(hash, session) {
      await sql.query('delete from browser_sessions where until < clock_timestamp()');
      await sql.query('insert into browser_sessions values ($1, $2, $3)', [
        hash,
        JSON.stringify(session),
        new Date(session.until).toISOString(),
      ]);
    },
    async get(hash) {
      const { rows } = await sql.query<{ session: Session }>('select session from browser_sessions where hash = $1', [
        hash,
      ]);
      return rows[0]?.session;
    },
    async drop(hash) {
      await sql.query('delete from browser_sessions where hash = $1', [hash]);
    },
  };
}

export const secret = (): string => randomBytes(24).toString('base64url');

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

const cookie = (key: string, seconds: number, secure: boolean): string =>
  `${COOKIE}=${key}; Path=/v1; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? '; Secure' : ''}`;

const keyIn = (request: FastifyRequest): string | undefined => cookieIn(request, COOKIE);

export const cookieIn = ({ headers }: FastifyRequest, name: string): string | undefined =>
  headers.cookie
    ?.split('; ')
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
