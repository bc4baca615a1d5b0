import { randomUUID } from 'node:crypto';
import pino from 'pino';
import {
  Decide,
  DecideHandler,
  ENGINE,
  Loader,
  type Actor,
  type AnyDecider,
  type Clock,
  type Database,
  type EventStore,
  type Instant,
  type Jobs,
  type Log,
  type NewEvent,
  type Order,
  type RecordedEvent,
  type Role,
} from '#kernel';
import { deciders, policies } from '#apps/province';
import { startWorker, type RunningWorker, type WorkerDeps } from '#apps/worker/worker';

/** Runs on from where it is put. */
export class TestClock implements Clock {
  private aheadMs = 0;

  now(): Instant {
    return new Date(Date.now() + this.aheadMs).toISOString();
  }
  set(to: Instant): void {
    this.aheadMs = Date.parse(to) - Date.now();
  }
}

export const silent: Log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

export interface Workshop {
  loader: Loader;
  decide(order: Order): Promise<unknown>;
  /** One command by role; the commandId is new each time. */
  say(role: Role | Actor, aggregate: string, id: string, name: string, data?: object): Promise<any>;
  start(deps?: Partial<WorkerDeps>): Promise<RunningWorker>;
}

/** Real deciders and policies over a log, a database and a queue. */
export function workshop(given: {
  store: EventStore;
  database: Database;
  clock: Clock;
  jobs?: Jobs;
  deciders?: readonly AnyDecider[];
}): Workshop {
  const { store, database, clock } = given;
  const loader = new Loader(store);
  const handler = new DecideHandler({
    store,
    loader,
    clock,
    deciders: given.deciders ?? deciders,
    province: 'IR-03',
    key: 'key of this test',
    importOpen: async () => false,
  });
  const decide = (order: Order) => handler.execute(new Decide(order));
  return {
    loader,
    decide,
    say: (role, aggregate, id, name, data = {}) => {
      const actor = typeof role === 'string' ? { id: role, role } : role;
      return decide({ aggregate, id, name, data, actor, commandId: randomUUID() });
    },
    start: (more = {}) =>
      startWorker({
        store,
        database,
        clock,
        jobs: given.jobs ?? { addBulk: async () => {}, process: () => {}, close: async () => {} },
        decide,
        reads: loader,
        policies,
        projections: [],
        log: silent,
        ...more,
      }),
  };
}

const WEEK = Object.fromEntries(
  ['sat', 'sun', 'mon', 'tue', 'wed', 'thu', 'fri'].map((day) => [day, '07:30-14:30'] as const),
);

/** A province without weekends, so that a test can say in its head when things fall due: closing time is 11:00 UTC. */
export async function establish({ say }: Workshop): Promise<void> {
  await say('admin', 'calendar', 'offices', 'DefineCalendar', {
    zone: 'Asia/Tehran',
    week: WEEK,
    holidays: [],
    validFrom: '2026-03-21',
  });
  await say('admin', 'agency', 'gas', 'RegisterAgency', { name: 'شرکت گاز', kind: 'utility', calendar: 'offices' });
}

/** A resolution with one obligation, communicated now; by an import, if one is named. */
export async function communicate(
  { decide }: Workshop,
  id: string,
  term: object = { workingDays: 5 },
  batch?: string,
): Promise<void> {
  const order = (name: string, actor: Actor, data: object): Order => ({
    aggregate: 'resolution',
    id,
    name,
    data,
    actor,
    commandId: randomUUID(),
    ...(batch !== undefined && { import: batch }),
  });
  const obligation = {
    id: 'o1',
    agency: 'gas',
    action: 'وصل گاز',
    acceptance: 'صورتجلسه',
    term,
  };
  const resolution = { session: 'facilitation-1', number: '1/1', text: 'متن مصوبه', legalBasis: 'ماده ۶۱' };
  await decide(order('IssueResolution', ENGINE, { ...resolution, obligations: [obligation] }));
  await decide(order('CommunicateResolution', { id: 's-1', role: 'secretary' }, { letterNumber: '1' }));
}

/** What was told about a resolution, in order: `reminded remind`, `missed due`, `escalated deputy`. */
export async function told(store: EventStore, id: string): Promise<string[]> {
  const events = await store.readStream(`resolution-${id}`);
  return events
    .filter(({ type }) => ['AgencyReminded', 'DeadlineMissed', 'ObligationEscalated', 'DutyMissed'].includes(type))
    .map(({ type, data }) => `${type} ${data.rung ?? data.duty}`);
}

/** How long a test waits for what must come. A slow machine is no fault of the product. */
export const PATIENCE_MS = 100_000;

/** Waits until `look` answers something, looking again and again. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, patienceMs = PATIENCE_MS): Promise<T> {
  for (const until = performance.now() + patienceMs; ;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > until) throw new Error(`waited ${patienceMs} ms for: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An event for tests of subscribers, where only its type and place matter. */
export const happened = (type: string, data: object = {}): NewEvent => ({
  id: randomUUID(),
  type,
  data,
  metadata: {
    commandId: randomUUID(),
    command: '',
    commandHash: '',
    correlationId: randomUUID(),
    causationId: randomUUID(),
    actor: { id: 'tester', role: 'engine' },
    province: 'IR-03',
    occurredAt: new Date().toISOString(),
    schemaVersion: 1,
  } satisfies RecordedEvent['metadata'],
});
