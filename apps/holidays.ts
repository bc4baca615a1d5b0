import { CalendarHistory, type CalendarChange } from '#calendar';
import type { Instant, Sql } from '#kernel';

/** A sentence for every calendar whose table of holidays ends within a quarter, or has ended. */
export async function holidayWarnings(sql: Sql, now: Instant): Promise<string[]> {
  const { rows } = await sql.query<{ id: string; changes: CalendarChange[] }>(
    'select id, changes from clock_calendars order by id',
  );
  return rows.flatMap(({ id, changes }) => new CalendarHistory(id, changes).tableWarning(now) ?? []);
}
