import type { Language } from '#calendar';
import { ownToken, Server } from './load.js';

interface Options {
  server: string;
  token?: string;
  language: Language;
  json?: true;
}

/** `peygir why`: the account of one clock, as the server tells it. */
export async function tellWhy(resolution: string, obligation: string, options: Options): Promise<void> {
  const { server: address, language, json } = options;
  const token = options.token ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('oversight'));
  const server = new Server({ server: address, token, patienceMs: 5_000 });
  const path = `/v1/obligations/${encodeURIComponent(resolution)}/${encodeURIComponent(obligation)}/why`;
  const { status, body } = await server.get(`${path}?language=${language}`);
  if (status !== 200) throw server.failure(`The server does not tell why (${status})`, body);
  console.log(json ? JSON.stringify(body, undefined, 2) : body.story.join('\n'));
}
