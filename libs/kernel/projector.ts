import { BATCH, Overtaken, persist, SCHEMA_LOCK, showTrouble, type Checkpoint, type Follow } from './subscriber.js';
import { BEGINNING, type Batch } from './event-store.js';
import { comparePositions, type Position, type RecordedEvent } from './messages.js';
import type { Projection, Sql } from './projection.js';
import { StoreUnavailable } from './refused.js';
import { spanOfEach } from './trace.js';

/** A projection and where it stands. */
interface Member {
  readonly projection: Projection;
  checkpoint: Checkpoint;
}

/**
 * Runs many projections on one reading of the log: each batch is applied to all of them in one transaction, together
 * with their checkpoints, so every event counts exactly once in each and idle projections cost nothing.
 *
 * A projection that is behind the others (it is new, its version was raised, it failed) goes *alone*, from its own
 * checkpoint and in its own transactions, until it has caught up. So one that cannot digest an event holds back nobody
 * else, skips nothing, and says so in its checkpoint's `error`.
 */
export class Projector {
  private together: Member[] = [];
  private readonly alone = new Map<Member, Promise<void>>();
  /** Where the joint reading stands, or is about to. */
  private heading: Position = BEGINNING;

  constructor(
    readonly name: string,
    private readonly projections: readonly Projection[],
    private readonly follow: Follow,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.follow;
    const work = async (healthy: () => void) => {
      // Whoever still catches up from before ends with this reading; a new one starts from the checkpoints.
      const reading = new AbortController();
      const either = AbortSignal.any([signal, reading.signal]);
      try {
        await this.assemble(either);
        for await (const batch of this.follow.store.follow(this.heading, either, BATCH)) {
          await this.take(batch, either);
          healthy();
        }
        if (!signal.aborted) throw new StoreUnavailable('the log ended');
      } finally {
        reading.abort();
        await Promise.all(this.alone.values());
      }
    };
    await persist(this.name, work, { signal, log });
  }

  private async assemble(signal: AbortSignal): Promise<void> {
    const checkpoints = await prepareProjections(this.projections, this.follow);
    const members = this.projections.flatMap((projection) => {
      const checkpoint = checkpoints.get(projection.name)!;
      return checkpoint.version === projection.version ? [{ projection, checkpoint }] : [];
    });
    this.heading = members.reduce((p, { checkpoint }) => later(p, checkpoint.position), BEGINNING);
    this.together = [];
    for (const member of members) {
      if (member.checkpoint.position === this.heading) this.together.push(member);
      else this.sendAlone(member, signal);
    }
  }

  private async take(batch: Batch, signal: AbortSignal): Promise<void> {
    const members = this.together;
    this.together = [];
    // From here on who joins has to be as far as this batch's end.
    this.heading = batch.position;
    try {
      await this.commit(members, batch);
      this.together.push(...members);
    } catch (error) {
      if (error instanceof StoreUnavailable || error instanceof Overtaken) throw error;
      // One of them cannot digest this batch. Alone, the others get on.
      for (const member of members) this.sendAlone(member, signal);
    }
  }

  private sendAlone(member: Member, signal: AbortSignal): void {
    const { store, checkpoints, log } = this.follow;
    const { name } = member.projection;
    let limit = BATCH;
    const work = async (healthy: () => void) => {
      while (!signal.aborted) {
        if (comparePositions(member.checkpoint.position, this.heading) >= 0) {
          await checkpoints.recovered(name, this.heading);
          this.together.push(member);
          return;
        }
        const read = await store.readAll(member.checkpoint.position, limit);
        // The joint reading may stand past the last event of the log.
        await this.commit([member], read.events.length > 0 ? read : { events: [], position: this.heading });
        limit = BATCH;
        healthy();
      }
    };
    const troubled = async (error: unknown) => {
      // Smaller and smaller, so that what can be applied is, and the error names the one event that cannot.
      limit = Math.max(1, limit >> 3);
      if (error instanceof Overtaken)
        member.checkpoint = (await checkpoints.read([name])).get(name) ?? member.checkpoint;
      await showTrouble(checkpoints, name, error);
    };
    const running = persist(name, work, { signal, log, troubled }).finally(() => this.alone.delete(member));
    this.alone.set(member, running);
  }

