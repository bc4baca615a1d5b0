import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEGINNING, comparePositions, type Batch, type Position } from '#kernel';

/** How a log tells that it has grown. */
export interface Announcer {
  /** Resolves to a way to stop it once it listens; calls `gone` when it no longer does. */
  listen(heard: (head: Position) => void, gone: () => void): Promise<() => void>;
  head(): Promise<Position>;
}

/** A page of so many events that came while one looked away says that the log grows fast: then it is read less often. */
const MANY = 16;
const BREATH_MS = 20;

/**
 * Wakes everybody in this process who waits for the log to grow: one listening connection for all of them, and one poll
 * now and then, for when a notice was lost with its connection. Both stop when nobody waits.
 */
export class Wakeup {
  private head: Position = BEGINNING;
  private readonly grown = new EventEmitter().setMaxListeners(0);
  private followers = 0;
  private timer: NodeJS.Timeout | undefined;
  private hangUp: (() => void) | undefined;
  private connecting = false;

  constructor(
    private readonly announcer: Announcer,
    private readonly pollMs: number,
  ) {}

  /** The log page by page as the consumer asks for it, waiting at its end: positions never run ahead of what was read. */
  async *follow(
    readAll: (after: Position, limit: number) => Promise<Batch>,
    after: Position,
    signal: AbortSignal,
    limit: number,
  ): AsyncGenerator<Batch> {
    this.join();
    try {
      while (!signal.aborted) {
        const batch = await readAll(after, limit);
        if (batch.position !== after) {
          after = batch.position;
          yield batch;
          const { length } = batch.events;
          if (length >= MANY && length < limit) await sleep(BREATH_MS, undefined, { signal }).catch(() => {});
        } else {
          await this.beyond(after, signal);
        }
      }
    } finally {
      this.leave();
    }
  }

  private join(): void {
    this.followers++;
    this.timer ??= setInterval(() => void this.poll(), this.pollMs);
    void this.listen();
  }

  private leave(): void {
    if (--this.followers > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.stopListening();
  }

  private async beyond(after: Position, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && comparePositions(this.head, after) <= 0) {
      await once(this.grown, 'grown', { signal }).catch(() => {}); // rejects only when aborted
    }
  }

  private async poll(): Promise<void> {
    void this.listen();
    try {
      this.reached(await this.announcer.head());
    } catch {
      // Whoever reads finds out for himself; the next poll looks again.
    }
  }

  private async listen(): Promise<void> {
    if (this.hangUp || this.connecting) return;
    this.connecting = true;
    try {
      let alive = true;
      let hangUp: (() => void) | undefined;
      const gone = () => {
        alive = false;
        if (hangUp && this.hangUp === hangUp) this.stopListening();
      };
      hangUp = await this.announcer.listen((head) => this.reached(head), gone);
      if (alive) this.hangUp = hangUp;
      else hangUp();
      this.reached(await this.announcer.head()); // what came before we listened
    } catch {
      // The next poll tries again.
    } finally {
      this.connecting = false;
      if (this.followers === 0) this.stopListening();
    }
  }

  private stopListening(): void {
    const hangUp = this.hangUp;
    this.hangUp = undefined;
    hangUp?.();
  }

  private reached(head: Position): void {
    this.head = head;
    this.grown.emit('grown');
  }
}
