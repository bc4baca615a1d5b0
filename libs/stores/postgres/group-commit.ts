import type pg from 'pg';
import { StoreUnavailable, WrongRevision, type Appended, type Opening } from '#kernel';
import { setTimeout as pause } from 'node:timers/promises';
import type { SealedEvent } from '../vault.js';
import { reached } from './pool.js';

/** A caller who waits: his events are already text, so what cannot be written fails before it is queued. */
interface Waiting {
  stream: string;
  expected: number;
  events: { id: string; type: string; data: string; metadata: string; openings: readonly Opening[] }[];
  bytes: number;
  resolve(appended: Appended): void;
  reject(error: unknown): void;
}

const MAX_BATCH_EVENTS = 1_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

const APPEND = {
  name: 'append-batch',
  text: 'select append, revision, position from log.append_batch($1, $2, $3, $4, $5, $6, $7::json[], $8::json[])',
};

const APPEND_SEALED = {
  name: 'append-sealed-batch',
  text: `select append, revision, position
    from log.append_sealed_batch($1, $2, $3, $4, $5, $6, $7::json[], $8::json[], $9, $10, $11, $12, $13, $14)`,
};

/**
 * Coalesced appends: one batch is in flight, and who comes meanwhile goes with the next one, in one transaction, as
 * soon as that returns. A batch MUST hold at most one append for a stream: the second one's revision depends on the
 * first one's fate. What fails a batch is tried caller by caller, so that a bad one never fails its neighbours.
 */
export class GroupCommit {
  private queue: Waiting[] = [];
  private running: Promise<void> | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly patienceMs: number,
  ) {}

  async append(stream: string, expected: number, events: readonly SealedEvent[]): Promise<Appended> {
    if (events.length === 0) throw new RangeError('There is nothing to append.');
    const texts = events.map(({ id, type, data, metadata, openings = [] }) => ({
      id,
      type,
      data: JSON.stringify(data),
      metadata: JSON.stringify(metadata),
      openings,
    }));
    const bytes = texts.reduce(
      (sum, { data, metadata, openings }) =>
        openings.reduce((more, { value }) => more + value.length, sum + data.length + metadata.length),
      0,
    );
    return new Promise((resolve, reject) => {
      this.queue.push({ stream, expected, events: texts, bytes, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Until nobody waits any more. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    await Promise.resolve(); // whoever calls in this same moment goes along
    while (this.queue.length > 0) await this.settle(this.nextBatch());
    this.running = undefined;
  }

  private nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    const streams = new Set<string>();
    let events = 0;
    let bytes = 0;
    for (const waiting of this.queue) {
      const fits = events + waiting.events.length <= MAX_BATCH_EVENTS && bytes + waiting.bytes <= MAX_BATCH_BYTES;
      if (batch.length > 0 && (!fits || streams.has(waiting.stream))) later.push(waiting);
      else {
        batch.push(waiting);
        events += waiting.events.length;
        bytes += waiting.bytes;
      }
      streams.add(waiting.stream); // also of those that stay: appends to a stream keep their order
    }
    this.queue = later;
    return batch;
  }

  private async settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.persistently(batch);
      batch.forEach(({ stream, expected, resolve, reject }, index) => {
        const answer = answers.get(index + 1);
        if (answer) resolve(answer);
        else reject(new WrongRevision(stream, expected));
      });
    } catch (error) {
      if (batch.length === 1 || error instanceof StoreUnavailable) batch.forEach(({ reject }) => reject(error));
      else for (const waiting of batch) await this.settle([waiting]);
    }
  }

  /** After a lost answer the same events are sent again; when they stand already, that is the answer. */
  private async persistently(batch: readonly Waiting[]): Promise<Map<number, Appended>> {
    const until = Date.now() + this.patienceMs;
    for (let waitMs = 20; ; waitMs *= 2) {
      try {
        return await this.write(batch);
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || Date.now() + waitMs > until) throw error;
        await pause(waitMs);
      }
    }
  }

  private async write(batch: readonly Waiting[]): Promise<Map<number, Appended>> {
    const events = batch.flatMap((waiting, index) =>
      waiting.events.map((event, offset) => ({ ...event, append: index + 1, offset })),
    );
    const openings = events.flatMap(({ append, id, openings: each }) =>
      each.map((opening) => ({ ...opening, append, event: id })),
    );
    const { rows } = await reached(
      this.pool.query<{ append: number; revision: number; position: string }>({
        ...(openings.length > 0 ? APPEND_SEALED : APPEND),
        values: [
          batch.map(({ stream }) => stream),
          batch.map(({ expected }) => expected),
          events.map(({ append }) => append),
          events.map(({ offset }) => offset),
          events.map(({ id }) => id),
          events.map(({ type }) => type),
          events.map(({ data }) => data),
          events.map(({ metadata }) => metadata),
          ...(openings.length > 0
            ? [
                openings.map(({ append }) => append),
                openings.map(({ event }) => event),
                openings.map(({ path }) => path),
                openings.map(({ commitment }) => commitment),
                openings.map(({ salt }) => salt),
                openings.map(({ value }) => value),
              ]
            : []),
        ],
      }),
    );
    return new Map(rows.map(({ append, revision, position }) => [append, { revision, position }]));
  }
}
