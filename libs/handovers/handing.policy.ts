import { sameJson, splitStream, type Policy, type Position, type Sql } from '#kernel';
import { officeDay, officeOn, workingGroupDecider, type AppointData } from '#directory';
import { handoverDecider } from './handover.js';
import { MAX_LISTED, type DrawHandoverData, type OpenMatters } from './handover.commands.js';

/** The read models that the list is read from. */
const READ = ['resolutions', 'referrals', 'sessions', 'cases', 'watches'];

export interface HandingDeps {
  sql: Sql;
  /** Answers once these read models have seen the log up to `position`; throws StoreUnavailable when they are too far behind. */
  reached(names: readonly string[], position: Position): Promise<void>;
}

/**
 * When another holds an office, what is open for it is put on a list, as it is known then. Only a live province does so:
 * an import tells of changes long past, of which nobody could sign today's list.
 */
export const newHolderTakesOver = ({ sql, reached }: HandingDeps): Policy => ({
  name: 'new-holder-takes-over',
  on: ['HolderAppointed'],
  async react({ stream, data, position, metadata }, reads) {
    if (metadata.import !== undefined) return [];
    const [, workingGroup] = splitStream(stream);
    const { state: group } = await reads.state(workingGroupDecider, workingGroup);
    if (group.status !== 'established') return [];
    const { office, person: incoming, from } = data as AppointData;
    const n = group.holders.findIndex((one) => sameJson(one, data)) + 1;
    const before = { holders: group.holders.slice(0, n - 1), substitutes: [] };
    // Of an office that has become vacant, whoever held it last.
    const last = before.holders.findLast((one) => one.office === office)?.person;
    const outgoing = officeOn(before, office, officeDay(metadata.occurredAt)).holder ?? last;
    if (outgoing === undefined || outgoing === incoming) return [];
    const id = `${workingGroup}-${n}`;
    if ((await reads.state(handoverDecider, id)).state.status !== 'none') return [];
    await reached(READ, position);
    const list: DrawHandoverData = { workingGroup, office, outgoing, incoming, from, ...(await openMatters(sql, workingGroup, office)) }; // prettier-ignore
    return [{ aggregate: 'handover', id, name: 'DrawHandover', data: list }];
  },
});

/** One statement sees one state of the read models; `asOf` is the one that is least far. */
async function openMatters(sql: Sql, group: string, office: string): Promise<OpenMatters & { asOf: Position }> {
  const { rows } =
    await sql.query<{ asof: string; duties: string[]; escalations: string[]; referrals: string[]; sessions: string[] }>( // prettier-ignore
      `with mine as (select id from read_resolutions where regexp_replace(session, '-[0-9]+$', '') = $1)
     select (select min(position::numeric)::text from checkpoints where name = any($3)) as asof,
       array(select all_duties.said from (
           select (doc->>'duty') || ' ' || resolution || coalesce('/' || (doc->>'obligation'), '') as said, since
             from read_duties where owner = $2 and resolution in (select id from mine)
           union all
           select (doc->>'duty') || ' ' || coalesce(doc->'about'->>'case', (doc->'about'->>'resolution') || '/' || (doc->'about'->>'obligation'), ''), since
             from read_watches where owner = $2
              and (doc->'about'->>'resolution' in (select id from mine)
                or doc->'about'->>'case' in (select id from read_cases where working_group = $1))
         ) all_duties order by since, said) as duties,
       array(select id from read_obligations where open and escalated_to = $2 and working_group = $1 order by id) as escalations,
       array(select id from read_referrals where status <> 'closed' and resolution in (select id from mine)
               and $2 in ('secretary', 'governor') order by id) as referrals,
       array(select id from read_sessions where status = 'open' and working_group = $1
               and $2 in ('governor', 'deputy') order by date, id) as sessions`,
      [group, office, READ],
    );
  const { asof: asOf, ...all } = rows[0]!;
  let room = MAX_LISTED;
  const fitting = (items: string[]) => {
    const kept = items.slice(0, room);
    room -= kept.length;
    return kept;
  };
  const listed = {
    sessions: fitting(all.sessions),
    escalations: fitting(all.escalations),
    duties: fitting(all.duties),
    referrals: fitting(all.referrals),
  };
  const total = Object.values(all).reduce((sum, items) => sum + items.length, 0);
  return { ...listed, omitted: total - (MAX_LISTED - room), asOf };
}
