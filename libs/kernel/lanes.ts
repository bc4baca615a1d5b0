/**
 * Work in lanes: what shares a key runs in the order it was added, different keys run side by side, at most `limit` at
 * a time. What fails stops its own lane only; {@link drained} throws the first failure.
 */
export class Lanes {
  private readonly tails = new Map<string, Promise<void>>();
  private readonly queue: (() => void)[] = [];
  private readonly failures: unknown[] = [];

  constructor(private free: number) {}

  add(key: string, work: () => Promise<unknown>): void {
    const before = this.tails.get(key) ?? Promise.resolve();
    const tail = before.then(() => this.inTurn(work));
    this.tails.set(key, tail);
    tail.then(
      () => this.tails.get(key) === tail && this.tails.delete(key),
      // The failed tail stays, so that the rest of its lane is skipped.
      () => {},
    );
  }

  /** Waits for all that was added so far. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.tails.values());
    if (this.failures.length > 0) throw this.failures[0];
  }

  private async inTurn(work: () => Promise<unknown>): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      await work();
    } catch (error) {
      this.failures.push(error);
      throw error;
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
    }
  }
}
