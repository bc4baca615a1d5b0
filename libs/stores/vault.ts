import {
  ERASED,
  hasSeals,
  Refused,
  sealsIn,
  unsealed,
  type Appended,
  type Batch,
  type EventStore,
  type Instant,
  type NewEvent,
  type Opening,
  type Position,
  type RecordedEvent,
  type Sealing,
  type Sql,
} from '#kernel';

/** An event with commitments in place of what is sealed, and what opens them. */
export interface SealedEvent extends NewEvent {
  openings?: readonly Opening[];
}

/** Where one sealed value of the log stands. */
export interface SealedPlace {
  event: string;
  path: string;
}

/** One that was erased: by which erasure, and when. */
export interface ErasedPlace extends SealedPlace {
  erasure: string;
  at: Instant;
}

/** What sealed fields say: the tables `vault.*` of the log's database, or beside the read models when the log has none. */
export class Vault {
  constructor(private readonly sql: Sql) {}

  /** For a log that cannot keep openings in its own transaction. Call it before the events are appended. */
  async keep(events: readonly SealedEvent[]): Promise<void> {
    const all = events.flatMap(({ id, openings = [] }) => openings.map((opening) => ({ ...opening, event: id })));
    if (all.length === 0) return;
    await this.sql.query(
      `insert into vault.openings (commitment, event, path, salt, value)
       select * from unnest($1::bytea[], $2::uuid[], $3::text[], $4::bytea[], $5::text[])`,
      [
        all.map(({ commitment }) => commitment),
        all.map(({ event }) => event),
        all.map(({ path }) => path),
        all.map(({ salt }) => salt),
        all.map(({ value }) => value),
      ],
    );
  }

  private asked: {
    commitments: readonly string[];
    resolve(found: Map<string, string>): void;
    reject(error: unknown): void;
  }[] = [];
  private reading = false;

  /**
   * What these commitments (base64) say; one that is not there was erased. Whoever asks while a question is on its way
   * goes with the next one, together with all others who wait.
   */
  values(commitments: readonly string[]): Promise<Map<string, string>> {
    return new Promise((resolve, reject) => {
      this.asked.push({ commitments, resolve, reject });
      if (!this.reading) void this.read();
    });
  }

