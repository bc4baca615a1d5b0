import {
  BEGINNING,
  Checkpoints,
  comparePositions,
  ERASED,
  hasTable,
  prepareProjections,
  Projector,
  restart,
  SCHEMA_LOCK,
  sealsIn,
  StoreUnavailable,
  type EventStore,
  type Jobs,
  type Log,
  type Projection,
} from '#kernel';
import { deadlines } from '#resolutions';
import { watchesProjection } from '#watches';
import { watches } from '#apps/province';
import type { Vault } from '#stores';
import type { BackupKeys } from './backup-keys.js';
import { unwitnessed, type WitnessPolicy } from './audit.js';
import { completeness } from './completeness.js';
import { holidayWarnings } from './holidays.js';

export interface DoctorDeps {
  store: EventStore;
  checkpoints: Checkpoints;
  jobs: Pick<Jobs, 'counts'>;
  /** Read models; the deadlines are looked at in any case. */
  projections: readonly Projection[];
  /** Other subscribers that must get on: policies. */
  subscribers: readonly string[];
  /** What sealed fields say. */
  vault?: Vault;
  /** Who cosigns the log's checkpoints. */
  witnesses?: WitnessPolicy;
  /** Keys of backups: those whose time has come are destroyed. */
  keys?: BackupKeys;
  /** Whether somebody should be at work: leases that nobody holds and alarms that nobody fires are then a fault. */
  running: boolean;
  log: Log;
}

export interface Diagnosis {
  /** One sentence for each thing that is off. */
  faults: string[];
  /** What is worth knowing and not off. */
  notes: string[];
  /** Projections that a repair would rebuild. */
  rebuild: Projection[];
  /** Openings (by commitment) that belong to no event. */
  orphans: string[];
}

/** A subscriber whose next event is older than this does not keep up; an alarm that old was not fired. */
const PATIENCE_SECONDS = 60;
const SHOWN = 10;
const LOOK_MS = 5_000;
const PAGE = 1_000;

/** Looks at everything that is derived from the log, and at what it runs on. @throws StoreUnavailable */
export async function examine(deps: DoctorDeps): Promise<Diagnosis> {
  const found: Diagnosis = { faults: [], notes: [], rebuild: [], orphans: [] };
  await subscribers(deps, found);
  if (deps.running) await leases(deps, found);
  if (await clocks(deps, found)) {
    await alarms(deps, found);
    found.notes.push(...(await holidayWarnings(deps.checkpoints.db, new Date().toISOString())));
  }
  await vault(deps, found);
  await backups(deps, found);
  await queue(deps, found);
  await policies(deps, found);
  await notices(deps, found);
  await cosigned(deps, found);
  await database(deps, found);
  return found;
}

const all = ({ projections }: DoctorDeps): Projection[] => [...projections, deadlines()];

async function subscribers(deps: DoctorDeps, found: Diagnosis): Promise<void> {
  const { store, checkpoints, running } = deps;
  const said = running ? found.faults : found.notes;
  const stored = await checkpoints.read();
  // A log that is shared with others may end with events that are not ours, and who follows it has come past them.
  const { position: end } = await store.readAll(await store.head(), PAGE);
  const versions = new Map(all(deps).map((projection) => [projection.name, projection]));
  for (const name of [...versions.keys(), ...deps.subscribers]) {
    const at = stored.get(name);
    const projection = versions.get(name);
    if (!at) {
      // Where nothing runs, the next start makes what a new release brings.
      said.push(`The subscriber ${name} has never run.`);
      if (projection) found.rebuild.push(projection);
      continue;
    }
    if (projection && at.version !== projection.version) {
      const which = at.version > projection.version ? 'a newer release' : 'an older release';
      said.push(`The tables of ${name} belong to ${which} (version ${at.version}, not ${projection.version}).`);
      if (at.version < projection.version) found.rebuild.push(projection);
      continue;
    }
    if (at.error) {
      found.faults.push(`The subscriber ${name} cannot get on at position ${at.position}: ${at.error}`);
      if (projection) found.rebuild.push(projection);
    }
    if (comparePositions(at.position, end) > 0) {
      found.faults.push(`The subscriber ${name} stands at ${at.position}, after the end of the log at ${end}.`);
      if (projection) found.rebuild.push(projection);
      continue;
    }
    const { events } = await store.readAll(at.position, 1);
    const behind = events[0] ? (Date.now() - Date.parse(events[0].recordedAt)) / 1_000 : 0;
    if (behind < PATIENCE_SECONDS) continue;
    said.push(`The subscriber ${name} is behind: at ${at.position} of ${end}, by ${spoken(behind)}.`);
  }
}

