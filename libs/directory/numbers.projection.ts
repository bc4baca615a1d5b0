import { kinds, query, sql, type Projection, type Query } from '#kernel';

/** How many events of each type there are; escalations by their recipient too. */
export const numbersProjection: Projection = {
  name: 'numbers',
  version: 1,
  tables: ['read_event_counts'],
  schema: `create table if not exists read_event_counts (type text collate "C", recipient text collate "C" not null,
    count bigint not null, primary key (type, recipient));`,
  on: '*',
  async apply(events, database) {
    const counts = new Map<string, { type: string; recipient: string; count: number }>();
    for (const { type, data } of events) {
      const recipient = type === 'ObligationEscalated' ? String(data.to) : '';
      const key = `${type} ${recipient}`;
      counts.set(key, { type, recipient, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    await database.query(
      `insert into read_event_counts as old (type, recipient, count)
       select type, recipient, count from jsonb_to_recordset($1::jsonb) as r(type text, recipient text, count bigint)
       on conflict (type, recipient) do update set count = old.count + excluded.count`,
      [JSON.stringify([...counts.values()])],
    );
  },
};

class NumbersParams {}

export const numbersQuery = query({
  path: 'numbers',
  summary:
    'The province in numbers: events by type, obligations by status, escalations by recipient, sessions, cases, visits.',
  params: NumbersParams,
  projections: [numbersProjection.name, 'resolutions'],
  async find(_, scoped) {
    const total = async (counted: ReturnType<typeof sql>): Promise<Record<string, number>> =>
      Object.fromEntries((await scoped.rows(counted)).map(({ key, count }) => [key, Number(count)]));
    // One after the other: a read takes one connection of the pool, not three.
    const events = await total(
      sql`select type as key, sum(count) as count from ${kinds.eventCounts} c group by type order by type`,
    );
    return {
      events,
      escalatedTo: await total(
        sql`select recipient as key, count from ${kinds.eventCounts} c where recipient <> '' order by recipient`,
      ),
      obligationStatus: await total(
        sql`select status as key, count(*) as count from ${kinds.obligationOutlines} o group by status order by status`,
      ),
      sessions: events['SessionScheduled'] ?? 0,
      cases: events['CaseOpened'] ?? 0,
      visits: events['VisitPlanned'] ?? 0,
    };
  },
});

export const numbersQueries: readonly Query[] = [numbersQuery];
