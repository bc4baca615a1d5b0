import { setTimeout as sleep } from 'node:timers/promises';
import {
  canonicalJson,
  comparePositions,
  derivedId,
  ENGINE,
  Sleeper,
  type Answer,
  type Checkpoints,
  type Clock,
  type EventStore,
  type Log,
  type Order,
  type Position,
  type Sql,
} from '#kernel';
import { calendarDecider, DEFAULT_CALENDAR } from '#directory';
import { NotDelivered } from './channel.js';
import type { Channel } from './contact.js';
import { contactsStream, Delivery, nameOf, type DeliveryDeps } from './delivery.js';
import type { Item } from './letter.js';
import { noticesProjection } from './notices.projection.js';
import { MAX_TOLD, noticeDecider, type Failure } from './notice.js';

export interface SenderDeps extends DeliveryDeps {
  sql: Sql;
  /** The one door, for what is recorded. */
  send(order: Order): Promise<Answer>;
  /** Says whether offices are open. */
  clock: Clock;
  /** Id of the province's own calendar, whose working hours are kept. */
  province?: string;
  store: Pick<EventStore, 'head'>;
  checkpoints: Pick<Checkpoints, 'read' | 'onMoved'>;
  /** An import is open, or what fell due has not all fired: one letter at the end instead of a flood. */
  settling(): Promise<boolean>;
  /** Puts into the outbox what no event of the log asks for by itself: what is waited for and late. */
  ask?(): Promise<void>;
  log: Log;
  /** Milliseconds between two looks, at least; and at most, where nothing can be done. Tests shorten them. */
  pollMs?: number;
  sweepMs?: number;
  /** Seconds after each failed attempt; as many attempts and one more are made. Tests shorten them. */
  retries?: readonly number[];
}

interface Notice {
  id: string;
  recipient: string;
  attempts: number;
  /** Which of the recipient's channels is tried now. */
  channel: number;
  items: (Item & { event_id: string })[];
}

interface Look {
  settling: boolean;
  head: Position;
}

/** Nobody waits longer than this for what goes on elsewhere; with an import, for nothing more to come. */
const MAX_HOLD_SECONDS = 300;
/** While one sender works on a notice, others leave it alone; longer than the longest timeout of a channel. */
const CLAIM_SECONDS = 120;
/** Half a minute to fourteen hours, each try in working hours: some working days in which a server may come back. */
const RETRY_SECONDS = [30, 120, 600, 1_800, 7_200, 18_000, 36_000, 50_400];
/** With another channel left, nobody waits for this one beyond so many retries. */
const RETRIES_BEFORE_THE_NEXT = 2;
const REPORT_SECONDS = { first: 10, longest: 3_600 };

/**
 * Sends what stands in the outbox, in the working hours of the province, and writes into the log that it was sent.
 *
 * The order in a crash: the digest is fixed (its id names the events it tells), sent, recorded. Killed between the last
 * two, it is sent again under the same id (Message-ID, webhook-id, the gateway's `{id}`), by which the other side can
 * know it again.
 */
export class NoticeSender {
  private last?: Look;
  private readonly sleeper = new Sleeper();
  private readonly delivery: Delivery;

  constructor(private readonly deps: SenderDeps) {
    this.delivery = new Delivery(deps);
  }

  /** Looks again soon: something was put into the outbox, or the clock has jumped. */
  wake(): void {
    this.sleeper.wake();
  }

  /** Until `signal` aborts; then it finishes the notice in hand. */
  async run(signal: AbortSignal): Promise<void> {
    const { ask, checkpoints, log, pollMs = 2_000, sweepMs = 30_000 } = this.deps;
    // Heard where the outbox is projected; every other sender has the longest sleep.
    const off = checkpoints.onMoved((names) => names.includes(noticesProjection.name) && this.wake());
    while (!signal.aborted) {
      let idleMs = 0;
      try {
        // What cannot be asked for holds up no letter that is there already.
        await ask?.().catch((error: unknown) => log.warn({ err: error }, 'nobody can be asked'));
        await this.readReports();
        // An empty outbox is asked one question; what settles where is asked of a burst, from its first letter on.
        idleMs = await this.untilNext();
        if (idleMs > 0) this.last = undefined;
        else if (!(await this.work(signal))) idleMs = Infinity;
      } catch (error) {
        log.warn({ err: error }, 'notices wait');
      }
      await sleep(pollMs, undefined, { signal }).catch(() => {});
      await this.sleeper.sleep(Math.min(idleMs, sweepMs) - pollMs, signal);
    }
    off();
  }

