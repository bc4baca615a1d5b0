import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  base64url,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import type { Actor, AnyDecider } from '#kernel';
import { hashKey, issueToken, ownAuth, providerAuth, type Auth } from '#apps/api/auth';
import { Problem } from '#apps/api/problem';
import { PROVINCE, startApi, type TestApi } from '#test/kit/http';

class NoBody {}
const all = ['admin', 'governor', 'secretary', 'agency', 'unit', 'registrar'] as const;
/** Shows who was let in. */
const guest: AnyDecider<object> = {
  aggregate: 'guest',
  initial: {},
  evolve: (state) => state,
  commands: {
    ComeIn: { data: NoBody, roles: all, decide: ({ actor }) => [{ type: 'GuestCame', data: { ...actor } }] },
    Govern: { data: NoBody, roles: ['governor'], decide: () => [{ type: 'Governed', data: {} }] },
    Settle: { data: NoBody, roles: ['engine'], decide: () => [{ type: 'Settled', data: {} }] },
  },
};

let api: TestApi;
let key: CryptoKey;
let open: JWK;
beforeAll(async () => {
  api = await startApi([guest]);
  const { d, ...rest } = JSON.parse(await readFile(join(api.dataDir, 'token-key.json'), 'utf8')) as JWK;
  open = rest;
  key = (await importJWK({ ...rest, d }, 'EdDSA')) as CryptoKey;
});
afterAll(() => api.close());

/** Only the date is moved: the server's own timers run on. */
const TIMERS = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

const now = () => Math.floor(Date.now() / 1000);
const claims = (): JWTPayload => ({
  iss: 'peygir',
  aud: 'peygir',
  sub: 's-1',
  role: 'secretary',
  province: PROVINCE,
  iat: now(),
  exp: now() + 60,
});
const signed = (
  change: JWTPayload = {},
  by: CryptoKey | Uint8Array = key,
  header: { alg: string } = { alg: 'EdDSA' },
) => new SignJWT({ ...claims(), ...change }).setProtectedHeader(header).sign(by);
const part = (value: object): string => base64url.encode(JSON.stringify(value));

const send = async (authorization: string | undefined, command = 'ComeIn') => {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await api.app.inject({ method: 'POST', url: `/v1/guest/g/${command}`, headers });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
};

