import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compose } from '#apps/compose';
import { projectRoot, readConfig } from '#apps/config';

/** How long a stop may take; what is still in hand then is found in the log by the next start. */
const STOP_MS = 10_000;

export async function start(): Promise<void> {
  const config = readConfig();
  const stopped = stopSignal();
  const running = await compose(config);
  console.error(welcome(running.url, config.province, config.databaseUrl ? undefined : config.dataDir));
  await stopped;
  await running.close();
}

export const welcome = (url: string, province: string, dataDir?: string, env = ''): string =>
  [
    `Peygir serves ${province} on ${url}`,
    `  what can be asked   ${url}/docs`,
    `  a token to ask      ${env}${peygir()} token --role secretary`,
    ...(dataDir ? [`  the data lies in    ${dataDir}`] : []),
    '  to stop             Ctrl-C',
  ].join('\n');

/** How this program is called here: in a checkout, or where it was installed, as in the image. */
const peygir = (): string =>
  existsSync(join(projectRoot(), 'apps', 'cli', 'run.mjs')) ? 'npm run -s peygir --' : 'peygir';

/** Resolves at the first SIGTERM or SIGINT. From then on the process ends within {@link STOP_MS}, whatever hangs. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      setTimeout(() => {
        console.error('peygir: not everything stopped in time; the next start takes care of the rest.');
        process.exit(1);
      }, STOP_MS).unref();
      resolve();
    };
    // A second signal changes nothing: terminals and npm send them twice.
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
