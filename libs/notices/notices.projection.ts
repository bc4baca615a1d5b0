import { splitStream, type Projection, type RecordedEvent, type Sql } from '#kernel';
import { agencyKey } from './contacts.js';

/**
 * What somebody has to be told and has not been. A row is `waiting` until it was told, `sent` while an SMS's report is
 * waited for, `undelivered` while it is the secretary's; it changes its state and leaves only by a recorded event.
 * `attempts`, `next_attempt_at`, `channel` (its place among the recipient's) and `failing` belong to the sender.
 * `notice_subjects` keeps what a letter says about an obligation.
 */
export const noticesProjection: Projection = {
  name: 'notices',
  version: 2,
  tables: ['notice_outbox', 'notice_subjects'],
  schema: `
    create table if not exists notice_subjects (
      resolution text not null, obligation text not null, agency text not null, number text not null, action text not null,
      primary key (resolution, obligation));
    create table if not exists notice_outbox (
      event_id uuid not null, recipient text not null, position numeric not null, type text not null,
      resolution text not null, obligation text not null, detail text not null, due_at text not null,
      import text, queued_at timestamptz not null default now(), state text not null default 'waiting',
      notice uuid, message_id text, sent_at text,
      attempts int not null default 0, next_attempt_at timestamptz not null default now(),
      channel int not null default 0, failing text,
      primary key (event_id, recipient));
    create index if not exists notice_outbox_next on notice_outbox (next_attempt_at) where state <> 'undelivered';
    create index if not exists notice_outbox_recipient on notice_outbox (recipient);`,
  on: [
    'ResolutionIssued',
    'ObligationReassigned',
    'AgencyReminded',
    'DeadlineMissed',
    'ObligationEscalated',
    'DutyMissed',
    'ContactsSet',
    'NoticeSent',
    'NoticeDelivered',
    'NoticeFailed',
    'NoticeAcknowledged',
    'NoticeResendAsked',
  ],
  async apply(events, sql) {
    // In a burst they come by the hundred, all of a kind: one statement for each run of them.
    for (const { kind, run } of runs(events)) {
      if (kind === 'issued') await know(run, sql);
      else if (kind === 'told') await queue(run, sql);
      else for (const event of run) await applyOne(event, sql);
    }
  },
};

const TOLD = ['AgencyReminded', 'DeadlineMissed', 'ObligationEscalated', 'DutyMissed'];
const kindOf = ({ type }: RecordedEvent) =>
  type === 'ResolutionIssued' ? 'issued' : TOLD.includes(type) ? 'told' : 'other';

function runs(events: readonly RecordedEvent[]) {
  const all: { kind: ReturnType<typeof kindOf>; run: RecordedEvent[] }[] = [];
  for (const event of events) {
    const kind = kindOf(event);
    if (all.at(-1)?.kind === kind) all.at(-1)!.run.push(event);
    else all.push({ kind, run: [event] });
  }
  return all;
}

async function know(issued: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const subjects = issued.flatMap(({ stream, data }) =>
    (data.obligations as { id: string; agency: string; action: string }[]).map(({ id, agency, action }) => ({
      resolution: splitStream(stream)[1],
      obligation: id,
      agency,
      number: data.number as string,
      action,
    })),
  );
  await sql.query(
    `insert into notice_subjects select resolution, obligation, agency, number, action
     from jsonb_to_recordset($1::jsonb) as r(resolution text, obligation text, agency text, number text, action text)
     on conflict do nothing`,
    [JSON.stringify(subjects)],
  );
}

/** An escalation and a missed duty name the office; a reminder and a miss go to the agency that owes it now. */
async function queue(told: readonly RecordedEvent[], sql: Sql): Promise<void> {
  const rows = told.map(({ id, position, type, stream, data, metadata }) => ({
    event_id: id,
    office: data.to,
    position,
    type,
    resolution: splitStream(stream)[1],
    obligation: data.obligation ?? '',
    detail: data.duty ?? data.rung ?? '',
    due_at: data.dueAt,
    import: metadata.import,
  }));
  await sql.query(
    `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, import)
     select event_id, coalesce(office, $2 || agency), position, type, resolution, obligation, detail, due_at, import
       from jsonb_to_recordset($1::jsonb) as r(event_id uuid, office text, position numeric, type text, resolution text,
         obligation text, detail text, due_at text, import text)
       left join notice_subjects using (resolution, obligation)
      where coalesce(office, agency) is not null
     on conflict do nothing`,
    [JSON.stringify(rows), agencyKey('')],
  );
}

/** A report that has not come after so many days never will. */
const REPORT_DAYS = 3;

async function applyOne(event: RecordedEvent, sql: Sql): Promise<void> {
  const { type, data } = event;
  const [aggregate, id] = splitStream(event.stream);
  const told = (change: string, ...values: unknown[]) =>
    sql.query(`${change} where recipient = $1 and event_id = any($2::uuid[])`, [
      data.recipient,
      data.events,
      ...values,
    ]);
  switch (type) {
    case 'ObligationReassigned':
      await sql.query('update notice_subjects set agency = $3 where resolution = $1 and obligation = $2', [
        id,
        data.obligation,
        data.agency,
      ]);
      return;
    case 'ContactsSet':
      // Whatever failed before, it is tried by the new ones from the first on.
      await sql.query(
        `update notice_outbox set channel = 0, attempts = 0, failing = null, next_attempt_at = now()
          where recipient = $1 and state = 'waiting'`,
        [aggregate === 'agencyContacts' ? agencyKey(id) : id],
      );
      return;
    case 'NoticeSent':
      if (data.channel !== 'sms') {
        await told('delete from notice_outbox');
        return;
      }
      await told(
        `update notice_outbox set state = 'sent', notice = $3, message_id = $4, sent_at = $5, attempts = 0,
           failing = null, next_attempt_at = now()`,
        id,
        data.messageId,
        event.metadata.occurredAt,
      );
      await sql.query(`delete from notice_outbox where state = 'sent' and sent_at < $1`, [
        new Date(Date.parse(event.metadata.occurredAt) - REPORT_DAYS * 86_400_000).toISOString(),
      ]);
      return;
    case 'NoticeFailed':
      // Where there is no channel at all, none is expected, and it is nobody's duty.
      if (data.final && data.reason === 'no-channel') await told('delete from notice_outbox');
      else if (data.final) await told(`update notice_outbox set state = 'undelivered', notice = $3`, id);
      return;
    case 'NoticeResendAsked':
      await told(
        `update notice_outbox set state = 'waiting', channel = 0, attempts = 0, failing = null, next_attempt_at = now()`,
      );
      return;
    case 'NoticeDelivered':
    case 'NoticeAcknowledged':
      await told('delete from notice_outbox');
      return;
  }
}
