import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { prepareProjections, type Checkpoints, type Log, type Projection, type Sql } from '#kernel';
import {
  applicationTables,
  inSnapshot,
  refill,
  Vault,
  type CopiedTable,
  type DatabaseAddress,
  type ErasedPlace,
  type Refilling,
  type Snapshot,
} from '#stores';
import { projections as derived } from '#apps/compose';
import {
  BackupReader,
  BadBackup,
  END,
  ERASURES,
  EVENTS,
  LEVEL,
  OPENINGS,
  type Footer,
  type Header,
  type SavedTable,
} from './backup-file.js';
import { BackupKeys, openedRows, sealedRows, type BackupKey } from './backup-keys.js';

export interface Backed {
  address: DatabaseAddress;
  checkpoints: Checkpoints;
  province: string;
  /** Where the keys lie, if they are files. */
  dataDir?: string;
  /** Where the keys of what is sealed in backups lie. */
  keysDir: string;
}

/** Where the log ended, how many events it had, and their hash: equal logs have equal ones. */
export interface Saved {
  head: string;
  events: number;
  logSha256: string;
}

const KEY_FILE = /^[\w.-]+(\.key|-key\.json)$/;
const LF = 10;
/** Read models have what was sealed in plain; the log, which is kept for ever, can give them back. */
const DERIVED = new Set(derived.flatMap(({ tables }) => tables));

/**
 * The whole deployment as it was at one moment: the log, what was made of it, evidence, imports, keys. The server may
 * run meanwhile. The file is its owner's alone to read, because everything is in it, and there whole or not at all.
 * @throws StoreUnavailable
 */
export async function backup(
  file: string,
  { address, checkpoints, province, dataDir, keysDir }: Backed,
  keepDays?: number,
): Promise<Saved & Pick<BackupKey, 'id' | 'expiresAt'>> {
  const partial = `${file}.partial`;
  const keys = new BackupKeys(keysDir);
  const takenAt = new Date().toISOString();
  const key = await keys.make(takenAt, keepDays);
  await rm(partial, { force: true });
  try {
    return await inSnapshot(address, async (snapshot) => {
      const { rows } = await snapshot.query<{ position: string }>('select position from log.head');
      const head = rows[0]!.position;
      const header: Header = {
        peygir: 'backup',
        format: 2,
        takenAt,
        province,
        head,
        checkpoints: [...(await checkpoints.read(undefined, snapshot)).values()],
        keys: dataDir ? await keysIn(dataDir) : {},
        sealed: { key: key.id, expiresAt: key.expiresAt, folder: keysDir },
      };
      const log = new LogHash();
      const all = createHash('sha256');
      const text = async function* (): AsyncGenerator<Buffer> {
        for await (const chunk of content(header, snapshot, log, key.key)) {
          all.update(chunk);
          yield chunk;
        }
        yield said({ ...log.digest(), sha256: all.digest('hex') } satisfies Footer);
      };
      await pipeline(text, createGzip({ level: LEVEL }), createWriteStream(partial, { mode: 0o600, flags: 'wx' }));
      await rename(partial, file);
      await keys.remember(await new Vault(snapshot).erased());
      return { head, ...log.digest(), id: key.id, expiresAt: key.expiresAt };
    });
  } catch (error) {
    await rm(partial, { force: true });
    await keys.destroy(key.id);
    throw error;
  }
}

async function* content(header: Header, snapshot: Snapshot, log: LogHash, key: string): AsyncGenerator<Buffer> {
  yield said(header);
  const tables = (await applicationTables(snapshot)).map((each): SavedTable =>
    DERIVED.has(each.table) ? { ...each, sealed: true } : each,
  );
  const all: readonly SavedTable[] = [EVENTS, ERASURES, OPENINGS, ...tables];
  for (const each of all) {
    yield said(each);
    const order = each === EVENTS ? ' order by position' : '';
    const rows = snapshot.copyOut(`select ${listOf(each)} from ${each.table}${order}`) as AsyncIterable<Buffer>;
    if (each === EVENTS) yield* tapped(rows, log);
    else yield* each.sealed ? sealedRows(rows, each.table, key) : rows;
    yield END;
  }
}

class LogHash {
  private readonly hash = createHash('sha256');
  private events = 0;

  take(rows: Buffer): void {
    this.hash.update(rows);
    for (let at = rows.indexOf(LF); at >= 0; at = rows.indexOf(LF, at + 1)) this.events++;
  }

