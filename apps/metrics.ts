import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import {
  comparePositions,
  hasTable,
  WrongRevision,
  type Checkpoints,
  type EventStore,
  type Jobs,
  type NewEvent,
} from '#kernel';

export interface MetricsDeps {
  checkpoints: Checkpoints;
  /** Absent in a process that has nothing to do with the queue. */
  jobs?: Pick<Jobs, 'counts'>;
}

/** Of lateness: what the percentiles are about. */
const WINDOW_SECONDS = 600;
/** A count that reads every clock may take a hundredth of the time and comes at most once a minute. */
const SHARE = 100;
const AT_MOST_EVERY_MS = 60_000;
/** Between looks at how late the event loop is, and so what its lag reads at rest. The usual 10 ms cost an idle process more than all else that it does. */
const LAG_LOOK_MS = 100;

/**
 * What Prometheus is told. Appends and rungs are measured where this process makes them; backlogs and lags are asked of
 * the database when somebody scrapes, so nothing is asked while nobody does. While the database is away, what it would
 * have said is left out, and `peygir_up` says so.
 */
export class Metrics {
  private readonly registry = new Registry();
  private readonly registers = [this.registry];
  private readonly appends = new Histogram({
    name: 'peygir_append_seconds',
    help: 'How long an append to the log took, by what became of it.',
    labelNames: ['outcome'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: this.registers,
  });
  private readonly conflicts = new Counter({
    name: 'peygir_append_conflicts_total',
    help: 'Appends that found their stream at another revision; the command is decided again.',
    registers: this.registers,
  });
  private readonly lateness = new Summary({
    name: 'peygir_rung_lateness_seconds',
    help: 'Real less planned instant of rungs and duties fired by this process in the last ten minutes; quantile 1 is the worst.',
    percentiles: [0.5, 0.99, 1],
    maxAgeSeconds: WINDOW_SECONDS,
    ageBuckets: 5,
    registers: this.registers,
  });
  private readonly lag = this.gauge('peygir_subscriber_lag_seconds', 'Age of the oldest event it has not handled.', [
    'subscriber',
  ]);
  private readonly stuck = this.gauge('peygir_subscriber_stuck', '1 while it cannot get on.', ['subscriber']);
  private readonly backlog = this.gauge('peygir_due_backlog', 'Alarms that are due and have not fired.');
  private readonly oldest = this.gauge('peygir_due_oldest_seconds', 'For how long the oldest of them has been due.');
  private readonly armed = this.gauge('peygir_due_armed', 'Alarms that stand for some instant to come.');
  private readonly refusals = this.gauge('peygir_policy_refusals', 'Commands of policies that were refused.');
  private readonly unarmed = this.gauge(
    'peygir_clocks_unarmed',
    'Obligations that run, are suspended or claimed and have no alarm. Anything but 0 is for peygir doctor.',
  );
  private readonly notices = new Counter({
    name: 'peygir_notices_total',
    help: 'Notices by channel and what was recorded of them by this process: sent, delivered, failed, undelivered.',
    labelNames: ['channel', 'outcome'],
    registers: this.registers,
  });
  private readonly waiting = this.gauge(
    'peygir_notices_waiting',
    'Things that somebody is to be told: waiting for an opening or another try, sent and not yet reported, undelivered.',
    ['state'],
  );
  private readonly queued = this.gauge('peygir_queue_jobs', 'Jobs in the queue.', ['state']);
  private readonly up = this.gauge('peygir_up', 'Whether it could be asked just now.', ['part']);
  private looking: Promise<void> | undefined;
  private countAgainAt = 0;

  constructor() {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LAG_LOOK_MS });
  }

  /** The same log, with its appends measured. `fired` hears of each rung and duty, and by how many seconds it was late. */
  measured(store: EventStore, fired?: (stream: string, event: NewEvent, lateSeconds: number) => void): EventStore {
    const append: EventStore['append'] = async (stream, expectedRevision, events) => {
      const begin = performance.now();
      const took = (outcome: string) => this.appends.observe({ outcome }, (performance.now() - begin) / 1_000);
      try {
        const appended = await store.append(stream, expectedRevision, events);
        took('appended');
        for (const event of events) {
          const late = latenessOf(event);
          if (late !== undefined) {
            this.lateness.observe(late);
            fired?.(stream, event, late);
          }
          this.told(event);
        }
        return appended;
      } catch (error) {
        if (error instanceof WrongRevision) this.conflicts.inc();
        took(error instanceof WrongRevision ? 'conflict' : 'failed');
        throw error;
      }
    };
    return {
      append,
      readStream: (stream, from) => store.readStream(stream, from),
      readAll: (after, limit) => store.readAll(after, limit),
      head: () => store.head(),
      follow: (after, signal, limit) => store.follow(after, signal, limit),
      close: () => store.close(),
    };
  }

  /** The text that Prometheus reads. Two who ask at once are one question. */
  async text(store: EventStore, deps: MetricsDeps): Promise<{ type: string; text: string }> {
    await (this.looking ??= this.look(store, deps).finally(() => (this.looking = undefined)));
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }

  private async look(store: EventStore, { checkpoints, jobs }: MetricsDeps): Promise<void> {
    const asked = async (part: string, ask: () => Promise<void>, gauges: readonly Gauge[]) => {
      const answered = await ask().then(
        () => true,
        () => false,
      );
      if (!answered) gauges.forEach(forget);
      this.up.set({ part }, answered ? 1 : 0);
    };
    await Promise.all([
      asked('log', () => this.lags(store, checkpoints), [this.lag, this.stuck]),
      asked('database', () => this.dues(checkpoints), [
        this.backlog,
        this.oldest,
        this.armed,
        this.refusals,
        this.unarmed,
        this.waiting,
      ]),
      jobs && asked('queue', () => this.depth(jobs), [this.queued]),
    ]);
  }

  private async lags(store: EventStore, checkpoints: Checkpoints): Promise<void> {
    const head = await store.head();
    this.lag.reset();
    this.stuck.reset();
    for (const { name, position, error } of (await checkpoints.read()).values()) {
      const behind = comparePositions(position, head) < 0 ? await store.readAll(position, 1) : undefined;
      const next = behind?.events[0];
      this.lag.set({ subscriber: name }, next ? Math.max(0, (Date.now() - Date.parse(next.recordedAt)) / 1_000) : 0);
      this.stuck.set({ subscriber: name }, error ? 1 : 0);
    }
  }

  private async dues({ db }: Checkpoints): Promise<void> {
    const { rows } = await db.query<{ due: number; armed: number; oldest: number; refused: number }>(
      `select count(*) filter (where at <= clock_timestamp())::int as due, count(*)::int as armed,
         greatest(0, coalesce(extract(epoch from clock_timestamp() - min(at)), 0))::float as oldest,
         (select count(*)::int from policy_refusals) as refused
       from due`,
    );
    const { due, armed, oldest, refused } = rows[0]!;
    this.backlog.set(due);
    this.armed.set(armed - due);
    this.oldest.set(oldest);
    this.refusals.set(refused);
    await this.outbox(db);
    if (performance.now() < this.countAgainAt) return;
    const begin = performance.now();
    const counted = await db.query<{ n: number }>(
      `select count(*)::int as n from clocks c, json_array_elements(c.state->'obligations') o
       where c.open and o->>'status' in ('running', 'suspended', 'claimed')
         and not exists (select from due d where d.stream = c.stream and d.obligation = o->>'id')`,
    );
    this.unarmed.set(counted.rows[0]!.n);
    this.countAgainAt = performance.now() + Math.max(AT_MOST_EVERY_MS, SHARE * (performance.now() - begin));
  }

  private async outbox(db: Checkpoints['db']): Promise<void> {
    if (!(await hasTable(db, 'notice_outbox'))) return;
    const { rows } = await db.query<{ state: string; n: number }>(
      `select state, count(o.event_id)::int as n from unnest(array['waiting', 'sent', 'undelivered']) state
         left join notice_outbox o using (state) group by state`,
    );
    for (const { state, n } of rows) this.waiting.set({ state }, n);
  }

  private async depth(jobs: Pick<Jobs, 'counts'>): Promise<void> {
    const counts = await jobs.counts?.();
    for (const [state, n] of Object.entries(counts ?? {})) this.queued.set({ state }, n);
  }

  private told({ type, data }: NewEvent): void {
    const outcome = TOLD[type];
    if (!outcome) return;
    this.notices.inc({ channel: data.channel ?? 'none', outcome: data.final ? 'undelivered' : outcome });
  }

  private gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}

/** In seconds, of a rung or a duty; undefined of anything else, and of what an import brings, which is late on purpose. */
function latenessOf({ data, metadata }: NewEvent): number | undefined {
  const planned = data.plannedAt ?? data.dueAt;
  if (data.firedAt === undefined || planned === undefined || metadata.import !== undefined) return undefined;
  return Math.max(0, Date.parse(data.firedAt) - Date.parse(planned)) / 1_000;
}

const TOLD: Readonly<Record<string, string>> = {
  NoticeSent: 'sent',
  NoticeDelivered: 'delivered',
  NoticeFailed: 'failed',
};

/** What was true before an outage is not true in it: without labels a gauge has one value, with them one for each. */
function forget(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}
