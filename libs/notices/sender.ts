import { setTimeout as sleep } from 'node:timers/promises';
import {
  canonicalJson,
  comparePositions,
  derivedId,
  ENGINE,
  type Answer,
  type AnyDecider,
  type Checkpoints,
  type EventStore,
  type Instant,
  type Log,
  type Order,
  type Position,
  type Reads,
  type Sql,
} from '#kernel';
import { officeDay, officeOn, partsOfSession, workingGroupDecider } from '#directory';
import type { Contacts } from './contacts.js';
import { letterOf, type Item } from './letter.js';
import { NotDelivered, type Post } from './mail.js';
import { noticesProjection } from './notices.projection.js';
import { MAX_TOLD, noticeDecider, type Failure } from './notice.js';

export interface SenderDeps {
  sql: Sql;
  /** The one door, for `RecordNoticeSent` and `RecordNoticeFailed`. */
  send(order: Order): Promise<Answer>;
  reads: Reads;
  contacts: Contacts;
  /** Absent when no SMTP_URL is set: that nobody was told is then recorded. */
  post?: Post;
  store: Pick<EventStore, 'head'>;
  checkpoints: Pick<Checkpoints, 'read'>;
  /** An import is open, or what fell due has not all fired: one letter at the end instead of a flood. */
  settling(): Promise<boolean>;
  /** Puts into the outbox what no event of the log asks for by itself: what is waited for and late. */
  ask?(): Promise<void>;
  log: Log;
  /** Milliseconds; tests shorten them. */
  pollMs?: number;
  firstRetryMs?: number;
}

interface Notice {
  id: string;
  recipient: string;
  attempts: number;
  items: (Item & { event_id: string })[];
}

interface Look {
  settling: boolean;
  head: Position;
}

/** Of a resolution, all that a letter to an office asks: whose session it was, and when what fell to an office. */
const escalations: Pick<
  AnyDecider<{ session: string; times: ReadonlyMap<string, Instant> }>,
  'aggregate' | 'initial' | 'evolve'
> = {
  aggregate: 'resolution',
  initial: { session: '', times: new Map() },
  evolve(state, { type, data, at }, event) {
    if (type === 'ResolutionIssued') return { ...state, session: data.session };
    if (data?.to === undefined || !event) return state;
    return { ...state, times: new Map(state.times).set(event.id, at) };
  },
};

/** Nobody waits longer than this for what goes on elsewhere; with an import, for nothing more to come. */
const MAX_HOLD_SECONDS = 300;
const MAX_RETRY_MS = 3_600_000;
/** While one sender works on a notice, others leave it alone; longer than the longest SMTP timeout. */
const CLAIM_SECONDS = 120;

/**
 * Sends what stands in the outbox, and writes into the log that it was sent.
 *
 * The order in a crash: the digest is fixed (its id names the events it tells), sent, recorded. Killed between the last
 * two, it is sent again with the same Message-ID, which is as far as SMTP lets anybody go.
 */
export class NoticeSender {
  private last?: Look;

  constructor(private readonly deps: SenderDeps) {}

  /** Until `signal` aborts; then it finishes the letter in hand. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        // What cannot be asked for holds up no letter that is there already.
        await this.deps.ask?.().catch((error: unknown) => this.deps.log.warn({ err: error }, 'nobody can be asked'));
        // An empty outbox is asked one question; what settles where is asked of a burst, from its first letter on.
        const seen = (await this.anyWaits()) ? await this.look() : (this.last = undefined);
        if (seen) {
          await this.gather(seen.settling);
          for (let notice; !signal.aborted && (notice = await this.claim());) await this.tell(notice);
        }
      } catch (error) {
        this.deps.log.warn({ err: error }, 'notices wait');
      }
      await sleep(this.deps.pollMs ?? 2_000, undefined, { signal }).catch(() => {});
    }
  }

  private async anyWaits(): Promise<boolean> {
    const { rowCount } = await this.deps.sql.query('select from notice_outbox where next_attempt_at <= now() limit 1');
    return rowCount! > 0;
  }

  /**
   * What is known once the outbox has seen the log as far as it went at the last look: whether anything was settling
   * then or is now. While the outbox is behind, what it lacks may be the rest of a burst, or (when it is rebuilt) the news
   * that somebody was told long since.
   */
  private async look(): Promise<Look | undefined> {
    const before = this.last;
    // In this order: what fired before nothing was settling any more stands in the log before that head.
    this.last = { settling: await this.deps.settling(), head: await this.deps.store.head() };
    const { name, version } = noticesProjection;
    const at = (await this.deps.checkpoints.read([name])).get(name);
    if (!before || at?.version !== version || comparePositions(at.position, before.head) < 0) return undefined;
    return { head: before.head, settling: before.settling || this.last.settling };
  }

