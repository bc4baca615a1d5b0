import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '#kernel';
import { SignIn } from '#apps/api/sign-in';
import { startApi, type TestApi } from '#test/kit/http';

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
