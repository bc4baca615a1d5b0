import { setTimeout as sleep } from 'node:timers/promises';
import type { EsdbDouble } from '#test/kit/esdb-double';
import type { Deployment } from './deployment.js';
import type { Dice } from './dice.js';

const HOUR = 3_600_000;

/** Hurts one thing after the other, and mends it, until `signal` aborts. @returns what it did, counted */
export async function monkey(world: Deployment, dice: Dice, signal: AbortSignal): Promise<Record<string, number>> {
  const done: Record<string, number> = {};
  const harms: Record<string, () => unknown> = {
    kill: () => world.signal(dice.upTo(3), 'SIGKILL'),
    'kill worker': () => world.signal(2 + dice.upTo(1), 'SIGKILL'),
    stop: () => world.signal(dice.upTo(3), 'SIGTERM'),
    freeze: async () => {
      const victim = dice.upTo(3);
      world.signal(victim, 'SIGSTOP');
      // Up to twice as long as a lease lasts.
      await sleep(500 + dice.upTo(7_500));
      world.signal(victim, 'SIGCONT');
    },
    cut: () => world.wires[dice.of('api', 'worker')].cut(),
    'cut off': async () => {
      const wire = world.wires[dice.of('api', 'worker')];
      wire.down();
      // Sometimes longer than a job has retries for.
      await sleep(500 + dice.upTo(5_000));
      wire.restore();
    },
    // Longer than a job has tries for: it gives up, and a later pass makes another of it.
    'exhaust jobs': async () => {
      world.jump(dice.upTo(48) * HOUR);
      world.wires.worker.down();
      await sleep(15_000);
      world.wires.worker.restore();
    },
    'kill database': () => world.database('SIGKILL'),
    'restart database': () => world.database('SIGINT'),
    flush: () => world.flush(),
    'flush at an alarm': async () => {
      world.jump(dice.upTo(24) * HOUR);
      await sleep(dice.upTo(300));
      await world.flush();
    },
    'kill redis': async () => {
      await world.redis.kill();
      await sleep(dice.upTo(4_000));
      await world.redis.start();
    },
    jump: () => world.jump((1 + dice.upTo(30)) * HOUR),
    'small jump': () => world.jump(dice.upTo(120) * 60_000),
  };
  Object.assign(harms, world.log && harmsOfTheLog(world.log, dice));
  while (!signal.aborted) {
    const name = dice.of(...Object.keys(harms));
    done[name] = (done[name] ?? 0) + 1;
    try {
      await harms[name]!();
    } catch (error) {
      // The database is just starting: there is no postmaster to hurt.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
        throw error;
    }
    await sleep(300 + dice.upTo(2_500));
  }
  return done;
}

/** Where the log is an EventStoreDB of its own. */
const harmsOfTheLog = (log: EsdbDouble, dice: Dice): Record<string, () => unknown> => {
  const away = (harm: () => void) => async () => {
    harm();
    await sleep(dice.upTo(4_000));
    await log.start();
  };
  const faulty = (faults: Partial<EsdbDouble['faults']>) => async () => {
    const before = { ...log.faults };
    Object.assign(log.faults, faults);
    await sleep(500 + dice.upTo(6_000));
    Object.assign(log.faults, before);
  };
  return {
    'kill the log': away(() => log.kill()),
    'stop the log': away(() => log.shutdown()),
    'freeze the log': faulty({ frozen: true }),
    'mute the log': faulty({ mute: true }),
    'slow log': faulty({ delayMs: 400 }),
    'lose an answer': () => (log.faults.loseAnswer = true),
    'not the leader': () => (log.faults.notLeader = 3),
    'wrong revision': () => (log.faults.wrongVersion = 2),
  };
};
