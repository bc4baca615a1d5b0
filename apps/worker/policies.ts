import {
  appendOf,
  Lanes,
  ordersOf,
  Refused,
  StoreUnavailable,
  span,
  streamOf,
  type Answer,
  type Batch,
  type Checkpoints,
  type Order,
  type Policy,
  type PolicyReads,
  type Position,
  type Reads,
  type RecordedEvent,
  type Sql,
  type Subscriber,
} from '#kernel';

export type Send = (order: Order) => Promise<Answer>;

export interface PolicyDeps {
  sql: Sql;
  policies: readonly Policy[];
  decide: Send;
  reads: Reads;
  /** Answers once what it reads from has seen the log up to `position`. */
  resolutionsOnCalendar(calendar: string, position: Position): Promise<string[]>;
}

/** Commands in flight. They go to different streams, so the log coalesces their appends. */
const IN_FLIGHT = 48;

export const POLICY_REFUSALS = `create table if not exists policy_refusals (
  policy text not null, event_id uuid not null, stream text not null, command text not null,
  code text not null, message text not null, at timestamptz not null default now(),
  primary key (policy, event_id, stream, command))`;

/**
 * Runs the policies in the order of the log. Commands to one stream keep that order; commands to different streams run
 * side by side, but a policy that reads first sees everything that earlier events wanted.
 *
 * Crash order: the commands first, then the checkpoint. What is sent twice is recognised by the receiving stream.
 * What is refused is recorded and blocks nothing; an outage, or a fault of ours, is tried again.
 */
export function policySubscriber({ sql, policies, decide, reads, resolutionsOnCalendar }: PolicyDeps): Subscriber {
  const byType = new Map<string, Policy[]>();
  for (const policy of policies) {
    for (const type of policy.on) byType.set(type, [...(byType.get(type) ?? []), policy]);
  }

  const send = async (policy: Policy, order: Order) => {
    try {
      await decide(order);
    } catch (error) {
      if (!(error instanceof Refused) || error.code === 'conflict') throw error;
      // Sent before, when the policy saw the world otherwise: that answer stands.
      if (error.code === 'idempotency-key-reused') return;
      // What is imported is moved by the import's own lines, and settled when it ends.
      if (error.code === 'import-running' && order.name === 'ReprojectDeadline') return;
      await sql.query(
        `insert into policy_refusals (policy, event_id, stream, command, code, message)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
        [policy.name, order.causationId, streamOf(order.aggregate, order.id), order.name, error.code, error.message],
      );
    }
  };

  return {
    name: 'policies',
    async handle({ events }: Batch, signal: AbortSignal) {
      const lanes = new Lanes(IN_FLIGHT);
      const after = (event: RecordedEvent): Reads & PolicyReads => ({
        state: async (decider, id) => {
          await lanes.drained();
          return reads.state(decider, id);
        },
        resolutionsOnCalendar: async (calendar) => {
          await lanes.drained();
          return resolutionsOnCalendar(calendar, event.position);
        },
      });
      for (const event of events) {
        for (const policy of byType.get(event.type) ?? []) {
          if (signal.aborted) break;
          for (const order of ordersOf(policy, event, await policy.react(event, after(event)))) {
            lanes.add(streamOf(order.aggregate, order.id), async () => {
              if (signal.aborted) return;
              const { correlationId } = event.metadata;
              const follows = { correlationId, parent: appendOf(event.metadata), kind: 'consumer' as const };
              await span(`policy ${policy.name}`, follows, () => send(policy, order));
            });
          }
        }
      }
      await lanes.drained();
    },
  };
}

/** Whoever reads what a projection wrote about an event has to wait until it has come that far. */
export async function reached(checkpoints: Checkpoints, name: string, position: Position): Promise<void> {
  if (await checkpoints.waitFor([name], position, 10_000)) return;
  throw new StoreUnavailable(`"${name}" has not come to position ${position} yet`);
}
