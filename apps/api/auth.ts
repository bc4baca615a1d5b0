import { createPrivateKey, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createRemoteJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { checkId, ROLES, type Actor, type Role } from '#kernel';
import { Problem } from './problem.js';

const ISSUER = 'peygir';
const AUDIENCE = 'peygir';
/** An identity provider signs with a key that only it holds; shared secrets (HS256) and `none` are never accepted. */
const PROVIDER_ALGORITHMS = ['EdDSA', 'ES256', 'ES384', 'PS256', 'RS256'];
const SKEW_SECONDS = 5;
const MAX_KNOWN = 1_000;

export interface Auth {
  /**
   * Who a bearer token speaks for.
   * @throws Problem 401 `unauthenticated`, 403 `forbidden` (role or province), 503 when the provider's keys cannot be had.
   */
  actorOf(token: string): Promise<Actor>;
}

export interface Claims {
  sub: string;
  role: Role;
  agency?: string;
  unit?: string;
  province: string;
}

/** Tokens signed by this deployment's own Ed25519 key: of its secret, or made at first start in the data directory. */
export async function ownAuth(dataDir: string, province: string, secret?: string): Promise<Auth> {
  const { d: _private, ...open } = await tokenKey(dataDir, secret);
  const key = (await importJWK(open, 'EdDSA')) as CryptoKey;
  return verifier(province, (token) => jwtVerify(token, key, { ...pinned(ISSUER, AUDIENCE), algorithms: ['EdDSA'] }));
}

/** Tokens of an identity provider, checked against the keys it publishes (OpenID Connect discovery). */
export function providerAuth(issuer: string, province: string, audience = AUDIENCE): Auth {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(5_000),
    });
    const found = (await response.json()) as { issuer?: string; jwks_uri: string };
    if (!response.ok || found.issuer !== issuer) throw new Error(`${issuer} does not describe itself`);
    return createRemoteJWKSet(new URL(found.jwks_uri));
  };
  const keyOf: JWTVerifyGetKey = async (header, token) => {
    try {
      return await (
        await (keys ??= discover())
      )(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JOSENotSupported) throw error;
      keys = undefined;
      throw new Problem(503, 'identity-provider-unavailable', 'The identity provider does not answer; try again.', {
        headers: { 'retry-after': '5' },
      });
    }
  };
  return verifier(province, (token) =>
    jwtVerify(token, keyOf, { ...pinned(issuer, audience), algorithms: PROVIDER_ALGORITHMS }),
  );
}

/** A token of this deployment, for `peygir token`. `ttlSeconds` counts from now. */
export async function issueToken(
  dataDir: string,
  claims: Claims,
  ttlSeconds = 30 * 24 * 3600,
  secret?: string,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(now)
    .setExpirationTime(now + ttlSeconds)
    .sign(await importJWK(await tokenKey(dataDir, secret), 'EdDSA'));
}

/** The deployment's key for `commandHash` (see DecideDeps). Losing it only makes old repeats look like new bodies. */
export const hashKey = async (dataDir: string, secret?: string): Promise<string> =>
  secret
    ? derived(secret, 'hash').toString('hex')
    : kept(join(dataDir, 'hash.key'), async () => randomBytes(32).toString('hex'));

/** 32 bytes that seal what a browser keeps between leaving for the identity provider and coming back. */
export const sessionKey = async (dataDir: string, secret?: string): Promise<Buffer> =>
  secret
    ? derived(secret, 'session')
    : Buffer.from(await kept(join(dataDir, 'session.key'), async () => randomBytes(32).toString('hex')), 'hex');

/** Seed of the key that signs the log's checkpoints, in hex. Losing it ends the log's history: auditors know this key. */
export const auditSeed = async (dataDir: string, secret?: string): Promise<string> =>
  secret
    ? derived(secret, 'audit').toString('hex')
    : kept(join(dataDir, 'audit.key'), async () => randomBytes(32).toString('hex'));

