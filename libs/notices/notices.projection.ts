import type { Projection, RecordedEvent, Sql } from '#kernel';
import { agencyKey } from './contacts.js';

/**
 * What somebody has to be told and has not been: a row leaves only by a recorded `NoticeSent`, or by a `NoticeFailed`
 * that is final. `notice_subjects` keeps what a letter says about an obligation.
 */
export const noticesProjection: Projection = {
  name: 'notices',
  version: 1,
  tables: ['notice_outbox', 'notice_subjects'],
  schema: `
    create table if not exists notice_subjects (
      resolution text not null, obligation text not null, agency text not null, number text not null, action text not null,
      primary key (resolution, obligation));
    create table if not exists notice_outbox (
      event_id uuid not null, recipient text not null, position numeric not null, type text not null,
      resolution text not null, obligation text not null, detail text not null, due_at text not null,
      import text, queued_at timestamptz not null default now(),
      notice uuid, attempts int not null default 0, next_attempt_at timestamptz not null default now(),
      primary key (event_id, recipient));
    create index if not exists notice_outbox_next on notice_outbox (next_attempt_at);`,
  on: [
    'ResolutionIssued',
    'ObligationReassigned',
    'AgencyReminded',
    'DeadlineMissed',
    'ObligationEscalated',
    'DutyMissed',
    'NoticeSent',
    'NoticeFailed',
  ],
  async apply(events, sql) {
    for (const event of events) await applyOne(event, sql);
  },
};

async function applyOne(event: RecordedEvent, sql: Sql): Promise<void> {
  const { type, data } = event;
  const resolution = event.stream.replace(/^resolution-/, '');
  if (type === 'ResolutionIssued') {
    for (const { id, agency, action } of data.obligations as { id: string; agency: string; action: string }[]) {
      await sql.query('insert into notice_subjects values ($1, $2, $3, $4, $5) on conflict do nothing', [
        resolution,
        id,
        agency,
        data.number,
        action,
      ]);
    }
  } else if (type === 'ObligationReassigned') {
    await sql.query('update notice_subjects set agency = $3 where resolution = $1 and obligation = $2', [
      resolution,
      data.obligation,
      data.agency,
    ]);
  } else if (type === 'NoticeSent' || (type === 'NoticeFailed' && data.final)) {
    await sql.query('delete from notice_outbox where recipient = $1 and event_id = any($2::uuid[])', [
      data.recipient,
      data.events,
    ]);
  } else if (type !== 'NoticeFailed') {
    // An escalation and a missed duty name the office; a reminder and a miss go to the agency that owes it now.
    await sql.query(
      `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, import)
       select $1, coalesce($2, $3 || agency), $4, $5, $6, $7, $8, $9, $10
         from (select 1) one left join notice_subjects on resolution = $6 and obligation = $7
        where coalesce($2, agency) is not null
       on conflict do nothing`,
      [
        event.id,
        data.to ?? null,
        agencyKey(''),
        event.position,
        type,
        resolution,
        data.obligation ?? '',
        data.duty ?? data.rung ?? '',
        data.dueAt,
        event.metadata.import ?? null,
      ],
    );
  }
}
