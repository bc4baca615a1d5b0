import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Cluster } from './embedded-cluster.js';

/**
 * PostgreSQL of our own, on a unix socket that only this user (and root) can reach; it listens on no network address.
 *
 * The server outlives a killed app, so that nothing is lost with it: the next start adopts it. One app owns a data
 * directory at a time: it holds an advisory lock in a session of its own, the guard. The lock falls with the process,
 * however that ends; and a guard that breaks tells a living app that the server died, which then starts it again.
 */
export interface EmbeddedOptions {
  /** What happened to the server, for people: started, adopted, died, recovered. */
  log?: (message: string) => void;
  /** Server settings over the defaults, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  /** How long a start, with the recovery after a crash, may take. */
  timeoutMs?: number;
}

export interface Connection {
  host: string;
  port: number;
  user: string;
  database: string;
}

export interface EmbeddedPostgres {
  /** The owner's connection to the database `peygir`. */
  connection: Connection;
  /** The same for tools: psql and pg understand it. */
  url: string;
  dataDir: string;
  /** Stops the server in order and gives the directory free. */
  stop(): Promise<void>;
}

const NAME = 'peygir';
const PORT = 5432; // names the socket file; nothing listens there
const LOCK = 7_332_247; // "peygir" on a telephone
const MAX_SOCKET_BYTES = 100;

/** @throws Error naming the directory and the holder's process id when another app owns it. */
export async function startEmbeddedPostgres(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const server = new Server(resolve(dataDir), options);
  await server.guarded();
  return {
    connection: server.connection,
    url: urlOf(server.connection),
    dataDir: server.dataDir,
    stop: () => server.stop(),
  };
}

/** Starts or adopts the server without owning it, for several processes that share one (the tests do). */
export async function shareEmbeddedPostgres(dataDir: string, options: EmbeddedOptions = {}): Promise<Connection> {
  const server = new Server(resolve(dataDir), options);
  await (await server.running()).end();
  return server.connection;
}

/** Where the server of a data directory answers when it runs: for tools beside the app. The directory must exist. */
export function embeddedConnection(dataDir: string): Connection {
  return { host: socketFolder(realpathSync(dataDir)), port: PORT, user: NAME, database: NAME };
}

/** The kernel takes no longer paths of sockets than about a hundred bytes. */
function socketFolder(dataDir: string): string {
  const inside = join(dataDir, 'run');
  if (Buffer.byteLength(`${inside}/.s.PGSQL.${PORT}.lock`) < MAX_SOCKET_BYTES) return inside;
  return `/tmp/peygir-${createHash('sha256').update(inside).digest('hex').slice(0, 16)}`;
}

const urlOf = ({ host, port, user, database }: Connection): string =>
  `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;

class Server {
  readonly dataDir: string;
  readonly connection: Connection;
  private readonly cluster: Cluster;
  private readonly deadlineMs: number;
  private readonly log: (message: string) => void;
  private guard: pg.Client | undefined;
  private stopping = false;

  constructor(dataDir: string, options: EmbeddedOptions) {
    this.cluster = new Cluster(dataDir, NAME, socketFolder, options.settings);
    this.dataDir = this.cluster.dataDir;
    this.connection = embeddedConnection(this.dataDir);
    this.deadlineMs = options.timeoutMs ?? 60_000;
    this.log = options.log ?? (() => {});
  }

  /** Runs the server, takes the lock, and keeps both until {@link stop}. */
  async guarded(): Promise<void> {
    const guard = await this.running();
    try {
      await this.lock(guard);
    } catch (error) {
      await guard.end();
      throw error;
    }
    this.guard = guard;
    guard.once('end', () => void this.recover());
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const pid = this.cluster.postmaster();
    await this.guard?.end();
    if (pid === undefined) return;
    for (const [signal, patienceMs] of [
      ['SIGINT', 8_000],
      ['SIGQUIT', 2_000],
    ] as const) {
      process.kill(pid, signal);
      for (const until = Date.now() + patienceMs; Date.now() < until; await pause(10)) {
        if (!this.cluster.isOurs(pid)) return;
      }
    }
    throw new Error(`PostgreSQL (process ${pid}) in ${this.dataDir} does not stop.`);
  }

  /** A connection to the server, which is adopted when it runs and started when it does not. */
  async running(): Promise<pg.Client> {
    const until = Date.now() + this.deadlineMs;
    let started: ReturnType<Cluster['launch']> | undefined;
    for (;;) {
      try {
        const client = await this.connect(NAME);
        this.log(started ? `PostgreSQL started in ${this.dataDir}` : `PostgreSQL found running in ${this.dataDir}`);
        return client;
      } catch (error) {
        const { code } = error as { code?: string };
        if (Date.now() > until)
          throw new Error(
            `PostgreSQL in ${this.dataDir} does not start: ${(error as Error).message}\n${this.cluster.lastWords()}`,
          );
        if (code === 'ENOENT' || code === 'ECONNREFUSED') {
          if (!started || started.exited()) {
            if (started) await pause(200); // the last one's processes are still leaving, or another starter was faster
            await this.cluster.prepare();
            started = this.cluster.launch();
          }
        } else if (code === '3D000') await this.createDatabase();
        else if (code === 'EACCES') {
          throw new Error(`${this.connection.host} may not be entered: PostgreSQL there belongs to another user.`);
        } else if (!comingOrGoing(code)) throw error;
        await pause(25);
      }
    }
  }

  private async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ ...this.connection, database, application_name: `peygir ${process.pid}` });
    client.on('error', () => {}); // `end` follows, and is what counts
    await client.connect();
    return client;
  }

  private async createDatabase(): Promise<void> {
    const client = await this.connect('postgres');
    await client.query(`create database ${NAME}`).catch((error: { code?: string }) => {
      // Another starter was faster: PostgreSQL says so in two ways.
      if (error.code !== '42P04' && error.code !== '23505') throw error;
    });
    await client.end();
  }

  private async lock(guard: pg.Client): Promise<void> {
    try {
      // A killed holder's session is given a moment to be noticed.
      await guard.query(`set lock_timeout = '3s'; select pg_advisory_lock(${LOCK})`);
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      const { rows } = await guard.query<{ name: string }>(
        `select application_name as name from pg_stat_activity join pg_locks using (pid)
         where locktype = 'advisory' and objid = ${LOCK} and granted`,
      );
      const holder = rows[0]?.name.replace('peygir ', 'process ') ?? 'another process';
      throw new Error(`${this.dataDir} is in use by ${holder}: one data directory serves one app at a time.`);
    }
  }

  private async recover(): Promise<void> {
    for (let patienceMs = 50; !this.stopping; patienceMs = Math.min(2 * patienceMs, 5_000)) {
      this.log(`PostgreSQL in ${this.dataDir} is gone; starting it again`);
      try {
        await this.guarded();
        if (this.stopping) await this.stop();
        return;
      } catch (error) {
        this.log((error as Error).message);
        await pause(patienceMs, undefined, { ref: false });
      }
    }
  }
}

/** 57P03: starting up, shutting down or recovering. 57P01, 57P02: it just sent us away. */
const comingOrGoing = (code: string | undefined): boolean =>
  ['57P01', '57P02', '57P03', 'ECONNRESET', 'EPIPE', undefined].includes(code);
