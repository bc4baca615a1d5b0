import { EventEmitter, once } from 'node:events';
import type pg from 'pg';
import { BEGINNING, comparePositions, type Position } from '#kernel';

/**
 * Tells everybody in this process who waits for the log to grow: one LISTEN connection for all of them, and one poll
 * now and then, for when a notice was lost with its connection. Both stop when nobody waits.
 */
export class Wakeup {
  private head: Position = BEGINNING;
  private readonly grown = new EventEmitter().setMaxListeners(0);
  private followers = 0;
  private timer: NodeJS.Timeout | undefined;
  private listener: pg.PoolClient | undefined;
  private connecting = false;

  constructor(
    private readonly pool: pg.Pool,
    private readonly readHead: () => Promise<Position>,
    private readonly pollMs: number,
  ) {}

  join(): void {
    this.followers++;
    this.timer ??= setInterval(() => void this.poll(), this.pollMs);
    void this.listen();
  }

  leave(): void {
    if (--this.followers > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.hangUp();
  }

  /** Resolves when the log is known to go beyond `after`, or when `signal` aborts. */
  async beyond(after: Position, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && comparePositions(this.head, after) <= 0) {
      await once(this.grown, 'grown', { signal }).catch(() => {}); // rejects only when aborted
    }
  }

  private async poll(): Promise<void> {
    void this.listen();
    try {
      this.reached(await this.readHead());
    } catch {
      // Whoever reads finds out for himself; the next poll looks again.
    }
  }

  private async listen(): Promise<void> {
    if (this.listener || this.connecting) return;
    this.connecting = true;
    try {
      const client = await this.pool.connect();
      this.listener = client;
      client.on('notification', ({ payload }) => this.reached(payload ?? BEGINNING));
      const gone = () => void (this.listener === client && this.hangUp());
      client.on('error', gone);
      client.on('end', gone);
      await client.query('listen peygir_log');
      this.reached(await this.readHead()); // what came before we listened
    } catch {
      this.hangUp();
    } finally {
      this.connecting = false;
      if (this.followers === 0) this.hangUp();
    }
  }

  private hangUp(): void {
    const client = this.listener;
    this.listener = undefined;
    client?.release(true);
  }

  private reached(head: Position): void {
    this.head = head;
    this.grown.emit('grown');
  }
}