  private async commit(all: readonly Member[], { events, position }: Batch): Promise<void> {
    // Who caught up alone may be further than the joint reading.
    const members = all.filter(({ checkpoint }) => comparePositions(checkpoint.position, position) < 0);
    if (members.length === 0) return;
    const { checkpoints, fence } = this.follow;
    const commit = async (sql: Sql) => {
      await sql.query(`set local idle_in_transaction_session_timeout = ${STALLED_MS}`);
      await checkpoints.advance(
        sql,
        members.map(({ checkpoint }) => checkpoint),
        { events, position },
        fence,
      );
      for (const { projection, checkpoint } of members) {
        const wanted = events.filter((event) => wants(projection, event, checkpoint.position));
        if (wanted.length > 0) await applied(projection, wanted, sql);
      }
    };
    await spanOfEach(`project ${this.name}`, events, () => checkpoints.db.transaction(commit));
    for (const member of members) member.checkpoint = { ...member.checkpoint, position };
    checkpoints.announce(
      members.map(({ projection }) => projection.name),
      position,
    );
  }
}

/** Who stands still in the middle of a commit holds the rows that his successor waits for: the database lets him go. */
const STALLED_MS = 5_000;

const later = (a: Position, b: Position): Position => (comparePositions(a, b) >= 0 ? a : b);

export const wants = ({ on }: Projection, event: RecordedEvent, after: Position): boolean =>
  (on === '*' || on.includes(event.type)) && comparePositions(event.position, after) > 0;

export async function applied(projection: Projection, events: readonly RecordedEvent[], sql: Sql): Promise<void> {
  try {
    await projection.apply(events, sql);
  } catch (error) {
    if (events.length > 1 || error instanceof StoreUnavailable) throw error;
    const { type, stream, revision } = events[0]!;
    throw new Error(`${projection.name} cannot apply ${type}, ${stream} revision ${revision}: ${String(error)}`, {
      cause: error,
    });
  }
}

/**
 * Tables and checkpoints of every projection; a raised `version` drops its tables and starts from the beginning of the
 * log. A version above ours belongs to a newer release that runs beside this one: it is left alone, and not run.
 */
export async function prepareProjections(
  projections: readonly Projection[],
  { checkpoints, log }: Pick<Follow, 'checkpoints' | 'log'>,
): Promise<Map<string, Checkpoint>> {
  await checkpoints.prepare();
  return checkpoints.db.transaction(async (sql) => {
    await sql.query(SCHEMA_LOCK);
    const stored = await checkpoints.read(
      projections.map(({ name }) => name),
      sql,
    );
    for (const projection of projections) {
      const before = stored.get(projection.name);
      if (before && before.version > projection.version) {
        log.warn({ projection: projection.name }, 'belongs to a newer release; not run here');
        continue;
      }
      if (before?.version === projection.version) continue;
      await restart(projection, sql);
      stored.set(projection.name, { name: projection.name, version: projection.version, position: BEGINNING });
    }
    return stored;
  });
}

/** Drops a read model and makes it anew, empty: whoever runs it finds itself overtaken and replays the log. */
export async function restart({ name, version, schema, tables }: Projection, sql: Sql): Promise<void> {
  // The checkpoint first, as every commit does: the other order could deadlock with one.
  await sql.query(
    `insert into checkpoints (name, version, position) values ($1, $2, $3)
     on conflict (name) do update set version = excluded.version, position = excluded.position, as_of = null, error = null`,
    [name, version, BEGINNING],
  );
  for (const table of tables) await sql.query(`drop table if exists ${table} cascade`);
  await sql.query(schema);
}