  /** @returns false when nobody can be told before something changes */
  private async work(signal: AbortSignal): Promise<boolean> {
    const open = await this.openFor();
    const only = open === undefined ? await this.hopeless() : null;
    if (only?.length === 0) return false;
    const seen = await this.look();
    if (!seen) return true;
    await this.gather(seen.settling, open, only);
    const goesOn = async () => !signal.aborted && (only !== null || (await this.openFor()) !== undefined);
    for (let notice; (await goesOn()) && (notice = await this.claim(only));) await this.tell(notice);
    return true;
  }

  /** Whether somebody can be told now, or it can be recorded that he cannot. */
  async hasWork(): Promise<boolean> {
    const only = (await this.openFor()) === undefined ? await this.hopeless() : null;
    const { rowCount } = await this.deps.sql.query(
      `select from notice_outbox where state = 'waiting' and ($1::text[] is null or recipient = any($1)) limit 1`,
      [only],
    );
    return rowCount! > 0;
  }

  /** For how many milliseconds offices have been open; undefined when they are closed. Without a calendar they always are. */
  private async openFor(): Promise<number | undefined> {
    const { clock, reads, province = DEFAULT_CALENDAR } = this.deps;
    const { state } = await reads.state(calendarDecider, province);
    if (!state) return Infinity;
    const now = clock.now();
    const since = state.view().openSince(now);
    return since === undefined ? undefined : Date.parse(now) - Date.parse(since);
  }

  /** Those for whom something waits and who cannot be told, by night or by day: that is recorded without disturbing anybody. */
  private async hopeless(): Promise<string[]> {
    const { rows } = await this.deps.sql.query<{ recipient: string }>(
      `select distinct recipient from notice_outbox where state = 'waiting'`,
    );
    const found = await Promise.all(
      rows.map(async ({ recipient }) =>
        (await this.delivery.channelsOf(recipient)).usable.length === 0 ? [recipient] : [],
      ),
    );
    return found.flat();
  }