  digest(): Pick<Footer, 'events' | 'logSha256'> {
    return { events: this.events, logSha256: this.hash.copy().digest('hex') };
  }
}

const said = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
const listOf = ({ columns }: CopiedTable): string => columns.map((name) => `"${name}"`).join(', ');

async function keysIn(dataDir: string): Promise<Record<string, string>> {
  const names = (await readdir(dataDir)).filter((name) => KEY_FILE.test(name));
  const contents = names.map(async (name) => [name, await readFile(join(dataDir, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(contents));
}

export interface Restored extends Saved {
  takenAt: string;
  /** False when the key of what was sealed is gone. */
  opened: boolean;
  /** Sealed values that were erased after the backup, and are not put back. */
  forgotten: number;
  /** Read models that this release makes otherwise: the next start makes them anew from the log. */
  rebuilt: string[];
}

/** Who follows the log in this release. What others had made of it is left out. */
export interface Followers {
  /** Asked for when the keys are in their place: one of them signs with its own. */
  projections(): Promise<readonly Projection[]>;
  subscribers: readonly string[];
  log: Log;
}

/**
 * Puts a backup into an empty deployment, all of it or nothing. What had fired stands in the log and in what was made of
 * it, up to the same position, so nothing fires again; what fell due since then fires at the next start.
 * @throws BadBackup; StoreUnavailable
 */
export async function restore(
  file: string,
  to: Backed,
  followers: Followers,
  { withoutSealed = false }: { withoutSealed?: boolean } = {},
): Promise<Restored> {
  const source = createReadStream(file);
  const unpacked = createGunzip();
  source.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  const reader = new BackupReader(unpacked);
  const header = await reader.header();
  if (header.province !== to.province) {
    throw new BadBackup(`The backup is of ${header.province}; this deployment serves ${to.province}.`);
  }
  // On the machine where the backup was made its key is where it was put.
  const [here, there] = [new BackupKeys(to.keysDir), new BackupKeys(header.sealed?.folder ?? to.keysDir)];
  const id = header.sealed?.key ?? '';
  const keys = (await here.find(id)) || !(await there.find(id)) ? here : there;
  const sealed = await openable(header, keys, withoutSealed);
  const kept = to.dataDir === undefined ? [] : await keepKeys(to.dataDir, header.keys);
  try {
    return await refilled(reader, header, sealed, to, followers);
  } catch (error) {
    await Promise.all(kept.map((path) => rm(path)));
    throw error;
  }
}

const MARGIN_MS = 86_400_000;

/** What of the sealed tables may be put back. */
interface Openable {
  /** Undefined: nothing can be opened; and in a backup of format 1 nothing was sealed. */
  key?: string;
  /** Erased since the backup was taken. */
  since: readonly ErasedPlace[];
}

/** @throws BadBackup when the key is gone, or nobody can tell what was erased since */
async function openable({ sealed, takenAt }: Header, keys: BackupKeys, without: boolean): Promise<Openable> {
  const erased = await keys.erased();
  // The file's clock and the database's may differ; what is erased twice is erased.
  const since = (erased ?? []).filter(({ at }) => Date.parse(at) > Date.parse(takenAt) - MARGIN_MS);
  if (!sealed || without) return { since };
  const found = await keys.find(sealed.key);
  const otherwise = 'With --without-sealed everything else is restored, and what was sealed is gone for good.';
  if (!found) {
    throw new BadBackup(
      `The key ${sealed.key} of what is sealed in this backup is not in ${keys.dir}: it was to be destroyed on ` +
        `${sealed.expiresAt.slice(0, 10)} or after an erasure, or BACKUP_KEYS is another folder. ${otherwise}`,
    );
  }
  if (!erased) {
    throw new BadBackup(`${keys.dir} has no account of what was erased since, so nothing may be opened. ${otherwise}`);
  }
  return { key: found.key, since };
}

async function refilled(
  reader: BackupReader,
  { head, takenAt, checkpoints: saved, sealed: header }: Header,
  { key, since }: Openable,
  { address, checkpoints }: Backed,
  { projections: asked, subscribers, log }: Followers,
): Promise<Restored> {
  const projections = await asked();
  await prepareProjections(projections, { checkpoints, log });
  const standing = new Map(saved.map((each) => [each.name, each]));
  // What was derived from what must not come back is made anew, too.
  const stale = header !== undefined && (key === undefined || since.length > 0);
  const outdated = projections.filter(
    ({ name, version, tables }) =>
      standing.get(name)?.version !== version || (stale && tables.some((table) => DERIVED.has(table))),
  );
  const left = new Set(outdated.flatMap(({ tables }) => tables));
  return refill(address, async (database) => {
    const { rows } = await database.query<{ position: string }>('select position from log.head for update');
    if (rows[0]!.position !== '0') throw new BadBackup('There is a log already; restore into an empty deployment.');
    const hash = new LogHash();
    const footer = await refillAll(reader, database, left, hash, key);
    const found = hash.digest();
    if (footer.events !== found.events || footer.logSha256 !== found.logSha256) {
      throw new BadBackup('The events are not those that were saved.');
    }
    const vault = new Vault(database);
    const openings = await count(database);
    for (const { event, path, erasure } of since) await vault.erase([{ event, path }], erasure);
    const forgotten = openings - (await count(database));
    await database.query('reset role');
    await database.query('update log.head set position = $1', [head]);
    await database.query('analyze log.events');
    const current = projections.filter((projection) => !outdated.includes(projection)).map(({ name }) => name);
    for (const name of [...current, ...subscribers]) {
      if (!standing.has(name)) continue;
      const { version, position, asOf } = standing.get(name)!;
      await database.query(
        `insert into checkpoints (name, version, position, as_of) values ($1, $2, $3, $4)
         on conflict (name) do update set version = excluded.version, position = excluded.position, as_of = excluded.as_of`,
        [name, version, position, asOf ?? null],
      );
    }
    return {
      head,
      takenAt,
      ...found,
      opened: !header || key !== undefined,
      forgotten,
      rebuilt: outdated.map(({ name }) => name),
    };
  });
}

const count = async (sql: Sql): Promise<number> =>
  (await sql.query<{ n: number }>('select count(*)::int as n from vault.openings')).rows[0]!.n;

async function refillAll(
  reader: BackupReader,
  database: Refilling,
  left: Set<string>,
  log: LogHash,
  key: string | undefined,
): Promise<Footer> {
  const tables = [OPENINGS, ERASURES, ...(await applicationTables(database))];
  const here = new Map(tables.map((each) => [each.table, each]));
  for (;;) {
    const found = await reader.next();
    if ('footer' in found) {
      if (found.footer.sha256 !== found.sha256) throw new BadBackup('The backup was changed after it was made.');
      return found.footer;
    }
    const { table } = found;
    if (table === EVENTS.table) await database.copyIn(EVENTS, tapped(reader.rows(), log));
    else if (!left.has(table) && fits(found, here.get(table)) && (key !== undefined || !found.sealed)) {
      const rows = reader.rows();
      await database.copyIn(found, found.sealed ? openedRows(rows, table, key!) : rows);
    } else for await (const _ of reader.rows());
  }
}

/** Only names that this database has itself are ever put into a statement. */
const fits = ({ columns }: CopiedTable, here: CopiedTable | undefined): boolean =>
  here !== undefined && columns.every((name) => here.columns.includes(name));

async function* tapped(rows: AsyncIterable<Buffer>, log: LogHash): AsyncGenerator<Buffer> {
  for await (const chunk of rows) {
    log.take(chunk);
    yield chunk;
  }
}

/**
 * @returns the files that were not there before
 * @throws BadBackup when the folder has other keys of its own: two deployments would be mixed
 */
async function keepKeys(dataDir: string, keys: Record<string, string>): Promise<string[]> {
  await mkdir(dataDir, { recursive: true });
  const own = await keysIn(dataDir);
  const missing = Object.entries(keys).filter(([name, content]) => own[name] !== content);
  for (const [name] of missing) {
    if (!KEY_FILE.test(name)) throw new BadBackup(`"${name}" is not the name of a key.`);
    if (own[name] !== undefined) throw new BadBackup(`${join(dataDir, name)} is another deployment's.`);
  }
  const paths = missing.map(([name, content]) => [join(dataDir, name), content] as const);
  for (const [path, content] of paths) await writeFile(path, content, { mode: 0o600, flag: 'wx' });
  return paths.map(([path]) => path);
}

/** Whether somebody is at work on this database: then nothing may be put under their feet. */
export async function isServed(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query('select from leases where expires_at > clock_timestamp() limit 1');
  return rows.length > 0;
}
