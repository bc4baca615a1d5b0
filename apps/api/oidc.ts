import { EncryptJWT, jwtDecrypt, type JWTPayload } from 'jose';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  discovery,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from 'openid-client';
import type { FastifyRequest } from 'fastify';
import { actorIn } from './auth.js';
import { Problem } from './problem.js';
import { cookieIn, type Session, type Sessions } from './sessions.js';
import type { Redirect, WayIn } from './sign-in.js';

const COOKIE = 'peygir_sign_in';
/** How long somebody may take at the provider. */
const PATIENCE_SECONDS = 600;
const TIMEOUT_SECONDS = 5;

export interface ProviderOptions {
  issuer: string;
  clientId: string;
  /** Absent: a public client, which PKCE alone protects. */
  clientSecret?: string;
  /** How browsers reach this server, when not by the name that they ask for: `https://peygir.example.ir`. */
  publicUrl?: string;
  province: string;
  /** 32 bytes that all nodes share: who begins at one may finish at another. */
  key: Uint8Array;
  sessions: Sessions;
}

interface Begun {
  state: string;
  nonce: string;
  verifier: string;
}

/**
 * Sign-in at an identity provider: OpenID Connect, authorization code with PKCE. What the provider says of a person are
 * the claims of a token (`role`, `agency`, `unit`, `province`), in the ID token or at its userinfo endpoint.
 */
export class ProviderSignIn implements WayIn {
  readonly name = 'provider';
  readonly sessions: Sessions;
  private found: Promise<Configuration> | undefined;

  constructor(private readonly options: ProviderOptions) {
    this.sessions = options.sessions;
  }

  async begin(request: FastifyRequest): Promise<Redirect> {
    const provider = await this.provider();
    const begun: Begun = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
    const to = buildAuthorizationUrl(provider, {
      redirect_uri: `${this.base(request)}/sign-in/callback`,
      scope: 'openid',
      code_challenge: await calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
      state: begun.state,
      nonce: begun.nonce,
    });
    const sealed = await new EncryptJWT({ ...begun })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setExpirationTime(`${PATIENCE_SECONDS}s`)
      .encrypt(this.options.key);
    return { location: to.href, cookies: [this.cookie(request, sealed, PATIENCE_SECONDS)] };
  }

  /** Whatever went wrong on the way there and back, the person can begin anew; only why is left in the log. */
  async finish(request: FastifyRequest): Promise<Redirect> {
    const forget = this.cookie(request, '', 0);
    const sent = cookieIn(request, COOKIE) ?? '';
    const begun = await jwtDecrypt<JWTPayload & Begun>(sent, this.options.key).catch(() => undefined);
    if (!begun) return { location: '/#/not-signed-in', cookies: [forget] };
    const provider = await this.provider();
    try {
      const { state, nonce, verifier } = begun.payload;
      const tokens = await authorizationCodeGrant(provider, new URL(request.url, this.base(request)), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const said = tokens.claims()!;
      const more = 'role' in said ? {} : await fetchUserInfo(provider, tokens.access_token, said.sub);
      const actor = actorIn({ ...more, ...said }, this.options.province);
      const secure = this.base(request).startsWith('https:');
      const session = await this.sessions.open(actor, { secure, idToken: tokens.id_token });
      return { location: '/', cookies: [session, forget] };
    } catch (error) {
      request.log.warn({ why: String(error) }, 'somebody could not sign in');
      const stranger = error instanceof Problem && error.status === 403;
      return { location: stranger ? '/#/no-role' : '/#/not-signed-in', cookies: [forget] };
    }
  }

  async farewell(request: FastifyRequest, { idToken }: Session): Promise<string | undefined> {
    const provider = await this.provider().catch(() => undefined);
    if (!idToken || !provider?.serverMetadata().end_session_endpoint) return undefined;
    const post_logout_redirect_uri = `${this.base(request)}/`;
    return buildEndSessionUrl(provider, { id_token_hint: idToken, post_logout_redirect_uri }).href;
  }

  /** Of the Host header only names that this server knows come so far (edge.ts). */
  private base({ protocol, headers }: FastifyRequest): string {
    return this.options.publicUrl?.replace(/\/$/, '') ?? `${protocol}://${headers.host}`;
  }

  /** Sent along when the provider sends the browser back, which is why it is Lax and not Strict. */
  private cookie(request: FastifyRequest, value: string, seconds: number): string {
    const secure = this.base(request).startsWith('https:') ? '; Secure' : '';
    return `${COOKIE}=${value}; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
  }

  private async provider(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.options;
    this.found ??= discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret ? ClientSecretBasic(clientSecret) : None(),
      {
        timeout: TIMEOUT_SECONDS,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- said to be only for development; the operator chose http
        execute: issuer.startsWith('http:') ? [allowInsecureRequests] : [],
      },
    );
    try {
      return await this.found;
    } catch {
      this.found = undefined;
      throw new Problem(503, 'identity-provider-unavailable', 'The identity provider does not answer; try again.', {
        headers: { 'retry-after': '5' },
      });
    }
  }
}
