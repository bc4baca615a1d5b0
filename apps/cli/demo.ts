import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SignIn } from '#apps/api/sign-in';
import { compose } from '#apps/compose';
import { projectRoot, readConfig, type Config } from '#apps/config';
import type { Actor, Role } from '#kernel';
import { load } from './load.js';
import { paint, picture } from './picture.js';
import { stopSignal, welcome } from './start.js';
import { adoptTemplates, OUR_TEMPLATES, readTemplates } from './templates.js';
import { tokenFor } from './token.js';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const DESKS: readonly Actor[] = [
  { id: 'governor', role: 'governor' },
  { id: 'deputy-economy', role: 'deputy' },
  { id: 'secretary', role: 'secretary' },
  { id: 'expert', role: 'expert' },
  { id: 'oversight', role: 'oversight' },
  { id: 'admin', role: 'admin' },
  { id: 'gas-desk', role: 'agency', agency: 'gas' },
  { id: 'samt-desk', role: 'agency', agency: 'samt' },
];

export interface DemoOptions {
  file?: string;
  json?: true;
  exit?: true;
}

/**
 * The main job in one command: everything on the embedded default, in a data folder of its own for each file, so that
 * it may be run again and again (which changes nothing) and never touches a deployment's data.
 */
export async function demo({ file, json, exit }: DemoOptions): Promise<void> {
  const source = file ?? join(projectRoot(), 'apps', 'cli', 'data', 'economic-tuesdays.ndjson');
  const config = await demoConfig(source, exit);
  const stopped = stopSignal();
  // Links are for whoever sits at this machine: none when others can reach the server, or when it ends at once.
  const local = !exit && LOOPBACK.includes(config.host);
  const signIn = local ? new SignIn((actor) => console.error(link(actor))) : undefined;
  const running = await compose(config, undefined, signIn);
  const link = (actor: Actor) => `  ${(actor.agency ?? actor.role).padEnd(12)}${running.url}${signIn!.linkFor(actor)}`;
  try {
    const token = (role: Role) => tokenFor(config, { role, expires: 3600 });
    console.error(`${source}\n${running.url}, data in ${config.dataDir}`);
    const { refused } = await load(source, { server: running.url, token: await token('registrar') });
    for (const each of refused) console.error(JSON.stringify(each));
    await running.told();
    await running.caughtUp();
    const found = await picture({ url: running.url, store: running.store, refused, token });
    console.log(json ? JSON.stringify(found) : paint(found, config.smtp !== undefined));
    if (exit) return;
    await adoptTemplates(readTemplates(OUR_TEMPLATES), { server: running.url, token: await token('admin') });
    console.error(`\n${welcome(running.url, config.province, config.dataDir, `PEYGIR_DATA=${config.dataDir} `)}`);
    if (signIn)
      console.error(`\nTo look at it, open a link in a browser; each works once:\n${DESKS.map(link).join('\n')}`);
    await stopped;
  } finally {
    await running.close();
  }
}

async function demoConfig(source: string, exit: boolean | undefined): Promise<Config> {
  const config = readConfig({ LOG_LEVEL: 'warn', ...process.env });
  const content = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12);
  return {
    ...config,
    databaseUrl: undefined,
    oidcIssuer: undefined,
    dataDir: join(config.dataDir, `demo-${content}`),
    port: exit ? 0 : process.env['PORT'] || (await isFree(config.port)) ? config.port : 0,
  };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
