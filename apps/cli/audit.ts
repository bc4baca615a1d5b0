import { mkdirSync, readdirSync, readFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEGINNING, factOf, splitStream, type Database, type EventStore, type RecordedEvent } from '#kernel';
import { parsePolicy, readCheckpoints, replayed, signHead, vkey, writeExport, type Policy, type Scope } from '#audit';
import { auditKey, claimed, receiptOf, witnessed } from '#apps/audit';
import { logger } from '#apps/compose';
import { readConfig } from '#apps/config';
import { openDeployment } from '#apps/deployment';
import { deciders } from '#apps/province';
import { verifiers } from '#apps/verifier/bundle';
import { openEvidence } from '#apps/homes';
import { Failure } from './failure.js';
import { FORMAT } from './format.js';

type Opened = Awaited<ReturnType<typeof openDeployment>>;

async function opened<T>(work: (deployment: Opened, config: ReturnType<typeof readConfig>) => Promise<T>): Promise<T> {
  const config = readConfig({ LOG_LEVEL: 'error', ...process.env });
  const deployment = await openDeployment(config, logger(config));
  try {
    return await work(deployment, config);
  } finally {
    await deployment.close();
  }
}

async function grown(database: Database): Promise<void> {
  const { rows } = await database.query(`select to_regclass('audit_head') as there`);
  if (!rows[0].there) throw new Failure('There is no Merkle log yet: a worker makes it; start peygir once.');
}

const policyOf = (
  file: string | undefined,
  key: Awaited<ReturnType<typeof auditKey>>,
): { text: string; policy: Policy } => {
  const text = file ? readFileSync(file, 'utf8') : `log ${vkey(key)}\nquorum none\n`;
  return { text, policy: parsePolicy(text) };
};

export async function checkpoint({ policy }: { policy?: string }): Promise<void> {
  await opened(async ({ database }, config) => {
    await grown(database);
    const key = await auditKey(config);
    const signed = await signHead(database, key);
    const { note, refusals } = await witnessed(database, signed.size, policyOf(policy, key).policy);
    process.stdout.write(note);
    console.error(`The log's key: ${vkey(key)}`);
    for (const refusal of refusals) console.error(`not cosigned by ${refusal}`);
    if (refusals.length > 0) process.exitCode = 1;
  });
}

export async function receipt(stream: string, revision: number): Promise<void> {
  await opened(async ({ database, store }) => {
    await grown(database);
    const event = (await store.readStream(stream)).find((each) => each.revision === revision);
    if (!event) throw new Failure(`There is no revision ${revision} of ${stream}.`);
    const text = await receiptOf(database, event);
    if (!text) throw new Failure('It is in no checkpoint yet: run peygir checkpoint first.');
    process.stdout.write(text);
  });
}

export async function exportTo(
  dir: string,
  options: { scope: Scope['kind']; id?: string; policy?: string },
): Promise<void> {
  if ((options.scope === 'all') !== (options.id === undefined))
    throw new Failure('--id goes with every scope but "all".');
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new Failure(`${dir} is not empty.`);
  const scope: Scope = { kind: options.scope, ...(options.id !== undefined && { id: options.id }) };
  await opened(async ({ database, store }, config) => {
    await grown(database);
    const key = await auditKey(config);
    const { text, policy } = policyOf(options.policy, key);
    const { checkpoint: signed, claims } = await snapshot(database, key);
    const { note, refusals } = await witnessed(database, signed.size, policy);
    for (const refusal of refusals) console.error(`not cosigned by ${refusal}`);
    const evidence = await openEvidence(config, database);
    mkdirSync(dir, { recursive: true });
    const { script, page } = await verifiers();
    const written = await writeExport(dir, {
      scope,
      events: () => eventsOf(store),
      checkpoint: note,
      kept: (await readCheckpoints(database, 0, signed.size)).map((each) => each.note),
      policy: text,
      claims: (streams) => claims(streams, scope.kind === 'all'),
      evidence: async (sha256) => {
        if (!(await evidence.find(sha256))) return undefined;
        const pieces: Uint8Array[] = [];
        for await (const piece of await evidence.read(sha256)) pieces.push(piece);
        return Buffer.concat(pieces);
      },
      files: { 'verify.mjs': script, 'verify.html': page, 'FORMAT.md': FORMAT },
    });
    console.log(`${written.entries} of ${written.size} entries in ${dir}. To verify them: node ${dir}/verify.mjs`);
    console.log(`The log's key, to be handed over on paper: ${vkey(key)}`);
  });
}

/** Read models and Merkle log are moved by one commit, so they stand at one position, unless one has fallen behind. */
async function snapshot(database: Database, key: Awaited<ReturnType<typeof auditKey>>) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await claimed(database, (sql) => signHead(sql, key, 'export'));
    if (found.together) return found;
    await sleep(100);
  }
  throw new Failure(
    'The read models do not keep up with the log, so there are no numbers to claim; see peygir doctor.',
  );
}

async function* eventsOf(store: EventStore): AsyncIterable<RecordedEvent> {
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, 1_000);
    if (events.length === 0) return;
    yield* events;
    after = position;
  }
}

export async function replay(stream: string, at: { asOf?: string; validAt?: string }): Promise<void> {
  await opened(async ({ store }) => {
    const events = replayed(await store.readStream(stream), at);
    const decider = deciders.find(({ aggregate }) => aggregate === splitStream(stream)[0]);
    if (!decider || events.length === 0) throw new Failure(`There was no stream "${stream}" then.`);
    for (const event of events) console.log(JSON.stringify(event));
    const state = events.reduce((before, event) => decider.evolve(before, factOf(event), event), decider.initial);
    console.log(JSON.stringify({ stream, ...at, state }));
  });
}
