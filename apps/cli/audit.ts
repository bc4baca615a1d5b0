import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { hasTable, Refused, splitStream, systemClock, type Database } from '#kernel';
import { Readers, signHead, vkey, type Reader, type Scope, type SignerKey } from '#audit';
import { auditKey, policyFrom, receiptOf, witnessed } from '#apps/audit';
import { logger } from '#apps/compose';
import { readConfig, type Config } from '#apps/config';
import { openDeployment } from '#apps/deployment';
import { exportLog } from '#apps/export';
import { openEvidence } from '#apps/homes';
import { deciders } from '#apps/province';
import { provinceThen, Replay, resolutionsOf } from '#apps/replay';
import { Failure } from './failure.js';

type Opened = Awaited<ReturnType<typeof openDeployment>>;

async function opened<T>(work: (deployment: Opened, config: ReturnType<typeof readConfig>) => Promise<T>): Promise<T> {
  const config = readConfig({ LOG_LEVEL: 'error', ...process.env });
  const deployment = await openDeployment(config, logger(config));
  try {
    return await work(deployment, config);
  } catch (error) {
    // What is not there is for whoever asked.
    throw error instanceof Refused ? new Failure(error.message) : error;
  } finally {
    await deployment.close();
  }
}

async function grown(database: Database): Promise<void> {
  if (await hasTable(database, 'audit_head')) return;
  throw new Failure('There is no Merkle log yet: a worker makes it; start peygir once.');
}

/** The file of --policy, else the one that the deployment is configured with. */
const policyOf = (file: string | undefined, key: SignerKey, { witnessPolicy }: Config) =>
  policyFrom(key, file === undefined ? witnessPolicy : readFileSync(file, 'utf8'));

export async function checkpoint({ policy }: { policy?: string }): Promise<void> {
  await opened(async ({ database }, config) => {
    await grown(database);
    const key = await auditKey(config);
    const whom = policyOf(policy, key, config);
    const signed = await signHead(database, key);
    const { note, refusals } = await witnessed(database, signed.size, whom);
    process.stdout.write(note);
    console.error(`The log's key: ${vkey(key)}`);
    for (const refusal of refusals) console.error(`not cosigned by ${refusal}`);
    if (refusals.length > 0) process.exitCode = 1;
  });
}

export async function receipt(stream: string, revision: number, { purpose }: { purpose?: string }): Promise<void> {
  await opened(async ({ database, store }, config) => {
    await grown(database);
    await noted(database, `peygir receipt ${stream} ${revision}`, purpose);
    const event = (await store.readStream(stream)).find((each) => each.revision === revision);
    if (!event) throw new Failure(`There is no revision ${revision} of ${stream}.`);
    const policy = policyOf(undefined, await auditKey(config), config);
    const text = await receiptOf(database, event, { policy });
    if (!text) throw new Failure('It is in no checkpoint yet: run peygir checkpoint first.');
    process.stdout.write(text);
  });
}

export async function exportTo(
  dir: string,
  options: { scope: Scope['kind']; id?: string; for?: Reader; policy?: string; purpose?: string },
): Promise<void> {
  if ((options.scope === 'all') !== (options.id === undefined))
    throw new Failure('--id goes with every scope but "all".');
  const reader = options.for ?? (options.scope === 'agency' ? 'agency' : 'oversight');
  if (reader === 'agency' && options.scope !== 'agency') throw new Failure('--for agency goes with --scope agency.');
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new Failure(`${dir} is not empty.`);
  const scope: Scope = { kind: options.scope, ...(options.id !== undefined && { id: options.id }) };
  await opened(async ({ database, store, vault }, config) => {
    await grown(database);
    await noted(database, `peygir export --scope ${scope.kind}${scope.id ? ` --id ${scope.id}` : ''}`, options.purpose);
    const key = await auditKey(config);
    const evidence = await openEvidence(config, database);
    const policy = policyOf(options.policy, key, config);
    const written = await exportLog({ database, store, evidence, key, scope, reader, vault, policy, dir });
    for (const refusal of written.refusals) console.error(`not cosigned by ${refusal}`);
    console.log(`${written.entries} of ${written.size} entries in ${dir}. To verify them: node ${dir}/verify.mjs`);
    console.log(`The log's key, to be handed over on paper: ${vkey(key)}`);
  });
}

/** Whoever reads on the machine itself is recorded as whom the machine knows; a worker brings it into the log. */
async function noted(database: Database, what: string, purpose?: string): Promise<void> {
  if (!(await hasTable(database, 'audit_reads')))
    throw new Failure('Nobody could record who reads: a worker makes the tables; start peygir once.');
  await new Readers(database, systemClock).note({ id: `cli.${userInfo().username}`, role: 'admin' }, what, purpose);
}

export async function replay(
  stream: string,
  { linked, purpose, ...at }: { asOf?: string; validAt?: string; linked?: boolean; purpose?: string },
): Promise<void> {
  const print = (line: object) => console.log(JSON.stringify(line));
  await opened(async ({ database, store }) => {
    await noted(database, `peygir replay ${stream}${linked ? ' --linked' : ''} ${JSON.stringify(at)}`, purpose);
    if (stream === 'summary') return print({ ...at, ...(await provinceThen(database, at)) });
    const past = new Replay(store, deciders);
    const [aggregate, id] = splitStream(stream);
    if (linked && aggregate === 'agency') {
      return print({ ...at, ...(await past.agency(id, await resolutionsOf(database, id), at)) });
    }
    const found = linked ? await past.linked(stream, at) : [await past.stream(stream, at)];
    for (const { events } of found) events.forEach(print);
    for (const { stream: one, state } of found) print({ stream: one, ...at, state });
  });
}