  /** Milliseconds until something is to be told or a report to be read; zero or less when something is to be told now. */
  private async untilNext(): Promise<number> {
    const { rows } = await this.deps.sql.query<{ ms: number | null }>(
      `select extract(epoch from least(
         (select min(next_attempt_at) from notice_outbox where state = 'waiting'),
         (select min(next_attempt_at) from notice_outbox where state = 'sent' and $1)) - now())::float * 1000 as ms`,
      [this.deps.sms?.report !== undefined],
    );
    return rows[0]!.ms ?? Infinity;
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

  /** Makes one notice for each recipient of all that waits for him. What came while offices were closed waits for what comes at their opening. */
  private async gather(settling: boolean, openMs = Infinity, only: readonly string[] | null): Promise<void> {
    const { rows } = await this.deps.sql.query<{ recipient: string; events: string[] }>(
      `select recipient, array_agg(event_id::text order by position) as events
         from (select *, max(queued_at) over (partition by recipient) as latest
                 from notice_outbox where notice is null and state = 'waiting') o
        where (not $1 or $3 and case when import is null then queued_at else latest end < now() - make_interval(secs => $2))
          and ($4::text[] is null or recipient = any($4))
        group by recipient`,
      [settling, MAX_HOLD_SECONDS, openMs > MAX_HOLD_SECONDS * 1_000, only],
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

  private async claim(only: readonly string[] | null): Promise<Notice | undefined> {
    const { rows } = await this.deps.sql.query<
      Item & { event_id: string; notice: string; recipient: string; attempts: number; channel: number }
    >(
      `with next as (
         select notice from notice_outbox where notice is not null and state = 'waiting' and next_attempt_at <= now()
            and ($2::text[] is null or recipient = any($2))
          order by next_attempt_at limit 1 for update skip locked),
       claimed as (
         update notice_outbox set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $1)
          where notice = (select notice from next) and state = 'waiting' and next_attempt_at <= now() returning *)
       select c.event_id::text, c.notice::text, c.recipient, c.attempts, c.channel, c.type, c.resolution, c.obligation,
              c.detail, c.due_at, s.number, s.agency, s.action
         from claimed c left join notice_subjects s using (resolution, obligation) order by c.position`,
      [CLAIM_SECONDS, only],
    );
    const [first] = rows;
    if (!first) return undefined;
    const { notice: id, recipient, attempts, channel } = first;
    return { id, recipient, attempts, channel, items: rows };
  }

  private async tell(notice: Notice): Promise<void> {
    const { state } = await this.deps.reads.state(noticeDecider, notice.id);
    if (state.status !== 'new' && state.status !== 'failed') return;
    const { usable, known } = await this.delivery.channelsOf(notice.recipient);
    const channel = usable[notice.channel] ?? usable.at(-1);
    if (!channel) {
      const reason = known || this.deps.post || this.deps.sms ? 'no-address' : 'no-channel';
      return this.record(notice, state.resent, 'RecordNoticeFailed', {
        reason,
        attempts: notice.attempts,
        final: true,
      });
    }
    try {
      const id = state.resent === 0 ? notice.id : derivedId('notice', notice.id, state.resent);
      const { templates, ...taken } = await this.delivery.send({ ...notice, id }, channel);
      await this.record(notice, state.resent, 'RecordNoticeSent', {
        channel: nameOf(channel),
        ...taken,
        ...(templates && { templates }),
      });
    } catch (error) {
      if (!(error instanceof NotDelivered)) throw error;
      await this.failed(notice, state.resent, channel, usable.length - notice.channel > 1, error);
    }
  }

  /** What failed is tried again later, then by the recipient's next channel; when there is none, nobody was told. */
  private async failed(
    notice: Notice,
    resent: number,
    channel: Channel,
    another: boolean,
    { reason, message }: NotDelivered,
  ): Promise<void> {
    const { id, recipient, attempts } = notice;
    const { sql, log, retries = RETRY_SECONDS } = this.deps;
    const name = nameOf(channel);
    log.warn({ notice: id, recipient, channel: name, attempts, why: message }, 'a notice was not delivered');
    if (reason === 'gone') await this.disable(recipient, channel.webhook!);
    const left = another ? retries.slice(0, RETRIES_BEFORE_THE_NEXT) : retries;
    const seconds = reason === 'unreachable' ? left[attempts - 1] : undefined;
    if (seconds !== undefined) {
      await sql.query(
        `update notice_outbox set next_attempt_at = now() + make_interval(secs => $2), failing = $3 where notice = $1`,
        [id, seconds, `${name}: ${reason}`],
      );
    } else if (another) {
      // Of a receiver that is gone, the next has taken the place.
      await sql.query(
        `update notice_outbox set channel = channel + $2, attempts = 0, next_attempt_at = now(), failing = $3
          where notice = $1`,
        [id, reason === 'gone' ? 0 : 1, `${name}: ${reason}`],
      );
    }
    const final = seconds === undefined && !another;
    await this.record(notice, resent, 'RecordNoticeFailed', { channel: name, reason, attempts, final });
  }

  /** What gateways say became of what they took. */
  private async readReports(): Promise<void> {
    const { sql, sms, log } = this.deps;
    if (!sms?.report) return;
    const { first, longest } = REPORT_SECONDS;
    const { rows } = await sql.query<{ notice: string; recipient: string; message_id: string; events: string[] }>(
      `with asked as (
         update notice_outbox set attempts = attempts + 1,
           next_attempt_at = now() + make_interval(secs => least($1 * 2 ^ least(attempts, 20), $2))
          where state = 'sent' and next_attempt_at <= now() returning *)
       select notice::text, recipient, message_id, array_agg(event_id::text order by position) as events
         from asked group by notice, recipient, message_id limit 100`,
      [first, longest],
    );
    for (const { notice: id, recipient, message_id: messageId, events } of rows) {
      const { state } = await this.deps.reads.state(noticeDecider, id);
      const delivery = await sms.report(messageId).catch((error: unknown) => {
        if (!(error instanceof NotDelivered)) throw error;
        log.warn({ notice: id, why: error.message }, 'the gateway does not say what became of a notice');
        return 'pending' as const;
      });
      const notice = { id, recipient, items: events.map((event_id) => ({ event_id })) };
      const lost = { channel: 'sms', reason: 'undelivered' satisfies Failure, attempts: 1, final: true };
      if (delivery === 'delivered') await this.record(notice, state.resent, 'RecordNoticeDelivered', {});
      if (delivery === 'failed') await this.record(notice, state.resent, 'RecordNoticeFailed', lost);
    }
  }

  private async disable(recipient: string, webhook: string): Promise<void> {
    const { decider, id } = contactsStream(recipient);
    const commandId = derivedId(
      'webhook-gone',
      recipient,
      webhook,
      (await this.deps.reads.state(decider, id)).revision,
    );
    const data = { webhook };
    await this.deps.send({ aggregate: decider.aggregate, id, name: 'DisableWebhook', data, actor: ENGINE, commandId });
  }

  private async record(
    { id, recipient, items }: Pick<Notice, 'id' | 'recipient'> & { items: readonly { event_id: string }[] },
    resent: number,
    name: string,
    data: object,
  ): Promise<void> {
    await this.deps.send({
      aggregate: noticeDecider.aggregate,
      id,
      name,
      data: { recipient, events: items.map(({ event_id }) => event_id), ...data },
      actor: ENGINE,
      commandId: derivedId('notice', id, name, canonicalJson(data), ...(resent > 0 ? [resent] : [])),
    });
  }
}
