import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { ENTER, postgresBinaries, reachable, serverUser, type ServerUser } from './embedded-binaries.js';

const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** The files and the processes of an embedded PostgreSQL: `postgres` (data), `run` (socket), `postgres.log`. */
export class Cluster {
  readonly dataDir: string;
  private readonly files: string;
  private readonly log: string;
  private readonly user: ServerUser;

  constructor(
    dataDir: string,
    private readonly owner: string,
    private readonly socketFolderOf: (dataDir: string) => string,
    private readonly settings: Readonly<Record<string, string>> = {},
  ) {
    mkdirSync(dataDir, { recursive: true });
    this.dataDir = realpathSync(dataDir);
    this.files = join(this.dataDir, 'postgres');
    this.log = join(this.dataDir, 'postgres.log');
    // Who made the files keeps them: another choice today would lock the server out of its own data.
    const keeper = existsSync(this.files) ? statSync(this.files) : undefined;
    this.user = process.getuid?.() === 0 && keeper && keeper.uid !== 0 ? keeper : serverUser();
    if (keeper && keeper.uid !== this.user.uid) {
      throw new Error(`${this.files} belongs to user ${keeper.uid}; run as that user or as root.`);
    }
  }

  /** The process id of the running postmaster; what a killed one or a rebooted machine left behind does not count. */
  postmaster(): number | undefined {
    const pid = this.recordedPid();
    return pid !== undefined && this.isOurs(pid) ? pid : undefined;
  }

  private recordedPid(): number | undefined {
    const file = join(this.files, 'postmaster.pid');
    return (existsSync(file) && Number(readFileSync(file, 'utf8').split('\n')[0])) || undefined;
  }

  /** A postmaster works in its data directory; a stranger that was given the same number does not. */
  isOurs(pid: number): boolean {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === this.files;
    } catch {
      return false;
    }
  }

  async prepare(): Promise<void> {
    this.makeReachable();
    await this.initialise();
    this.makeSocketFolder();
    // After a reboot the number in the file may be a stranger's, and PostgreSQL would take him for its postmaster. Of a
    // process that is gone PostgreSQL itself judges, and waits for what that left behind.
    const pid = this.recordedPid();
    if (pid === undefined || !existsSync(`/proc/${pid}`)) return;
    const anyoneAtWork = readdirSync('/proc').some((name) => /^\d+$/.test(name) && this.isOurs(Number(name)));
    if (!anyoneAtWork) rmSync(join(this.files, 'postmaster.pid'));
  }

  private makeReachable(): void {
    if (reachable(this.dataDir, this.user, ENTER)) return;
    const { uid, mode } = statSync(this.dataDir);
    if (uid === process.getuid?.()) chmodSync(this.dataDir, mode | 0o011);
    if (reachable(this.dataDir, this.user, ENTER)) return;
    throw new Error(
      `${this.dataDir} cannot be reached by user ${this.user.uid}, as whom PostgreSQL runs (it refuses root): ` +
        'put the data directory where others may enter, for example /var/lib/peygir.',
    );
  }

  /** Made aside and put in place in one step, so that a start that was killed half-way leaves nothing that looks ready. */
  private async initialise(): Promise<void> {
    if (existsSync(this.files)) return;
    for (const name of readdirSync(this.dataDir)) {
      const [, pid] = /^postgres\.(\d+)\./.exec(name) ?? [];
      if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(this.dataDir, name), { recursive: true });
    }
    const half = mkdtempSync(`${this.files}.${process.pid}.`);
    chownSync(half, this.user.uid, this.user.gid);
    const sync = this.settings.fsync === 'off' ? ['--no-sync'] : [];
    const access = ['-U', this.owner, '-A', 'trust', '--auth-host=reject'];
    const text = ['-E', 'UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const initdb = this.run('initdb', ['-D', half, ...access, ...text, '--no-instructions', ...sync]);
    if ((await initdb.done) !== 0) throw new Error(`initdb failed in ${this.dataDir}: ${this.lastWords()}`);
    try {
      renameSync(half, this.files);
    } catch {
      rmSync(half, { recursive: true }); // another starter was faster
    }
  }

  private makeSocketFolder(): void {
    const host = this.socketFolderOf(this.dataDir);
    if (!existsSync(host)) {
      mkdirSync(host, { mode: 0o700 });
      chownSync(host, this.user.uid, this.user.gid);
    }
    const found = lstatSync(host);
    if (!found.isDirectory() || found.uid !== this.user.uid || (found.mode & 0o077) !== 0) {
      throw new Error(
        `${host} is in the way: it must be a folder of user ${this.user.uid} that nobody else may enter.`,
      );
    }
  }

  launch(): { exited: () => boolean } {
    const settings = {
      listen_addresses: '',
      unix_socket_directories: this.socketFolderOf(this.dataDir),
      unix_socket_permissions: '0700',
      timezone: 'UTC',
      jit: 'off',
      // Nobody follows this server's log, so tables that a restore fills are written once, and not into that log as well.
      wal_level: 'minimal',
      max_wal_senders: '0',
      // Statements may carry what is confidential; the log is no place for it.
      log_min_error_statement: 'panic',
      ...this.settings,
    };
    const server = this.run('postgres', [
      '-D',
      this.files,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    server.unref(); // the app may end without it
    return server;
  }

  /** In a session of its own, so that Ctrl-C in a terminal reaches the app alone, which then stops the server in order. */
  private run(program: string, args: readonly string[]) {
    const full = existsSync(this.log) && statSync(this.log).size > MAX_LOG_BYTES;
    const output = openSync(this.log, full ? 'w' : 'a', 0o600);
    const child = spawn(join(postgresBinaries(this.dataDir, this.user), 'bin', program), args, {
      ...(process.getuid?.() === 0 ? { uid: this.user.uid, gid: this.user.gid } : {}),
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    const done = new Promise<number | null>((settle, reject) => {
      child.once('error', reject);
      child.once('exit', settle);
    });
    done.catch(() => {});
    const exited = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    return { done, exited, unref: () => child.unref() };
  }

  /** The end of the server's log: the reason why something failed. */
  lastWords(): string {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').trim().split('\n').slice(-5).join('\n') : '';
  }
}
