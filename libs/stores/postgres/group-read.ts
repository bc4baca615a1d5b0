import type pg from 'pg';
import { StoreUnavailable } from '#kernel';
import { reached } from './pool.js';

/** A row of log.events, and which of the streams asked for it belongs to. */
export interface StreamRow {
  n: number;
  revision: number;
}

interface Asked<Row> {
  stream: string;
  from: number;
  rows: Promise<Row[]>;
  resolve(rows: Row[]): void;
  reject(error: unknown): void;
}

/** Two, so that one long stream does not hold up everybody else. */
const IN_FLIGHT = 2;
const MOST_STREAMS = 100;

/**
 * Coalesced reads of streams: a few queries are in flight, and who comes meanwhile goes with the next one. A burst of
 * commands asks for one calendar a hundred times at once; it is read once. What is not sent yet sees whatever was there
 * when it was asked for, so reading "to the true end" stays true.
 */
export class GroupRead<Row extends StreamRow> {
  private waiting = new Map<string, Asked<Row>>();
  private inFlight = 0;

  constructor(
    private readonly pool: pg.Pool,
    private readonly columns: string,
    /** Most rows of one stream. */
    private readonly page: number,
  ) {}

  /** One page of a stream from revision `from` (inclusive), in order. @throws StoreUnavailable */
  read(stream: string, from: number): Promise<Row[]> {
    const key = `${from} ${stream}`;
    let asked = this.waiting.get(key);
    if (!asked) {
      const { promise, resolve, reject } = withResolvers<Row[]>();
      asked = { stream, from, rows: promise, resolve, reject };
      this.waiting.set(key, asked);
      if (this.inFlight < IN_FLIGHT) void this.run();
    }
    return asked.rows;
  }

  private async run(): Promise<void> {
    this.inFlight++;
    await Promise.resolve(); // whoever asks in this same moment goes along
    while (this.waiting.size > 0) {
      const batch = [...this.waiting.values()].slice(0, MOST_STREAMS);
      for (const { from, stream } of batch) this.waiting.delete(`${from} ${stream}`);
      await this.answer(batch);
    }
    this.inFlight--;
  }

  /** What fails them all is asked one by one, so that a bad one never fails its neighbours. */
  private async answer(batch: readonly Asked<Row>[]): Promise<void> {
    try {
      const found = batch.map((): Row[] => []);
      for (const row of await this.query(batch)) found[row.n - 1]!.push(row);
      batch.forEach(({ resolve }, index) => resolve(found[index]!.sort((a, b) => a.revision - b.revision)));
    } catch (error) {
      if (batch.length === 1 || error instanceof StoreUnavailable) batch.forEach(({ reject }) => reject(error));
      else for (const asked of batch) await this.answer([asked]);
    }
  }

  /** Not a named statement: a plan made while the log was small would be kept when it no longer is. */
  private async query(batch: readonly Asked<Row>[]): Promise<Row[]> {
    const { rows } = await reached(
      this.pool.query<Row>(
        `select asked.n::int, ${this.columns}
         from unnest($1::text[], $2::int[]) with ordinality as asked (name, since, n), lateral (
           select * from log.events where stream = asked.name and revision >= asked.since order by revision limit $3) e`,
        [batch.map(({ stream }) => stream), batch.map(({ from }) => from), this.page],
      ),
    );
    return rows;
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ((resolve = yes), (reject = no)));
  return { promise, resolve, reject };
}