async function leases({ checkpoints, subscribers: others }: DoctorDeps, found: Diagnosis): Promise<void> {
  const { rows } = await checkpoints.db.query<{ name: string }>(
    `select name from unnest($1::text[]) name
     where not exists (select from leases l where l.name = name.name and l.expires_at > clock_timestamp())`,
    [['projections', 'deadlines', ...others]],
  );
  if (rows.length > 0) found.faults.push(`No worker runs ${rows.map(({ name }) => name).join(', ')}.`);
}

/** @returns false when there are no tables to look at. */
async function clocks({ checkpoints, store }: DoctorDeps, found: Diagnosis): Promise<boolean> {
  const { rows } = await checkpoints.db.query<{ missing: string }>(
    `select name as missing from unnest($1::text[]) name where to_regclass(name) is null`,
    [[...deadlines().tables, 'checkpoints']],
  );
  if (rows.length > 0) {
    found.faults.push(`Tables of the deadlines are missing: ${rows.map(({ missing }) => missing).join(', ')}.`);
    found.rebuild.push(deadlines());
    return false;
  }
  const { position, openObligations, armed, waited, faults, waitingFaults } = await completeness(checkpoints.db, store);
  found.notes.push(
    `${openObligations} open obligations, ${armed} armed alarms, compared with the log up to ${position}.`,
    `${waited} answers and checks of outcomes are waited for.`,
  );
  found.faults.push(...shown(faults), ...shown(waitingFaults));
  if (faults.length > 0) found.rebuild.push(deadlines());
  if (waitingFaults.length > 0) found.rebuild.push(watchesProjection(watches));
  return true;
}

async function alarms({ checkpoints: { db }, running }: DoctorDeps, found: Diagnosis): Promise<void> {
  const { rows: open } = await db.query<{ id: string; until: Date }>(
    'select id::text, lease_until as until from imports where ended_at is null and lease_until > clock_timestamp()',
  );
  for (const { id } of open) found.notes.push(`The import ${id} is open; the alarms of what it touched wait for it.`);
  const { rows } = await db.query<{ n: number; stream: string; at: Date; attempt: number; late: number }>(
    `select count(*) over ()::int as n, stream, at, attempt, extract(epoch from clock_timestamp() - at)::float as late
     from due where at < clock_timestamp() - $1 * interval '1 second'
       and (import is null or import <> all ($2::text[])) order by at, stream limit 1`,
    [PATIENCE_SECONDS, open.map(({ id }) => id)],
  );
  const [oldest] = rows;
  if (!oldest) return;
  (running ? found.faults : found.notes).push(
    `${oldest.n} alarms are due and have not fired; the oldest, ${oldest.stream}, for ${spoken(oldest.late)}, ` +
      `tried ${oldest.attempt} times.`,
  );
}

/** Every commitment of the log has its opening or its erasure, and every opening its commitment. */
async function vault({ store, vault: kept }: DoctorDeps, found: Diagnosis): Promise<void> {
  if (!kept) return;
  const erased = new Set((await kept.erased()).map(({ event, path }) => `${event} ${path}`));
  const commitments = new Set<string>();
  const lost: string[] = [];
  let gone = 0;
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, PAGE);
    for (const { id, stream, revision, stored, data } of events) {
      for (const [path, commitment, value] of sealsIn(stored, data)) {
        commitments.add(commitment);
        if (value !== ERASED) continue;
        if (erased.has(`${id} ${path}`)) gone += 1;
        else
          lost.push(`What is sealed in ${stream} revision ${revision}, ${path}, is neither in the vault nor erased.`);
      }
    }
    if (events.length === 0) break;
    after = position;
  }
  found.notes.push(`${commitments.size} sealed values, ${gone} of them erased.`);
  found.faults.push(...shown(lost));
  found.orphans = await kept.orphans(commitments);
  if (found.orphans.length === 0) return;
  found.notes.push(
    `The vault holds ${found.orphans.length} values of appends that came to nothing; --repair destroys them.`,
  );
}

async function backups({ keys }: DoctorDeps, found: Diagnosis): Promise<void> {
  await keys?.expire(new Date().toISOString());
  const open = (await keys?.all()) ?? [];
  if (open.length === 0) return;
  const last = open
    .map(({ expiresAt }) => expiresAt)
    .sort()
    .at(-1)!;
  found.notes.push(
    `What is personal in ${open.length} backups can be opened, the last one's until ${last.slice(0, 10)}.`,
  );
}

async function queue({ jobs }: DoctorDeps, found: Diagnosis): Promise<void> {
  try {
    const counts = await jobs.counts?.();
    if (!counts) return;
    const { waiting, active, delayed, failed } = counts;
    found.notes.push(`The queue holds ${waiting} waiting jobs, ${active} active, ${delayed} to be tried again.`);
    if (failed > 0)
      found.notes.push(`${failed} jobs gave up in the last week; a later pass has tried their alarms anew.`);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    found.faults.push(`${error.message}. No alarm fires until it is back.`);
  }
}

