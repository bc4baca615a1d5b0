import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dateOf, localDay } from '#calendar';
import { ENGINE, type Actor, type Answer, type Clock, type Database, type Log, type Order } from '#kernel';
import { MAX_PURPOSE, MAX_READS, MAX_WHAT, readingDecider, type RecordReads } from './reading.js';

const ZONE = 'Asia/Tehran';
/** One event for each reader in this time, however fast he asks: some three hundred a day for who follows the log. */
const EVERY_MS = 5 * 60_000;

/** One line of who read what; `recorded` says whether it stands in the log already. */
export interface ReadLine {
  reader: { id: string; role: string };
  day: string;
  what: string;
  purpose?: string;
  count: number;
  first: string;
  last: string;
  recorded: boolean;
}

/**
 * Who reads the log is read, too. A read is noted in a table before it is answered, so none is lost, neither by a stop
 * nor by a kill, and nothing is answered that could not be noted. From there the notes go into the log in batches: a
 * stream for each reader and day. A batch is fixed before it is sent and is its own commandId, so it counts once.
 */
export class Readers {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param purpose why, in the reader's own words; it is asked for and not required */
  async note({ id, role }: Pick<Actor, 'id' | 'role'>, what: string, purpose = ''): Promise<void> {
    const now = this.clock.now();
    await this.database.query(
      `insert into audit_reads as r (reader, role, day, what, purpose, count, first, last)
       values ($1, $2, $3, $4, $5, 1, $6, $6)
       on conflict (reader, role, day, what, purpose) where batch is null
       do update set count = r.count + 1, last = greatest(r.last, excluded.last), first = least(r.first, excluded.first)`,
      [id, role, dateOf(localDay(now, ZONE)), clipped(what, MAX_WHAT), clipped(purpose.trim(), MAX_PURPOSE), now],
    );
  }

  /** Every five minutes until `signal` aborts, and then once more: a clean stop leaves nothing for the next start. */
  async run(send: (order: Order) => Promise<Answer>, signal: AbortSignal, log: Log): Promise<void> {
    for (let last = false; !last;) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => (last = true));
      await this.record(send).catch((error: unknown) => log.warn({ err: error }, 'notes of who read what wait'));
    }
  }

  /** Brings what was noted into the log; the notes go when the projection has seen it there. Any number may do it at once. */
  async record(send: (order: Order) => Promise<Answer>): Promise<void> {
    await this.database.query(
      `with open as (
         select id, reader, role, day, (row_number() over (partition by reader, role, day order by id) - 1) / $1 as part
         from audit_reads where batch is null),
       batches as (select reader, role, day, part, gen_random_uuid() as batch from open group by 1, 2, 3, 4)
       update audit_reads r set batch = b.batch from open o join batches b using (reader, role, day, part)
       where r.id = o.id and r.batch is null`,
      [MAX_READS],
    );
    const { rows } = await this.database.query<RecordReads & { batch: string }>(
      `select batch, jsonb_build_object('id', reader, 'role', role) as reader, day,
         jsonb_agg(jsonb_strip_nulls(jsonb_build_object('what', what, 'purpose', nullif(purpose, ''), 'count', count,
           'first', first, 'last', last)) order by id) as reads
       from audit_reads where batch is not null group by batch, reader, role, day order by min(id)`,
    );
    for (const { batch, ...data } of rows) {
      await send({
        aggregate: readingDecider.aggregate,
        id: `${streamName(data.reader.id)}.${data.day}`,
        name: 'RecordReads',
        data,
        actor: ENGINE,
        commandId: batch,
      });
    }
  }

  /** Who read what, the latest first; also what is only noted yet. */
  async list({ reader, day, limit = 500 }: { reader?: string; day?: string; limit?: number }): Promise<ReadLine[]> {
    const { rows } = await this.database.query<Omit<ReadLine, 'purpose'> & { purpose: string | null }>(
      `select jsonb_build_object('id', reader, 'role', role) as reader, day, what, nullif(purpose, '') as purpose, count,
         first, last, recorded
       from (select reader, role, day, what, purpose, count, first, last, true as recorded from audit_readings
             union all
             select reader, role, day, what, purpose, count, first, last, false from audit_reads) r
       where ($1::text is null or r.reader = $1) and ($2::text is null or day = $2) order by last desc, what limit $3`,
      [reader ?? null, day ?? null, limit],
    );
    return rows.map(({ purpose, ...line }) => ({ ...line, ...(purpose !== null && { purpose }) }));
  }
}

/** Ids of people may have characters that those of streams may not. */
const streamName = (reader: string): string =>
  /^[A-Za-z0-9._-]{1,80}$/.test(reader) ? reader : createHash('sha256').update(reader).digest('hex').slice(0, 32);

/** Whole code points, and nothing that PostgreSQL cannot store. */
const clipped = (text: string, length: number): string =>
  [...text.toWellFormed().replaceAll('\u0000', '')].slice(0, length).join('').slice(0, length).toWellFormed();
