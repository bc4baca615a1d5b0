import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pino from 'pino';
import {
  Checkpoints,
  comparePositions,
  Decide,
  DecideHandler,
  Loader,
  prepareProjections,
  StoreUnavailable,
  systemClock,
  Trouble,
  type Answer,
  type Asked,
  type Clock,
  type Database,
  type EventStore,
  type Log,
  type Order,
  type Projection,
} from '#kernel';
import { agendaFacts, merkleLog, Readers, readingsProjection } from '#audit';
import { NoticeSender, noticesProjection, smsGateway, smtpPost } from '#notices';
import { DEFAULT_CALENDAR } from '#directory';
import { newHolderTakesOver } from '#handovers';
import { deadlines } from '#resolutions';
import {
  createPool,
  createSql,
  migrate,
  openJobs,
  openSession,
  startEmbeddedPostgres,
  unavailable,
  type DatabaseAddress,
} from '#stores';
import { asking } from '#watches';
import { createApi } from '#apps/api/api.module';
import { hashKey, ownAuth, providerAuth, sessionKey, webhookSecret } from '#apps/api/auth';
import { feedQueries } from '#apps/api/calendar-feed';
import { documentQueries } from '#apps/api/documents';
import { subscribersRun } from '#apps/api/health.controller';
import { Imports } from '#apps/api/imports';
import { ProviderSignIn } from '#apps/api/oidc';
import { inDatabase, Sessions } from '#apps/api/sessions';
import type { WayIn } from '#apps/api/sign-in';
import { forgetKeyframes } from '#apps/api/keyframes';
import { FRAMES, Past } from '#apps/api/past';
import { whyQuery } from '#apps/api/why';
import { auditKey, policyFrom } from '#apps/audit';
import { BackupKeys } from '#apps/backup-keys';
import { ConfigError, projectRoot, type Config } from '#apps/config';
import { holidayWarnings } from '#apps/holidays';
import { openEvidence, openLog, queueHome } from '#apps/homes';
import { Metrics } from '#apps/metrics';
import { deciders, liveDeciders, policies } from '#apps/province';
import { allProjections, allQueries, recordProjections } from '#apps/read-models';
import { startTracing } from '#apps/tracing';
import { eraser } from '#apps/worker/eraser';
import { beacon } from '#apps/worker/beacon';
import { notary } from '#apps/worker/notary';
import { reached } from '#apps/worker/policies';
import { startWorker } from '#apps/worker/worker';

export const projections: readonly Projection[] = [
  ...allProjections,
  noticesProjection,
  agendaFacts,
  readingsProjection,
];

export interface Running {
  /** Where it answers: `http://127.0.0.1:3000`. Empty where there is no api. */
  url: string;
  store: EventStore;
  /** Waits until read models have seen the whole log. */
  caughtUp(): Promise<void>;
  /** Looks now for what is due and who is to be told, where there is a worker: the clock has jumped. */
  wake(): void;
  /** Waits until everybody was told who can be told now, or it is recorded that he was not. */
  told(): Promise<void>;
  /** Answers what is in hand, finishes the batch in hand, stops the embedded database. */
  close(): Promise<void>;
}

export const logger = ({ logLevel }: Pick<Config, 'logLevel'>) => pino({ level: logLevel }, pino.destination(2));

/** What runs in this process. A deployment has at least one of each; with a DATABASE_URL of its own, any number. */
export interface Parts {
  api: boolean;
  worker: boolean;
  /** Only tests have another. */
  clock?: Clock;
}

/** Api and worker in one process. */
export const compose = (config: Config, log: Log = logger(config), signIn?: WayIn): Promise<Running> =>
  composeParts({ api: true, worker: true }, config, log, signIn);

/**
 * The one place where the parts are put together: api and worker in one process or each in its own, on the embedded
 * PostgreSQL or on the one of DATABASE_URL, with the log and the queue there or in places of their own. It waits for
 * what does not answer yet. What was begun before something failed is closed again.
 */
export async function composeParts(parts: Parts, config: Config, log: Log, signIn?: WayIn): Promise<Running> {
  const closing: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const each of closing.splice(0).reverse()) {
      await each().catch((error: unknown) => log.error({ err: error }, 'while stopping'));
    }
  };
  const waiting = new Trouble(log, {});
  for (;;) {
    try {
      const built = await build(config, log, closing, parts, signIn);
      waiting.over('what this process needs is there');
      return { ...built, close };
    } catch (error) {
      await close();
      if (!(error instanceof StoreUnavailable)) throw error;
      waiting.begins(error, 'what this process needs does not answer yet; waiting for it');
      await sleep(TRY_EVERY_MS);
    }
  }
}