async function cosigned({ checkpoints: { db }, witnesses }: DoctorDeps, found: Diagnosis): Promise<void> {
  const there = await hasTable(db, 'audit_head');
  const fault = witnesses && there && (await unwitnessed(db, witnesses, new Date().toISOString()));
  if (fault) found.faults.push(fault);
}

async function policies({ checkpoints: { db } }: DoctorDeps, found: Diagnosis): Promise<void> {
  if (!(await hasTable(db, 'policy_refusals'))) return;
  const { rows } = await db.query<{ n: number; policy: string; stream: string; command: string; code: string }>(
    `select count(*) over ()::int as n, policy, stream, command, code from policy_refusals order by at desc limit ${SHOWN}`,
  );
  if (rows.length === 0) return;
  found.notes.push(`${rows[0]!.n} commands of policies were refused; the latest:`);
  for (const { policy, stream, command, code } of rows)
    found.notes.push(`  ${policy}: ${command} to ${stream}, ${code}`);
}

/** A channel that failed so often in a row for one notice does not have a bad moment. */
const FAILING_TRIES = 2;

async function notices({ checkpoints: { db } }: DoctorDeps, found: Diagnosis): Promise<void> {
  if (!(await hasTable(db, 'notice_outbox'))) return;
  const { rows } = await db.query<{ failing: string; n: number; tries: number; waited: number }>(
    `select failing, count(distinct notice)::int as n, max(attempts) as tries,
       extract(epoch from clock_timestamp() - min(queued_at))::float as waited
     from notice_outbox where state = 'waiting' and failing is not null group by failing order by failing`,
  );
  for (const { failing, n, tries, waited } of rows) {
    const [channel, reason] = failing.split(': ');
    (tries >= FAILING_TRIES ? found.faults : found.notes).push(
      `The channel ${channel} is failing (${reason}): ${n} notices wait to be sent again, the oldest for ${spoken(waited)}.`,
    );
  }
  const { rows: lost } = await db.query<{ n: number }>(
    `select count(distinct notice)::int as n from notice_outbox where state = 'undelivered'`,
  );
  if (lost[0]!.n > 0) {
    found.notes.push(`${lost[0]!.n} notices could not be delivered; the secretary finds them among the duties.`);
  }
}

async function database({ checkpoints: { db } }: DoctorDeps, found: Diagnosis): Promise<void> {
  const { rows } = await db.query<{ bytes: string; used: number; most: number }>(
    `select pg_database_size(current_database()) as bytes, current_setting('max_connections')::int as most,
       (select sum(numbackends)::int from pg_stat_database) as used`,
  );
  const { bytes, used, most } = rows[0]!;
  found.notes.push(
    `The database holds ${Math.ceil(Number(bytes) / 1e6)} MB and serves ${used} of ${most} connections.`,
  );
  if (used > 0.9 * most) found.faults.push(`The database is nearly out of connections: ${used} of ${most} are taken.`);
}

/**
 * Rebuilds what is derived and was found wrong, from the log, and waits until it is there. A worker that runs meanwhile
 * is no harm: of two that move a checkpoint one gets on.
 * @throws Error when a projection cannot be rebuilt
 */
export async function repair(
  { rebuild, orphans }: Diagnosis,
  { store, checkpoints: { db }, log, vault: kept }: DoctorDeps,
): Promise<void> {
  if (orphans.length > 0) await kept?.destroy(orphans);
  // Of its own: others remember how far the tables had come that are dropped here.
  const checkpoints = new Checkpoints(db);
  const broken = [...new Map(rebuild.map((projection) => [projection.name, projection])).values()];
  if (broken.length === 0) return;
  await prepareProjections(broken, { checkpoints, log });
  await db.transaction(async (sql) => {
    await sql.query(SCHEMA_LOCK);
    for (const projection of broken) await restart(projection, sql);
  });
  const stop = new AbortController();
  const running = new Projector('doctor', broken, { store, checkpoints, log }).run(stop.signal);
  const names = broken.map(({ name }) => name);
  const head = await store.head();
  try {
    for (let before = ''; !(await checkpoints.waitFor(names, head, LOOK_MS));) {
      const stuck = [...(await checkpoints.read(names)).values()].find(({ error }) => error);
      // The first time it may be the two of them in each other's way.
      if (stuck?.error && before === stuck.error) throw new Error(`${stuck.name} cannot be rebuilt: ${stuck.error}`);
      before = stuck?.error ?? '';
    }
  } finally {
    stop.abort();
    await running;
  }
}

function shown(faults: readonly string[]): string[] {
  const rest = faults.length - SHOWN;
  return rest > 0 ? [...faults.slice(0, SHOWN), `… and ${rest} more of this kind.`] : [...faults];
}

function spoken(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} seconds`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} hours` : `${Math.round(seconds / 86_400)} days`;
}
