import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Sleeps towards a known instant and is woken when it hears of something nearer; the one way to wait for work here. Who
 * sleeps looks again in the end, whatever he heard, so a wake that is lost makes something late and nothing missed.
 */
export class Sleeper {
  private woken = false;
  private end = () => {};

  /** Ends the sleep. While nobody sleeps it is remembered: what came during a look is looked at, too. */
  wake(): void {
    this.woken = true;
    this.end();
  }

  /** Until `ms` have passed, somebody wakes it, or `signal` aborts. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    this.end = () => waking.abort();
    if (!this.woken && ms > 0) {
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, waking.signal]) }).catch(() => {});
    }
    this.woken = false;
  }
}