/** What signs a recipient's webhook: `whsec_…`, of its own for each recipient and key number, so that none has to be kept. */
export async function webhookSecret(dataDir: string, recipient: string, key: number, secret?: string): Promise<string> {
  const root = secret
    ? derived(secret, 'webhook').toString('hex')
    : await kept(join(dataDir, 'webhook.key'), async () => randomBytes(32).toString('hex'));
  return `whsec_${derived(root, `webhook ${recipient} ${key}`).toString('base64')}`;
}

const tokenKey = async (dataDir: string, secret?: string): Promise<JWK> => {
  if (secret) {
    const key = Buffer.concat([ED25519_PKCS8, derived(secret, 'token')]);
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' }) as JWK;
  }
  const made = await kept(join(dataDir, 'token-key.json'), async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    return JSON.stringify(await exportJWK(privateKey));
  });
  return JSON.parse(made) as JWK;
};

/** What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Nodes that share a secret have the same keys without sharing a folder. */
const derived = (secret: string, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `peygir ${use}`, 32));

/** The content of a file that only its owner may read; made whole or not at all, also when two processes start at once. */
async function kept(path: string, make: () => Promise<string>): Promise<string> {
  for (;;) {
    const mode = await stat(path).then(
      (found) => found.mode,
      () => undefined,
    );
    if (mode !== undefined) {
      if (mode & 0o077) throw new Error(`${path} may be read by others; run: chmod 600 ${path}`);
      return readFile(path, 'utf8');
    }
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const draft = `${path}.${randomUUID()}`;
    await writeFile(draft, await make(), { mode: 0o600, flag: 'wx' });
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(draft);
  }
}

const pinned = (issuer: string, audience: string) => ({
  issuer,
  audience,
  requiredClaims: ['sub', 'exp', 'role', 'province'],
  clockTolerance: SKEW_SECONDS,
});

function verifier(province: string, verify: (token: string) => Promise<{ payload: JWTPayload }>): Auth {
  // A signature is checked once per token, not once per request: it costs more than the rest of a read.
  const known = new Map<string, { actor: Actor; until: number }>();
  return {
    async actorOf(token) {
      const before = known.get(token);
      if (before && before.until > Date.now()) return before.actor;
      known.delete(token);
      const { payload } = await verify(token).catch((error: unknown) => {
        if (error instanceof errors.JWTExpired) throw unauthenticated('The token has expired.');
        if (error instanceof errors.JOSEError) throw unauthenticated('The token is not valid here.');
        throw error;
      });
      const actor = actorIn(payload, province);
      known.set(token, { actor, until: Math.min(payload.exp! * 1000, Date.now() + 300_000) });
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
      return actor;
    },
  };
}

/** @throws Problem 401, 403: the claims name nobody who may use this deployment. */
export function actorIn(payload: JWTPayload, province: string): Actor {
  const { sub, role, agency, unit } = payload as JWTPayload & Partial<Claims>;
  if (payload['province'] !== province)
    throw forbidden(`This deployment serves ${province}; the token is for another province.`);
  if (!sub || sub.length > 200 || !sub.isWellFormed() || sub.includes('\u0000'))
    throw unauthenticated('The claim sub is missing or unusable.');
  if (!ROLES.includes(role!) || role === 'engine')
    throw forbidden('The token has no role that may use this interface.');
  if (role === 'agency' && !agency) throw forbidden('A token of role agency must name its agency.');
  if (role === 'unit' && !unit) throw forbidden('A token of role unit must name its unit.');
  return {
    id: sub,
    role: role!,
    // Kept for every role: whoever belongs to an agency never judges what it owes.
    ...(agency !== undefined && { agency: checkId(agency, 'agency') }),
    ...(unit !== undefined && { unit: checkId(unit, 'unit') }),
  };
}

export const unauthenticated = (message: string): Problem =>
  new Problem(401, 'unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } });

export const forbidden = (message: string): Problem => new Problem(403, 'forbidden', message);
