/**
 * `npm run chaos -- --minutes N --seed S`: people work with two api and two workers while everything that can break is
 * broken; then the log and the read models are judged. Ends with 1, and the seed, when something is off. Processes race,
 * so a seed gives the same plan and not the same run; what was judged stays in the folder that is named.
 * `--log esdb` keeps the log in an EventStoreDB (test/kit/esdb-double.ts) that is broken as well.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Checkpoints, StoreUnavailable } from '#kernel';
import { createPool, createSql } from '#stores';
import { projections } from '#apps/compose';
import { openLog } from '#apps/homes';
import { EsdbDouble } from '#test/kit/esdb-double';
import { Clients } from './clients.js';
import { deploy } from './deployment.js';
import { Dice } from './dice.js';
import { monkey } from './monkey.js';
import { People } from './people.js';
import { judge } from './verdict.js';

const DAY = 86_400_000;
/** Longer than the sweep that makes a lost job good, and than the lock of a dead worker's job. */
const QUIET_MS = 120_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    people: { type: 'string', default: '4' },
    out: { type: 'string' },
    log: { type: 'string', default: 'postgres' },
  },
});
const seed = Number(values.seed);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error('--minutes and --seed must be numbers');
const folder = values.out ?? mkdtempSync(join(tmpdir(), `peygir-chaos-${seed}-`));
mkdirSync(folder, { recursive: true });
const tell = (text: string) => console.log(`[seed ${seed}] ${text}`);

const log = values.log === 'esdb' ? await new EsdbDouble(true).start() : undefined;
const world = await deploy(join(folder, 'nodes.log'), log);
const pool = createPool(world.server.connection);
const database = createSql(pool);
const store = await openLog({ eventStoreUrl: log?.url }, pool, []);
let faults: string[];
try {
  await world.start();
  const dice = new Dice(seed);
  const clients = new Clients(world, dice);
  const people = new People(clients, world, dice);
  await people.establish();
  tell(`working and breaking for ${minutes} minutes`);
  const time = new AbortController();
  setTimeout(() => time.abort(), minutes * 60_000).unref();
  const at = Array.from({ length: Number(values.people) }, (_, n) => people.work(`g${n}`, time.signal));
  const harm = monkey(world, new Dice(seed + 1), time.signal);
  await Promise.all([harm, ...at]);
  tell(`done: ${JSON.stringify(await harm)}`);

  // The clock stands far ahead, so that ladders come to their ends; then everything due must fire by itself.
  world.jump(30 * DAY);
  const now = await quiet(world.now);
  const verdict = await judge({ connection: world.server.connection, store, sent: clients.sent, now, folder });
  faults = [...clients.faults, ...verdict.faults];
  const done = clients.sent.filter(({ events }) => events?.length).length;
  tell(
    `${clients.sent.length} commands, ${done} of them with effect; ${verdict.events} events, ${verdict.rungs} by the clock`,
  );
  tell(`without effect: ${verdict.unseen.join(', ')}`);
} catch (error) {
  faults = [(error as Error).stack ?? String(error)];
} finally {
  await store.close();
  await pool.end();
  await world.close();
  log?.kill();
}
for (const fault of faults.slice(0, 20)) tell(`OFF  ${fault.slice(0, 1_500)}`);
tell(
  `${faults.length === 0 ? 'well' : `${faults.length} faults; again: npm run chaos -- --minutes ${minutes} --seed ${seed}`}; see ${folder}`,
);
process.exit(faults.length === 0 ? 0 : 1);

/** Waits until nothing due is left and everybody has seen the whole log. @returns the clock before it looked */
async function quiet(clock: () => string): Promise<string> {
  const names = [...projections.map(({ name }) => name), 'deadlines', 'policies'];
  const checkpoints = new Checkpoints(database);
  for (const until = Date.now() + QUIET_MS; ; await sleep(500)) {
    try {
      const now = clock();
      const head = await store.head();
      const seen = await checkpoints.waitFor(names, head, 5_000);
      const { rowCount } = await database.query('select from due where at <= $1 limit 1', [now]);
      if (seen && rowCount === 0 && (await store.head()) === head) return now;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    if (Date.now() > until) throw new Error('two minutes after the last harm something is still not done');
  }
}
