import type { Clock } from '#kernel';
import { stopSignal } from '#apps/cli/start';
import { composeParts, logger, type Running } from '#apps/compose';
import { ConfigError, readConfig } from '#apps/config';

/**
 * One process of the distributed shape, until it is told to stop. As many as one likes share DATABASE_URL (and
 * EVENT_STORE_URL, REDIS_URL) and know nothing of each other.
 */
export async function runNode(
  part: 'api' | 'worker',
  clock?: Clock,
  started?: (running: Running) => void,
): Promise<void> {
  const stopped = stopSignal();
  try {
    const config = readConfig();
    if (!config.databaseUrl || !config.secret) {
      throw new ConfigError('Nodes share DATABASE_URL and PEYGIR_SECRET (32 characters or more): both must be set.');
    }
    const log = logger(config);
    const parts = { api: part === 'api', worker: part === 'worker', clock };
    const running = await Promise.race([composeParts(parts, config, log), stopped]);
    // Told to stop while it waits for a database: there is nothing in hand.
    if (!running) process.exit();
    log.info({ ...(running.url && { url: running.url }) }, `${part} is ready`);
    started?.(running);
    await stopped;
    await running.close();
    log.info({}, `${part} has stopped`);
  } catch (error) {
    console.error(error instanceof ConfigError ? `peygir: ${error.message}` : error);
    process.exit(1);
  }
}