async function build(
  config: Config,
  log: Log,
  closing: (() => Promise<unknown>)[],
  { api, worker, clock = systemClock }: Parts,
  signIn?: WayIn,
): Promise<Omit<Running, 'close'>> {
  const { dataDir, province } = config;
  if (config.traces) closing.push(startTracing(config.traces, log));
  const address = await databaseOf(config, log, closing);
  const pool = createPool(address, { max: 16 });
  closing.push(() => pool.end());
  const database = createSql(pool);
  const metrics = new Metrics();
  const sealed = await openLog(config, pool, closing);
  const { vault } = sealed;
  const store = metrics.measured(sealed, (stream, { type, data, metadata: { correlationId } }, lateSeconds) => {
    const { obligation, rung, duty } = data;
    log.info({ correlationId, stream, type, obligation, rung, duty, lateSeconds }, 'a rung has fired');
  });

  const loader = new Loader(store);
  // What this process has read and keeps in memory, it forgets when it was erased, whichever process did that.
  const kept = [() => loader.forget()];
  const forget = () => kept.forEach((each) => each());
  let erasures = await vault.erasures();
  const looking = setInterval(() => {
    const look = async () => {
      const before = erasures;
      erasures = await vault.erasures();
      if (erasures !== before) forget();
    };
    look().catch(() => {}); // an outage is told by whoever needs the database
  }, FORGET_WITHIN_MS);
  closing.push(async () => clearInterval(looking));
  const imports = new Imports(database);
  await imports.prepare();
  const evidence = await openEvidence(config, database);
  const decide = {
    store,
    loader,
    clock,
    deciders: [...deciders, ...liveDeciders],
    province,
    key: await hashKey(dataDir, config.secret),
    importOpen: (id: string) => imports.isOpen(id),
    admit: (asked: Asked) => evidence.admit(asked),
  };
  const handler = new DecideHandler(decide);
  const send = (order: Order): Promise<Answer> => handler.execute(new Decide(order));

  const checkpoints = new Checkpoints(database);
  const logKey = await auditKey(config);
  const policy = policyFrom(logKey, config.witnessPolicy);
  const followers = [...projections, merkleLog(logKey)];
  const readers = new Readers(database, clock);
  const backupKeys = new BackupKeys(config.backupKeys);
  const handing = newHolderTakesOver({
    sql: database,
    reached: async (names, position) => {
      for (const name of names) await reached(checkpoints, name, position);
    },
  });
  const startWorking = async () => {
    const jobs = await openJobs(queueHome(config, address), log).catch((error: unknown) =>
      Promise.reject(unavailable(error) ?? error),
    );
    const started = await startWorker({
      store,
      database,
      checkpoints,
      clock,
      jobs,
      decide: send,
      reads: loader,
      policies: [...policies, handing],
      projections: followers,
      subscribers: [
        eraser({
          vault,
          store,
          checkpoints,
          projections,
          keys: backupKeys,
          forget,
          forgetKept: () => forgetKeyframes(database),
        }),
      ],
      log,
      openImports: () => imports.running(),
      // On the embedded database nobody else can hold a lease, so a restart after a crash waits for nobody.
      ...(!config.databaseUrl && { holder: 'embedded' }),
    }).catch(async (error: unknown) => {
      await jobs.close();
      throw error;
    });
    closing.push(() => started.stop());
    return { ...started, jobs };
  };
  const working = worker ? await startWorking() : undefined;
  // Reads find their tables, empty or old, before the first worker has come.
  if (!working) await prepareProjections([...followers, deadlines()], { checkpoints, log });

  const due = dueIn(database, store, checkpoints);
  const openImports = () => imports.running();
  const ask = asking({ sql: database, clock, reads: loader, province: DEFAULT_CALENDAR, openImports });
  const sender = new NoticeSender({
    sql: database,
    store,
    checkpoints,
    send,
    reads: loader,
    clock,
    contacts: config.contacts,
    post: config.smtp && smtpPost(config.smtp.url, config.smtp.from),
    sms: config.sms && smsGateway(config.sms.gateway, config.sms.secret),
    webhookSecret: (recipient, key) => webhookSecret(dataDir, recipient, key, config.secret),
    settling: async () => (await imports.running()).length > 0 || (await due()) > 0,
    ask,
    log,
  });
  if (worker) {
    const stopping = new AbortController();
    const sending = sender.run(stopping.signal);
    closing.push(() => (stopping.abort(), sending));
    const noting = readers.run(send, stopping.signal, log);
    closing.push(() => (stopping.abort(), noting));
    const signing = notary({ database, checkpoints, clock, key: logKey, policy, log }, stopping.signal);
    closing.push(() => (stopping.abort(), signing));
    const remind = async () => {
      await backupKeys.expire(clock.now());
      for (const warning of await holidayWarnings(database, clock.now())) log.warn({}, warning);
    };
    await remind();
    const daily = setInterval(() => void remind().catch(() => {}), 86_400_000);
    closing.push(async () => clearInterval(daily));
  }

  // What each process answers about itself.
  const told = {
    ready: { subscribers: subscribersRun(database, ['projections', 'deadlines', 'policies']) },
    watched: working && { queue: async () => working.jobs.counts?.() },
    metrics: () => metrics.text(store, { checkpoints, jobs: working?.jobs }),
  };
  if (config.metricsPort !== undefined) {
    const needed = { log: () => store.head(), database: () => database.query('select 1'), ...told.ready };
    const open = await beacon({ host: config.host, port: config.metricsPort, ...told, ready: needed });
    closing.push(() => open.close());
  }
  const provider = async (): Promise<WayIn | undefined> => {
    const { oidcIssuer: issuer, oidcClient, publicUrl } = config;
    if (!issuer || !oidcClient) return undefined;
    const sessions = new Sessions(await inDatabase(database));
    const key = await sessionKey(dataDir, config.secret);
    return new ProviderSignIn({ issuer, ...oidcClient, publicUrl, province, key, sessions });
  };
  const serve = async () => {
    const apart = createPool(address, { max: FRAMES + 1 });
    closing.push(() => apart.end());
    const past = new Past(store, clock, recordProjections, database, () => openSession(apart));
    past.keepAhead();
    closing.push(() => past.stop());
    kept.push(() => past.close());
    const app = await createApi({
      decide,
      auth: config.oidcIssuer
        ? providerAuth(config.oidcIssuer, province)
        : await ownAuth(dataDir, province, config.secret),
      signIn: signIn ?? (await provider()),
      web: join(projectRoot(), 'dist', 'web'),
      imports,
      evidence,
      readers,
      vault,
      database,
      checkpoints,
      reads: [...allQueries(), whyQuery(decide), ...documentQueries(decide), ...feedQueries(province)],
      past,
      proof: { key: logKey, policy },
      policies: {
        on: new Set(policies.flatMap(({ on }) => on)),
        passed: (at, ms) => checkpoints.waitFor(['policies'], at, ms),
      },
      ...told,
      hosts: config.hosts,
      logLevel: config.logLevel,
    });
    closing.push(() => closeServer(app));
    await app.listen(config.port, config.host).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EADDRNOTAVAIL' && error.code !== 'EACCES') throw error;
      throw new ConfigError(`Nothing can listen on ${config.host}:${config.port} (${error.code}); set HOST or PORT.`);
    });
    return (await app.getUrl()).replace('[::1]', 'localhost');
  };
  const caughtUp = async () => {
    const names = projections.map(({ name }) => name);
    const head = await store.head();
    while (!(await checkpoints.waitFor(names, head, 5_000)));
  };
  return {
    url: api ? await serve() : '',
    store,
    caughtUp,
    wake: () => (working?.wake(), sender.wake()),
    async told() {
      const waiting = async () => (await caughtUp(), await ask(), sender.wake(), await sender.hasWork());
      while ((await due()) > 0 || (await waiting())) await sleep(100);
    },
  };
}

/** Lets what is in hand be answered, within limits. */
async function closeServer(app: NestFastifyApplication): Promise<void> {
  const server = app.getHttpServer() as Server;
  // A connection that becomes idle only now would be kept for a next request that nobody answers.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const late = setTimeout(() => server.closeAllConnections(), ANSWER_MS);
  await app.close().finally(() => (clearInterval(idle), clearTimeout(late)));
}

/** How long a stop waits for answers in hand; the worker's batch and the connections need the rest of the ten seconds. */
const ANSWER_MS = 4_000;

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
  await migrate(databaseUrl);
  return databaseUrl;
}

const TRY_EVERY_MS = 1_000;
const FORGET_WITHIN_MS = 5_000;

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
