import type { Clock, Reads, Sql } from '#kernel';
import { rhythmOf } from '#calendar';
import { calendarDecider } from '#directory';
import type { Waiting } from './watch.js';

export interface AskingDeps {
  sql: Sql;
  clock: Clock;
  reads: Reads;
  /** Id of the province's calendar. */
  province: string;
  /** Imports that run: what they touched waits until they end. */
  openImports(): Promise<readonly string[]>;
}

/**
 * Puts into the outbox of notices whatever is to be asked now, and takes out what nobody waits for any more. It runs
 * again and again, anywhere, and remembers nothing: an asking has one id, which stays the next one until the log says
 * that it was told.
 */
export const asking =
  ({ sql, clock, reads, province, openImports }: AskingDeps) =>
  async (): Promise<void> => {
    const now = clock.now();
    const { rows } = await sql.query<{ doc: Waiting & { ask: string } }>(
      `select doc from read_watches w
        where not_before <= $1 and (import is null or import <> all ($2::text[]))
          and not exists (select from notice_outbox o where o.event_id = w.ask::uuid)`,
      [now, await openImports()],
    );
    const view = rows.length > 0 ? (await reads.state(calendarDecider, province)).state?.view() : undefined;
    const due = rows.flatMap(({ doc }) => {
      const { nextAt, dueAt } = view ? rhythmOf(doc, view) : {};
      return nextAt !== undefined && nextAt <= now ? [{ ask: doc.ask, due_at: dueAt }] : [];
    });
    // One statement sees one state of the database: what was told meanwhile is not the next asking in it. It counts only
    // while watches have come at least as far as the outbox, because what is struck out there was told.
    await sql.query(
      `with ready as (
         select (select position::numeric from checkpoints where name = 'watches')
             >= (select position::numeric from checkpoints where name = 'notices') as yes
       ), over as (
         delete from notice_outbox o where o.position = 0 and o.notice is null and (select yes from ready)
            and not exists (select from read_watches w where w.ask = o.event_id::text)
       )
       insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, import)
       select r.ask, w.owner, 0, doc->>'duty', coalesce(doc->'about'->>'resolution', doc->'about'->>'case', ''),
              coalesce(doc->'about'->>'obligation', ''), coalesce(doc->>'detail', ''), r.due_at, w.import
         from jsonb_to_recordset($1::jsonb) as r(ask uuid, due_at text) join read_watches w on w.ask = r.ask::text
        where (select yes from ready) and not exists (select from notice_outbox o where o.event_id = r.ask)
       on conflict do nothing`,
      [JSON.stringify(due)],
    );
  };