  /** Makes one notice for each recipient of all that waits for him. */
  private async gather(settling: boolean): Promise<void> {
    const { rows } = await this.deps.sql.query<{ recipient: string; events: string[] }>(
      `select recipient, array_agg(event_id::text order by position) as events
         from (select *, max(queued_at) over (partition by recipient) as latest from notice_outbox where notice is null) o
        where not $1 or case when import is null then queued_at else latest end < now() - make_interval(secs => $2)
        group by recipient`,
      [settling, MAX_HOLD_SECONDS],
    );
    for (const { recipient, events } of rows) {
      for (let from = 0; from < events.length; from += MAX_TOLD) {
        const told = events.slice(from, from + MAX_TOLD);
        await this.deps.sql.query(
          'update notice_outbox set notice = $1 where recipient = $2 and event_id = any($3::uuid[]) and notice is null',
          [derivedId('notice', recipient, ...told), recipient, told],
        );
      }
    }
  }

  private async claim(): Promise<Notice | undefined> {
    const { rows } = await this.deps.sql.query<
      Item & { event_id: string; notice: string; recipient: string; attempts: number }
    >(
      `with next as (
         select notice from notice_outbox where notice is not null and next_attempt_at <= now()
          order by next_attempt_at limit 1 for update skip locked),
       claimed as (
         update notice_outbox set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $1)
          where notice = (select notice from next) and next_attempt_at <= now() returning *)
       select c.event_id::text, c.notice::text, c.recipient, c.attempts, c.type, c.resolution, c.obligation, c.detail,
              c.due_at, s.number, s.agency, s.action
         from claimed c left join notice_subjects s using (resolution, obligation) order by c.position`,
      [CLAIM_SECONDS],
    );
    const [first] = rows;
    return first && { id: first.notice, recipient: first.recipient, attempts: first.attempts, items: rows };
  }

  private async tell(notice: Notice): Promise<void> {
    const { state } = await this.deps.reads.state(noticeDecider, notice.id);
    if (state.status === 'sent' || state.status === 'given-up') return;
    const to = this.deps.contacts.get(notice.recipient);
    if (!this.deps.post) return this.failed(notice, 'no-channel', true);
    if (!to) return this.failed(notice, 'no-address', true);
    const messageId = `<${notice.id}@notices.peygir>`;
    try {
      await this.deps.post.send({ messageId, to, ...letterOf(await this.withHolders(notice)) });
    } catch (error) {
      if (!(error instanceof NotDelivered)) throw error;
      this.deps.log.warn({ err: error, recipient: notice.recipient }, 'a notice was not delivered');
      if (error.permanent) return this.failed(notice, 'rejected', true);
      const wait = Math.min((this.deps.firstRetryMs ?? 30_000) * 2 ** (notice.attempts - 1), MAX_RETRY_MS);
      await this.deps.sql.query(
        'update notice_outbox set next_attempt_at = now() + make_interval(secs => $2) where notice = $1',
        [notice.id, wait / 1_000],
      );
      return this.failed(notice, 'unreachable', false);
    }
    await this.record(notice, 'RecordNoticeSent', { channel: 'email', messageId });
  }

  /** Offices are told, and persons hold them: the letter names who did when each thing fell to the office. */
  private async withHolders({ recipient, items }: Notice): Promise<Item[]> {
    const named = items.map(async (item): Promise<Item> => {
      const { session, times } = (await this.deps.reads.state(escalations, item.resolution)).state;
      const group = partsOfSession(session)?.group;
      const at = times.get(item.event_id);
      if (!group || !at) return item;
      const { state } = await this.deps.reads.state(workingGroupDecider, group);
      return state.status === 'unknown' ? item : { ...item, holder: officeOn(state, recipient, officeDay(at)).acting };
    });
    return Promise.all(named);
  }

  private failed(notice: Notice, reason: Failure, final: boolean): Promise<void> {
    return this.record(notice, 'RecordNoticeFailed', { reason, attempts: notice.attempts, final });
  }

  private async record({ id, recipient, items }: Notice, name: string, data: object): Promise<void> {
    await this.deps.send({
      aggregate: noticeDecider.aggregate,
      id,
      name,
      data: { recipient, events: items.map(({ event_id }) => event_id), ...data },
      actor: ENGINE,
      commandId: derivedId('notice', id, name, canonicalJson(data)),
    });
  }
}
