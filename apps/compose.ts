import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import {
  Checkpoints,
  comparePositions,
  Decide,
  DecideHandler,
  Loader,
  StoreUnavailable,
  systemClock,
  type Answer,
  type Asked,
  type Database,
  type EventStore,
  type Log,
  type Order,
  type Projection,
} from '#kernel';
import { Evidence } from '#evidence';
import { noticeDecider, NoticeSender, noticesProjection, smtpPost } from '#notices';
import { deadlines } from '#resolutions';
import {
  createPool,
  createSql,
  migrate,
  openJobs,
  PostgresEventStore,
  startEmbeddedPostgres,
  type DatabaseAddress,
} from '#stores';
import { createApi } from '#apps/api/api.module';
import { hashKey, ownAuth, providerAuth } from '#apps/api/auth';
import { Imports } from '#apps/api/imports';
import { whyQuery } from '#apps/api/why';
import { ConfigError, type Config } from '#apps/config';
import { deciders, policies } from '#apps/province';
import { allProjections, allQueries } from '#apps/read-models';
import { startWorker } from '#apps/worker/worker';

export const projections: readonly Projection[] = [...allProjections, noticesProjection];

export interface Running {
  /** Where it answers: `http://127.0.0.1:3000`. */
  url: string;
  store: EventStore;
  /** Waits until read models have seen the whole log. */
  caughtUp(): Promise<void>;
  /** Waits until everybody was told, or it is recorded that nobody was. */
  told(): Promise<void>;
  /** Answers what is in hand, finishes the batch in hand, stops the embedded database. */
  close(): Promise<void>;
}

export const logger = ({ logLevel }: Pick<Config, 'logLevel'>) => pino({ level: logLevel }, pino.destination(2));

/**
 * The one place where the parts are put together: api and worker in one process, on the embedded PostgreSQL or on the
 * one of DATABASE_URL. What was begun before something failed is closed again.
 */
export async function compose(config: Config, log: Log = logger(config)): Promise<Running> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const each of closing.splice(0).reverse()) {
      await each().catch((error: unknown) => log.error({ err: error }, 'while stopping'));
    }
  };
  try {
    return { ...(await build(config, log, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(config: Config, log: Log, closing: (() => Promise<unknown>)[]): Promise<Omit<Running, 'close'>> {
  const { dataDir, province } = config;
  const address = await databaseOf(config, log, closing);
  const pool = createPool(address, { max: 16 });
  closing.push(() => pool.end());
  const database = createSql(pool);
  const store = new PostgresEventStore(pool);
  closing.push(() => store.close());

  const loader = new Loader(store);
  const imports = new Imports(database);
  await imports.prepare();
  const evidence = new Evidence(database, config.evidenceMaxBytes);
  await evidence.prepare();
  const decide = {
    store,
    loader,
    clock: systemClock,
    deciders: [...deciders, noticeDecider],
    province,
    key: await hashKey(dataDir),
    importOpen: (id: string) => imports.isOpen(id),
    admit: (asked: Asked) => evidence.admit(asked),
  };
  const handler = new DecideHandler(decide);
  const send = (order: Order): Promise<Answer> => handler.execute(new Decide(order));

  const checkpoints = new Checkpoints(database);
  const worker = await startWorker({
    store,
    database,
    checkpoints,
    clock: systemClock,
    jobs: await openJobs({ postgres: address }, log),
    decide: send,
    reads: loader,
    policies,
    projections,
    log,
    openImports: () => imports.running(),
    // On the embedded database nobody else can hold a lease, so a restart after a crash waits for nobody.
    ...(!config.databaseUrl && { holder: 'embedded' }),
  });
  closing.push(() => worker.stop());

  const due = dueIn(database, store, checkpoints);
  const sender = new NoticeSender({
    sql: database,
    store,
    checkpoints,
    send,
    reads: loader,
    contacts: config.contacts,
    post: config.smtp && smtpPost(config.smtp.url, config.smtp.from),
    settling: async () => (await imports.running()).length > 0 || (await due()) > 0,
    log,
  });
  const stopping = new AbortController();
  const sending = sender.run(stopping.signal);
  closing.push(() => (stopping.abort(), sending));

  const app = await createApi({
    decide,
    auth: config.oidcIssuer ? providerAuth(config.oidcIssuer, province) : await ownAuth(dataDir, province),
    imports,
    evidence,
    database,
    checkpoints,
    reads: [...allQueries(), whyQuery(decide)],
    policies: { on: new Set(policies.flatMap(({ on }) => on)), passed: (at, ms) => worker.policiesReached(at, ms) },
    importEnded: () => worker.wake(),
    hosts: config.hosts,
    logLevel: config.logLevel,
  });
  closing.push(() => app.close());
  await app.listen(config.port, config.host).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EADDRNOTAVAIL' && error.code !== 'EACCES') throw error;
    throw new ConfigError(`Nothing can listen on ${config.host}:${config.port} (${error.code}); set HOST or PORT.`);
  });
  const caughtUp = async () => {
    const names = projections.map(({ name }) => name);
    const head = await store.head();
    while (!(await checkpoints.waitFor(names, head, 5_000)));
  };
  return {
    url: (await app.getUrl()).replace('[::1]', 'localhost'),
    store,
    caughtUp,
    async told() {
      const waiting = async () => (await caughtUp(), await database.query('select from notice_outbox limit 1'));
      while ((await due()) > 0 || (await waiting()).rowCount) await sleep(100);
    },
  };
}

async function databaseOf(
  { databaseUrl, dataDir }: Config,
  log: Log,
  closing: (() => Promise<unknown>)[],
): Promise<DatabaseAddress> {
  if (!databaseUrl) {
    const server = await startEmbeddedPostgres(dataDir, { log: (message) => log.info({}, message) }).catch(
      // In use by another, out of reach, no binaries: sentences for whoever runs this, and nothing for a stack to add.
      (error: Error) => Promise.reject(new ConfigError(error.message, { cause: error })),
    );
    closing.push(() => server.stop());
    await migrate(server.connection);
    return server.connection;
  }
  for (let tries = 1; ; tries++) {
    try {
      await migrate(databaseUrl);
      return databaseUrl;
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || tries === MAX_TRIES) throw error;
      log.warn({ err: error }, 'the database does not answer yet; waiting for it');
      await sleep(TRY_EVERY_MS);
    }
  }
}

const MAX_TRIES = 30;
const TRY_EVERY_MS = 2_000;

/** How many clocks are due and have not fired, as of the end of the log; of one import or of all. */
const dueIn =
  (database: Database, store: EventStore, checkpoints: Checkpoints) =>
  async (importId?: string): Promise<number> => {
    const { name } = deadlines();
    const head = await store.head();
    const at = (await checkpoints.read([name])).get(name);
    if (!at || comparePositions(at.position, head) < 0) return 1;
    const { rows } = await database.query<{ due: number }>(
      'select count(*)::int as due from due where at <= clock_timestamp() and ($1::text is null or import = $1)',
      [importId ?? null],
    );
    return rows[0]!.due;
  };
