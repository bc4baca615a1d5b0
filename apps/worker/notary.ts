import { setTimeout as sleep } from 'node:timers/promises';
import { Sleeper, Trouble, type Checkpoints, type Clock, type Database, type Log } from '#kernel';
import { readCheckpoints, readHead, signClosedDay, type SignerKey } from '#audit';
import { witnessed, type WitnessPolicy } from '#apps/audit';

export interface NotaryDeps {
  database: Database;
  checkpoints: Checkpoints;
  clock: Clock;
  key: SignerKey;
  policy: WitnessPolicy;
  log: Log;
  /** Milliseconds between looks at the clock, and until a witness that did not answer is asked again. */
  everyMs?: number;
}

const EVERY_MS = 60_000;
/** Checkpoints of one batch of letters come together: the last of them is enough. */
const GATHER_MS = 500;

/**
 * Sees to the log's checkpoints, until `signal` aborts: the head is signed when the offices have closed, though nobody may
 * be left to record anything; and the witnesses of the policy are asked to cosign the latest checkpoint as soon as it is
 * there. Older ones need no cosignature of their own, because a witness makes sure that the latest contains them. A
 * witness that is away is asked again every minute, and delays nothing. Any number of workers may do this at once.
 */
export async function notary(deps: NotaryDeps, signal: AbortSignal): Promise<void> {
  const { database, checkpoints, clock, key, policy, log, everyMs = EVERY_MS } = deps;
  const asked = policy.witnesses.some(({ url }) => url);
  const trouble = new Trouble(log, {});
  const sleeper = new Sleeper();
  const off = checkpoints.onMoved((names) => asked && names.includes('merkle') && sleeper.wake());
  try {
    while (!signal.aborted) {
      try {
        await signClosedDay(database, key, clock.now());
        const refusals = asked ? await cosigned() : [];
        if (refusals.length > 0) trouble.begins(refusals.join('; '), 'witnesses have not cosigned; asking again');
        else trouble.over('the latest checkpoint is signed and cosigned');
      } catch (error) {
        trouble.begins(error, 'the latest checkpoint cannot be looked after; trying again');
      }
      await sleeper.sleep(everyMs, signal);
      await sleep(asked ? GATHER_MS : 0, undefined, { signal }).catch(() => {});
    }
  } finally {
    off();
  }

  async function cosigned(): Promise<string[]> {
    const { size } = await readHead(database);
    const [latest] = await readCheckpoints(database, 0, size, 1, 'desc');
    return latest ? (await witnessed(database, latest.size, policy)).refusals : [];
  }
}
