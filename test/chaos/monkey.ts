import { setTimeout as sleep } from 'node:timers/promises';
import type { EsdbDouble } from '#test/kit/esdb-double';
import type { Deployment } from './deployment.js';
import type { Dice } from './dice.js';

const HOUR = 3_600_000;

/** Hurts one thing after the other, and mends it, until `signal` aborts. @returns what it did, counted */
export async function monkey(world: Deployment, dice: Dice, signal: AbortSignal): Promise<Record<string, number>> {
  const done: Record<string, number> = {};
  const wire = () => dice.of(...Object.values(world.wires));
  const flush = async () => void (await world.queue((redis) => redis.flushall()));
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
    cut: () => wire().cut(),
    'cut off': async () => {
      const cut = wire();
      cut.down();
      await sleep(500 + dice.upTo(5_000));
      cut.restore();
    },
    // What was asked is done, and nobody hears of it.
    'lose an answer': () => wire().loseAnswer(() => true),
    'kill database': () => world.database('SIGKILL'),
    'restart database': () => world.database('SIGINT'),
    flush,
    'flush at an alarm': async () => {
      world.jump(dice.upTo(24) * HOUR);
      await sleep(dice.upTo(300));
      await flush();
    },
    'flush at the only alarm': async () => {
      if (!(await untilTheOnlyAlarm(world))) return 'found none';
      await sleep(dice.upTo(300));
      await flush();
      return undefined;
    },
    'kill redis': async () => {
      await world.redis.kill();
      await sleep(dice.upTo(4_000));
      await world.redis.start();
    },
    'freeze redis': async () => {
      const pid = world.redis.pid();
      process.kill(pid, 'SIGSTOP');
      await sleep(500 + dice.upTo(4_000));
      process.kill(pid, 'SIGCONT');
    },
    jump: () => world.jump((1 + dice.upTo(72)) * HOUR),
    'small jump': () => world.jump(dice.upTo(120) * 60_000),
  };
  Object.assign(harms, world.log ? harmsOfTheLog(world, world.log, dice) : { 'full disk': () => fullDisk(world) });
  while (!signal.aborted) {
    const name = dice.of(...Object.keys(harms));
    try {
      const came = await harms[name]!();
      const what = typeof came === 'string' ? `${name}: ${came}` : name;
      done[what] = (done[what] ?? 0) + 1;
    } catch (error) {
      // The database is just starting: there is no postmaster to hurt.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
        throw error;
    }
    await sleep(300 + dice.upTo(2_500));
  }
  return done;
}

/** Jumps to the next instant at which exactly one alarm is due and no other is. @returns whether there was one soon */
async function untilTheOnlyAlarm(world: Deployment): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++, await sleep(250)) {
    const [next] = await world
      .sql<{ at: Date; n: number }>('select at, count(*)::int as n from due group by at order by at limit 1')
      .catch(() => []);
    if (!next) continue;
    const ahead = next.at.getTime() - Date.parse(world.now());
    // What is due already has to be fired first; what comes together is let go by.
    if (ahead > 0) world.jump(ahead + 1);
    if (ahead > 0 && next.n === 1) return true;
  }
  return false;
}

/** Longer than a job has tries for, each as patient as the log's adapter. */
const GIVING_UP_MS = 45_000;

/** Waits until a job has given up: a later pass makes another of it. */
async function exhausted(world: Deployment): Promise<string> {
  const failed = async () => (await world.queue((redis) => redis.zcard('bull:peygir:failed'))) ?? 0;
  const before = await failed();
  for (const until = Date.now() + GIVING_UP_MS; Date.now() < until; await sleep(250)) {
    if ((await failed()) > before) return 'a job gave up';
  }
  return 'no job gave up';
}

/** Nothing can be appended, and everything can be read. */
async function fullDisk(world: Deployment): Promise<string> {
  // The database may be on its way back.
  const insist = async (sql: string): Promise<unknown> => {
    for (;;) {
      try {
        return await world.sql(sql);
      } catch {
        await sleep(100);
      }
    }
  };
  await insist(`create or replace function log.full() returns trigger language plpgsql as
    $$ begin raise 'No space left on device' using errcode = 'disk_full'; end $$;
    create or replace trigger full_disk before insert on log.events for each statement execute function log.full()`);
  await untilTheOnlyAlarm(world);
  const came = await exhausted(world);
  await insist('drop trigger if exists full_disk on log.events');
  return came;
}

/** Where the log is an EventStoreDB of its own. */
const harmsOfTheLog = (world: Deployment, log: EsdbDouble, dice: Dice): Record<string, () => unknown> => {
  const away = (harm: () => void) => async () => {
    harm();
    await sleep(dice.upTo(4_000));
    await log.start();
  };
  const soon = (): Promise<unknown> => sleep(500 + dice.upTo(6_000));
  const faulty =
    (faults: Partial<EsdbDouble['faults']>, mended = soon) =>
    async () => {
      const before = { ...log.faults };
      Object.assign(log.faults, faults);
      const came = await mended();
      Object.assign(log.faults, before);
      return came;
    };
  return {
    'kill the log': away(() => log.kill()),
    'stop the log': away(() => log.shutdown()),
    'freeze the log': faulty({ frozen: true }),
    'mute the log': faulty({ mute: true }),
    'mute the log at an alarm': faulty({ mute: true }, async () => {
      await untilTheOnlyAlarm(world);
      return exhausted(world);
    }),
    'slow log': faulty({ delayMs: 400 }),
    'lose an answer of the log': () => (log.faults.loseAnswer = true),
    'not the leader': () => (log.faults.notLeader = 3),
    'log not ready': () => (log.faults.notReady = 3),
    'wrong revision': () => (log.faults.wrongVersion = 2),
  };
};