describe('a token', () => {
  it('lets in whom it speaks for, with the agency they belong to, whatever their role', async () => {
    const token = await issueToken(
      api.dataDir,
      { sub: 's-9', role: 'secretary', agency: 'gas', province: PROVINCE },
      60,
    );
    const { status, body } = await send(`Bearer ${token}`);
    expect(status).toBe(200);
    const event = (await api.deps.decide.store.readStream('guest-g')).find(({ id }) => id === body.events[0].id);
    expect(event?.metadata.actor).toEqual({ id: 's-9', role: 'secretary', agency: 'gas' });
    expect(await send(`bearer ${token}`)).toMatchObject({ status: 200 });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['expired', () => signed({ exp: now() - 60 })],
    ['not valid yet', () => signed({ nbf: now() + 60 })],
    ['for another audience', () => signed({ aud: 'another' })],
    ['of another issuer', () => signed({ iss: 'another' })],
    ['without an end', () => signed({ exp: undefined })],
    ['without a subject', () => signed({ sub: undefined })],
    ['with an empty subject', () => signed({ sub: '' })],
    ['without a role', () => signed({ role: undefined })],
    ['signed with another key', async () => signed({}, (await generateKeyPair('EdDSA')).privateKey)],
    ['with algorithm none', () => `${part({ alg: 'none' })}.${part(claims())}.`],
    [
      'with algorithm none and a signature',
      async () => `${part({ alg: 'none' })}.${(await signed()).split('.').slice(1).join('.')}`,
    ],
    ['signed with the public key as a shared secret', () => signed({}, base64url.decode(open.x!), { alg: 'HS256' })],
    ['signed with the public key as JSON', () => signed({}, Buffer.from(JSON.stringify(open)), { alg: 'HS256' })],
    [
      'changed after signing',
      async () => {
        const [head, , signature] = (await signed({ role: 'secretary' })).split('.');
        return `${head}.${part({ ...claims(), role: 'governor' })}.${signature}`;
      },
    ],
    [
      'that brings its own key',
      async () => {
        const own = await generateKeyPair('EdDSA', { extractable: true });
        const jwk = await exportJWK(own.publicKey);
        return new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', jwk }).sign(own.privateKey);
      },
    ],
    [
      'with a critical header nobody knows',
      () =>
        new SignJWT(claims()).setProtectedHeader({ alg: 'EdDSA', crit: ['x'], x: 1 }).sign(key, { crit: { x: true } }),
    ],
    ['cut short', async () => (await signed()).slice(0, -4)],
    ['that is none', () => 'abc'],
  ])('%s: 401', async (_, make) => {
    const { status, headers, body } = await send(`Bearer ${await make()}`);
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(headers['content-type']).toMatch('application/problem+json');
  });

  it.each([
    ['claiming engine', { role: 'engine' }],
    ['of an unknown role', { role: 'king' }],
    ['of many roles', { role: ['secretary'] }],
    ['of another province', { province: 'IR-04' }],
    ['of role agency without an agency', { role: 'agency' }],
    ['of role unit without a unit', { role: 'unit' }],
  ])('%s: 403', async (_, change) => {
    expect(await send(`Bearer ${await signed(change)}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });

  it('of another role than the command asks for: 403', async () => {
    expect(await send(`Bearer ${await signed()}`, 'Govern')).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect(await send(`Bearer ${await signed({ role: 'governor' })}`, 'Govern')).toMatchObject({ status: 200 });
    expect(await send(`Bearer ${await signed({ role: 'admin' })}`, 'Settle')).toMatchObject({ status: 403 });
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic czpz', 'Bearer a b'])(
    'missing or malformed (%s): 401',
    async (header) => {
      expect(await send(header)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    },
  );

  it('is not looked for in the address, however the address is spelt', async () => {
    const token = await signed();
    for (const url of [
      `/v1/guest/g/ComeIn?access_token=${token}`,
      '/%76%31/guest/g/ComeIn',
      '//v1/guest/g/ComeIn',
      '/v1/guest/g/ComeIn/',
      '/V1/guest/g/ComeIn',
    ]) {
      const { statusCode } = await api.app.inject({ method: 'POST', url });
      expect([401, 404]).toContain(statusCode);
    }
    expect((await api.app.inject({ url: '/v1/events' })).statusCode).toBe(401);
    expect((await api.app.inject({ method: 'HEAD', url: '/v1/events' })).statusCode).toBe(401);
  });

  it('that was good before is refused once it has expired', async () => {
    const token = await signed();
    expect(await send(`Bearer ${token}`)).toMatchObject({ status: 200 });
    jest.useFakeTimers({ now: Date.now() + 70_000, doNotFake: [...TIMERS] });
    try {
      expect(await send(`Bearer ${token}`)).toMatchObject({ status: 401 });
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('the keys of a deployment', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'peygir-keys-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('are made once, also when many start at once, and for the owner only', async () => {
    const dataDir = join(folder, 'new', 'data');
    const keys = await Promise.all(Array.from({ length: 8 }, () => hashKey(dataDir)));
    expect(new Set(keys).size).toBe(1);
    const auths = await Promise.all(Array.from({ length: 4 }, () => ownAuth(dataDir, PROVINCE)));
    const token = await issueToken(dataDir, { sub: 'a', role: 'admin', province: PROVINCE });
    for (const auth of auths) expect(await auth.actorOf(token)).toEqual({ id: 'a', role: 'admin' });
    for (const name of ['hash.key', 'token-key.json']) {
      expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);
    }
  });

  it('that others may read are not used', async () => {
    await ownAuth(folder, PROVINCE);
    await chmod(join(folder, 'token-key.json'), 0o644);
    await expect(ownAuth(folder, PROVINCE)).rejects.toThrow('chmod 600');
  });
});

describe('an identity provider', () => {
  let server: Server;
  let issuer: string;
  let auth: Auth;
  let keys: { privateKey: CryptoKey; publicKey: CryptoKey };
  let described: string | undefined;
  let up = true;
  beforeAll(async () => {
    keys = await generateKeyPair('RS256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
    server = createServer(({ url }, response) => {
      if (!up) return void response.writeHead(500).end();
      const discovery = { issuer: described ?? issuer, jwks_uri: `${issuer}/keys` };
      response.end(JSON.stringify(url === '/.well-known/openid-configuration' ? discovery : jwks));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    up = true;
    described = undefined;
    auth = providerAuth(issuer, PROVINCE);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const token = (
    change: JWTPayload = {},
    header = { alg: 'RS256', kid: 'k1' },
    by: CryptoKey | Uint8Array = keys.privateKey,
  ) => new SignJWT({ ...claims(), iss: issuer, ...change }).setProtectedHeader(header).sign(by);
  const refused = async (actor: Promise<Actor>): Promise<number> => {
    const error = await actor.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof Problem)) throw new Error(`no problem: ${String(error)}`);
    return error.status;
  };

  it('vouches for its own tokens and no others', async () => {
    expect(await auth.actorOf(await token())).toEqual({ id: 's-1', role: 'secretary' });
    expect(await refused(auth.actorOf(await token({ aud: 'another' })))).toBe(401);
    expect(await refused(auth.actorOf(await token({ iss: 'http://another' })))).toBe(401);
    expect(await refused(auth.actorOf(await token({}, { alg: 'RS256', kid: 'k2' })))).toBe(401);
    expect(await refused(auth.actorOf(await token({ role: 'engine' })))).toBe(403);
    expect(await refused(auth.actorOf(await signed({ iss: issuer })))).toBe(401);
    const stranger = await generateKeyPair('RS256');
    expect(await refused(auth.actorOf(await token({}, undefined, stranger.privateKey)))).toBe(401);
    expect(await refused(auth.actorOf(await token({}, { alg: 'HS256', kid: 'k1' }, new Uint8Array(32).fill(7))))).toBe(
      401,
    );
  });

  it('that does not answer, or is another, is an outage and not a refusal; it passes by itself', async () => {
    up = false;
    expect(await refused(auth.actorOf(await token()))).toBe(503);
    up = true;
    described = 'http://another';
    expect(await refused(auth.actorOf(await token()))).toBe(503);
    described = undefined;
    expect(await auth.actorOf(await token())).toMatchObject({ id: 's-1' });
  });
});
