import type { OutgoingHttpHeaders } from 'node:http';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '#kernel';
import { SignIn } from '#apps/api/sign-in';
import type { FastifyRequest } from 'fastify';
import { createSql } from '#stores';
import { ProviderSignIn } from '#apps/api/oidc';
import { inDatabase, inMemory, Sessions } from '#apps/api/sessions';
import { startApi, type TestApi } from '#test/kit/http';
import { localProvider, type LocalProvider } from '#test/kit/provider';
import { testDatabase } from '#test/kit/postgres';

const GOVERNOR: Actor = { id: 'governor', role: 'governor' };
const HOST = 'localhost:3000';
const used: Actor[] = [];
let api: TestApi;
let signIn: SignIn;
let web: string;

beforeAll(async () => {
  web = await mkdtemp(join(tmpdir(), 'peygir-web-'));
  await chmod(web, 0o755);
  await mkdir(join(web, 'assets'));
  await writeFile(join(web, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(web, 'assets', 'code-1.js'), 'void 0;');
  signIn = new SignIn((actor) => used.push(actor));
  api = await startApi([], { signIn, web });
});
afterAll(async () => {
  await api.close();
  await rm(web, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) =>
  api.app.inject({ method: 'GET', url, headers: { host: HOST, ...headers } });

/** A browser's answer to a link: the cookie as it sends it back. */
async function signedIn(): Promise<string> {
  const { headers } = await get(signIn.linkFor(GOVERNOR));
  return String(headers['set-cookie']).split(';')[0]!;
}

describe('sign-in by a link', () => {
  it('exchanges a link, once, for a cookie that no script sees and no other site sends', async () => {
    const link = signIn.linkFor(GOVERNOR);
    const first = await get(link);
    expect(first.statusCode).toBe(303);
    expect(first.headers.location).toBe('/');
    expect(first.headers['set-cookie']).toMatch(
      /^peygir_session=[\w-]{32}; Path=\/v1; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    expect(used.at(-1)).toEqual(GOVERNOR);

    const again = await get(link);
    expect(again.headers).toMatchObject({ location: '/#/used-link' });
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it.each(['/sign-in', '/sign-in?code=', '/sign-in?code=guess', '/sign-in?code=a&code=b'])(
    '%s signs nobody in',
    async (url) => {
      const { headers } = await get(url);
      expect([headers.location, headers['set-cookie']]).toEqual(['/#/used-link', undefined]);
    },
  );

  it('refuses a link that comes from another machine', async () => {
    const url = signIn.linkFor(GOVERNOR);
    const far = await api.app.inject({ method: 'GET', url, headers: { host: HOST }, remoteAddress: '10.0.0.7' });
    expect(far.statusCode).toBe(403);
    expect((await get(url)).headers.location).toBe('/');
  });

  it('speaks for the same actor as a token would, until it is signed out', async () => {
    const cookie = await signedIn();
    expect((await get('/v1/session', { cookie })).json()).toEqual({
      id: 'governor',
      role: 'governor',
      province: 'IR-03',
    });
    const out = await api.app.inject({
      method: 'DELETE',
      url: '/v1/session',
      headers: { host: HOST, cookie, origin: `http://${HOST}` },
    });
    expect([out.statusCode, out.headers['set-cookie']]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await get('/v1/session', { cookie })).statusCode).toBe(401);
  });

  it('changes something only for a page of this very origin: not another site, port or nobody', async () => {
    const cookie = await signedIn();
    const post = (origin?: string) =>
      api.app.inject({
        method: 'POST',
        url: '/v1/nothing/x/Do',
        headers: { host: HOST, cookie, ...(origin && { origin }) },
        payload: {},
      });
    for (const origin of [undefined, 'null', 'https://example.org', 'http://localhost:8080', 'http://127.0.0.1:3000']) {
      expect([origin, (await post(origin)).json()]).toEqual([origin, expect.objectContaining({ code: 'forbidden' })]);
    }
    expect((await post(`http://${HOST}`)).json()).toMatchObject({ code: 'unknown-command' });
  });

  it('lets a token speak louder than a cookie, and a bad token be refused in spite of one', async () => {
    const cookie = await signedIn();
    const authorization = `Bearer ${await api.token('expert')}`;
    expect((await get('/v1/session', { cookie, authorization })).json()).toMatchObject({ role: 'expert' });
    expect((await get('/v1/session', { cookie, authorization: 'Bearer x' })).statusCode).toBe(401);
  });
});

describe('sign-in at an identity provider', () => {
  let provider: LocalProvider;
  let own: TestApi;
  beforeAll(async () => {
    // It says at length that it is not set up for production.
    for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => {});
    provider = await localProvider(`http://${HOST}`);
    const signIn = new ProviderSignIn({
      issuer: provider.issuer,
      clientId: 'peygir',
      clientSecret: provider.secret,
      publicUrl: `http://${HOST}`,
      province: 'IR-03',
      key: Buffer.alloc(32, 7),
      sessions: new Sessions(inMemory()),
    });
    own = await startApi([], { signIn });
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await own?.close();
    await provider?.close();
  });

  const ask = (url: string, headers: Record<string, string> = {}) =>
    own.app.inject({ method: 'GET', url, headers: { host: HOST, ...headers } });
  const cookiesOf = (headers: OutgoingHttpHeaders) => [headers['set-cookie'] ?? []].flat().map((each) => `${each}`);

  /** To the provider, through its login as this person, and back: what the server answers to the callback. */
  async function through(login: string) {
    const begun = await ask('/sign-in');
    expect(begun.statusCode).toBe(303);
    const [cookie] = cookiesOf(begun.headers);
    expect(cookie).toMatch(/^peygir_sign_in=[\w.-]+; Path=\/sign-in; HttpOnly; SameSite=Lax; Max-Age=600$/);
    const asked = new URL(begun.headers.location!);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      state: expect.stringMatching(/.{20,}/),
      nonce: expect.stringMatching(/.{20,}/),
    });
    const callback = await provider.visit(asked, login);
    return { back: callback.pathname + callback.search, cookie: cookie!.split(';')[0]! };
  }

  it('gives a session for what the provider says of a person, and ends it here and there', async () => {
    const { back, cookie } = await through('gas-desk');
    const answer = await ask(back, { cookie });
    expect(answer.headers.location).toBe('/');
    const [session, forgotten] = cookiesOf(answer.headers);
    expect(session).toMatch(/^peygir_session=[\w-]{32}; Path=\/v1; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(forgotten).toMatch(/^peygir_sign_in=; .*Max-Age=0$/);
    const headers = { cookie: session!.split(';')[0]! };
    expect((await ask('/v1/session', headers)).json()).toEqual({
      id: 'gas-desk',
      role: 'agency',
      agency: 'gas',
      province: 'IR-03',
    });
    const out = await own.app.inject({
      method: 'DELETE',
      url: '/v1/session',
      headers: { host: HOST, ...headers, origin: `http://${HOST}` },
    });
    expect(out.json().next).toMatch(new RegExp(`^${provider.issuer}/session/end\\?.*id_token_hint=`));
    expect((await ask('/v1/session', headers)).statusCode).toBe(401);
  });

  it('takes an answer once, and only from the browser that asked', async () => {
    const first = await through('governor');
    const other = await through('governor');
    for (const cookie of ['', 'peygir_sign_in=guess', other.cookie]) {
      const { headers } = await ask(first.back, { cookie });
      expect([headers.location, cookiesOf(headers).some((each) => each.startsWith('peygir_session='))]).toEqual([
        '/#/not-signed-in',
        false,
      ]);
    }
    expect((await ask(other.back, { cookie: other.cookie })).headers.location).toBe('/');
    expect((await ask(other.back, { cookie: other.cookie })).headers.location).toBe('/#/not-signed-in');
  });

  it.each([
    ['has no role here', 'nobody'],
    ['belongs to another province', 'stranger'],
    ['says to be the engine', 'engine'],
  ])('signs nobody in who %s', async (_, login) => {
    const { back, cookie } = await through(login);
    const { headers } = await ask(back, { cookie });
    expect([headers.location, cookiesOf(headers)]).toEqual([
      '/#/no-role',
      [expect.stringMatching(/^peygir_sign_in=;/)],
    ]);
  });

  it('says which way in there is, and that a provider does not answer', async () => {
    expect((await ask('/sign-in/way')).json()).toEqual({ way: 'provider' });
    expect((await get('/sign-in/way')).json()).toEqual({ way: 'link' });
    expect((await get('/sign-in/callback')).statusCode).toBe(404);
    const signIn = new ProviderSignIn({
      issuer: 'http://127.0.0.1:9',
      clientId: 'peygir',
      province: 'IR-03',
      key: Buffer.alloc(32),
      sessions: new Sessions(inMemory()),
    });
    const lost = await startApi([], { signIn });
    const { statusCode } = await lost.app.inject({ method: 'GET', url: '/sign-in', headers: { host: HOST } });
    await lost.close();
    expect(statusCode).toBe(503);
  });
});

describe('sessions in the database', () => {
  it('are known to every node, by the hash of their key alone, until they are ended', async () => {
    const db = await testDatabase();
    try {
      const database = createSql(db.pool);
      const shelves = await Promise.all([inDatabase(database), inDatabase(database)]);
      const [one, two] = shelves.map((shelf) => new Sessions(shelf));
      const cookie = (await one!.open(GOVERNOR, { secure: true })).split(';')[0]!;
      const request = { headers: { cookie, host: HOST }, method: 'GET' } as FastifyRequest;
      expect(await two!.actorOf(request)).toEqual(GOVERNOR);
      const { rows } = await database.query('select * from browser_sessions');
      expect(JSON.stringify(rows)).not.toContain(cookie.split('=')[1]);
      await two!.end(request);
      expect(await one!.actorOf(request)).toBeUndefined();
    } finally {
      await db.close();
    }
  });
});

describe('the page', () => {
  it('may run its own scripts only and talk to nobody else; the rest of the API keeps its own policy', async () => {
    const page = await get('/');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect((await get('/v1/session')).headers['content-security-policy']).toMatch(/^default-src 'none'; frame/);
  });

  it('keeps assets, whose names carry their hash, and never the page or what is not there', async () => {
    const cache = async (url: string) => (await get(url)).headers['cache-control'];
    expect(await cache('/assets/code-1.js')).toBe('public, max-age=31536000, immutable');
    expect(await cache('/')).toBe('no-cache');
    const missing = await get('/assets/code-0.js');
    expect([missing.statusCode, missing.headers['cache-control']]).toEqual([404, 'no-cache']);
    expect((await get('/assets/../index.html')).statusCode).toBe(404);
    expect((await get('/assets/%2e%2e/index.html')).statusCode).not.toBe(200);
  });
});
