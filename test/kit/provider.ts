import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Provider from 'oidc-provider';

/** People as their provider knows them: what it says of each. */
const PEOPLE: Record<string, Record<string, string>> = {
  governor: { role: 'governor', province: 'IR-03' },
  'gas-desk': { role: 'agency', agency: 'gas', province: 'IR-03' },
  nobody: { province: 'IR-03' },
  stranger: { role: 'governor', province: 'IR-01' },
  engine: { role: 'engine', province: 'IR-03' },
};

export interface LocalProvider {
  issuer: string;
  /** Of the client `peygir`. */
  secret: string;
  /** Signs in as this person where a browser was sent to. @returns where the browser is sent back to */
  visit(to: URL, login: string): Promise<URL>;
  close(): Promise<void>;
}

/** A real identity provider on this machine, for the client `peygir` of a server at `base`. */
export async function localProvider(base: string): Promise<LocalProvider> {
  // Only now, when whoever tests has decided what to do with what it says.
  const { default: Made } = await import('oidc-provider');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const secret = 'the secret of this test';
  const claims = ['role', 'agency', 'unit', 'province'];
  const provider: Provider = new Made(issuer, {
    clients: [
      {
        client_id: 'peygir',
        client_secret: secret,
        redirect_uris: [`${base}/sign-in/callback`],
        post_logout_redirect_uris: [`${base}/`],
      },
    ],
    claims: { openid: ['sub', ...claims] },
    findAccount: (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId, ...PEOPLE[accountId] }) }),
    pkce: { required: () => true },
    cookies: { keys: ['key of this test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: () => '/login' },
    // Everybody has agreed to everything before.
    async loadExistingGrant({ oidc }) {
      const grant = new provider.Grant({ clientId: oidc.client!.clientId, accountId: oidc.session!.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const login = request.headers['x-login'];
    if (request.url !== '/login' || typeof login !== 'string') return void answer(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: login } });
  });
  return {
    issuer,
    secret,
    async visit(to, login) {
      const jar = new Map<string, string>();
      for (let at = to; ;) {
        if (at.href.startsWith(base)) return at;
        const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
        const answered = await fetch(at, { redirect: 'manual', headers: { cookie, 'x-login': login } });
        for (const each of answered.headers.getSetCookie()) {
          const [name, value] = each.split(';', 1)[0]!.split('=') as [string, string];
          jar.set(name, value);
        }
        const location = answered.headers.get('location');
        if (!location) throw new Error(`${at.href}: ${answered.status} ${await answered.text()}`);
        at = new URL(location, at);
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