  private async read(): Promise<void> {
    this.reading = true;
    await Promise.resolve(); // whoever asks in this same moment goes along
    while (this.asked.length > 0) {
      const together = this.asked;
      this.asked = [];
      try {
        const { rows } = await this.sql.query<{ commitment: string; value: string }>(
          `select encode(commitment, 'base64') as commitment, value from vault.openings where commitment = any($1::bytea[])`,
          [together.flatMap(({ commitments }) => commitments.map((each) => Buffer.from(each, 'base64')))],
        );
        const found = new Map(rows.map(({ commitment, value }) => [commitment, value]));
        for (const { resolve } of together) resolve(found);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.reading = false;
  }

  /** With their salts, for whoever may show them. */
  async open(commitments: readonly string[]): Promise<Map<string, { salt: Buffer; value: string }>> {
    const { rows } = await this.sql.query<{ commitment: Buffer; salt: Buffer; value: string }>(
      'select commitment, salt, value from vault.openings where commitment = any($1::bytea[])',
      [commitments.map((each) => Buffer.from(each, 'base64'))],
    );
    return new Map(rows.map(({ commitment, ...opening }) => [commitment.toString('base64'), opening]));
  }

  /** Destroys salt and value, also of openings that tries of these events left behind. Doing it again does nothing more. */
  async erase(places: readonly SealedPlace[], erasure: string): Promise<void> {
    const of = [places.map(({ event }) => event), places.map(({ path }) => path)];
    // One statement, so that a value is never gone without the reason.
    await this.sql.query(
      `with mine as (select * from unnest($1::uuid[], $2::text[]) as m (event, path)),
         gone as (delete from vault.openings o using mine where o.event = mine.event and o.path = mine.path)
       insert into vault.erased (event, path, erasure) select event, path, $3 from mine on conflict do nothing`,
      [...of, erasure],
    );
  }

  /** Of an append that came to nothing, more than an hour ago: what is not among these commitments (base64). */
  async orphans(known: ReadonlySet<string>): Promise<string[]> {
    const { rows } = await this.sql.query<{ commitment: Buffer }>(
      `select commitment from vault.openings where at < now() - interval '1 hour'`,
    );
    return rows.map(({ commitment }) => commitment.toString('base64')).filter((each) => !known.has(each));
  }

  async destroy(commitments: readonly string[]): Promise<void> {
    await this.sql.query('delete from vault.openings where commitment = any($1::bytea[])', [
      commitments.map((each) => Buffer.from(each, 'base64')),
    ]);
  }

  /** Gives the room of what was destroyed back to be written over. Not inside a transaction. */
  async tidy(): Promise<void> {
    await this.sql.query('vacuum vault.openings');
  }

  async erased(): Promise<ErasedPlace[]> {
    const { rows } = await this.sql.query<SealedPlace & { erasure: string; at: Date }>(
      'select event, path, erasure, at from vault.erased order by at, event, path',
    );
    return rows.map(({ at, ...rest }) => ({ ...rest, at: at.toISOString() }));
  }

  /** How much was erased so far: whoever keeps read values in memory forgets them when it grows. */
  async erasures(): Promise<number> {
    const { rows } = await this.sql.query<{ n: number }>('select count(*)::int as n from vault.erased');
    return rows[0]!.n;
  }
}

/**
 * A log whose sealed fields are sealed on the way in and put together on the way out, one question to the vault for each
 * page. Events with sealed fields come with `stored`, their data as the log has them.
 *
 * MUST: whatever stands in the log has its openings in the vault. A log that keeps the vault in its own database
 * (`together`) writes both in one transaction; with another the openings come first, and those of an append that came to
 * nothing are left behind until `peygir doctor` finds them.
 */
export class SealedEventStore implements EventStore {
  constructor(
    readonly inner: EventStore,
    readonly vault: Vault,
    private readonly seal: Sealing,
    private readonly together: boolean,
  ) {}

  async append(stream: string, expectedRevision: number, events: readonly NewEvent[]): Promise<Appended> {
    const sealed = events.map((event): SealedEvent => {
      if (hasSeals(event.data)) throw new Refused('invalid', 'A value may not look like a seal.', 400);
      const { event: stored, openings } = this.seal(event, stream);
      return openings.length > 0 ? { ...stored, openings } : stored;
    });
    if (this.together) return this.inner.append(stream, expectedRevision, sealed);
    await this.vault.keep(sealed);
    return this.inner.append(
      stream,
      expectedRevision,
      sealed.map(({ openings: _, ...event }) => event),
    );
  }

  async readStream(stream: string, from?: number): Promise<RecordedEvent[]> {
    return this.opened(await this.inner.readStream(stream, from));
  }

  async readAll(after: Position, limit: number): Promise<Batch> {
    const { events, position } = await this.inner.readAll(after, limit);
    return { events: await this.opened(events), position };
  }

  head(): Promise<Position> {
    return this.inner.head();
  }

  async *follow(after: Position, signal: AbortSignal, limit?: number): AsyncIterable<Batch> {
    for await (const { events, position } of this.inner.follow(after, signal, limit)) {
      yield { events: await this.opened(events), position };
    }
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async opened(events: RecordedEvent[]): Promise<RecordedEvent[]> {
    const wanted = new Set<string>();
    const sealed = new Set<RecordedEvent>();
    for (const event of events) {
      if (!hasSeals(event.data)) continue;
      sealed.add(event);
      for (const [, commitment] of sealsIn(event.data)) wanted.add(commitment);
    }
    if (sealed.size === 0) return events;
    const known = await this.vault.values([...wanted]);
    const open = (commitment: string) => known.get(commitment) ?? ERASED;
    return events.map((event) =>
      sealed.has(event) ? { ...event, data: unsealed(event.data, open), stored: event.data } : event,
    );
  }
}
