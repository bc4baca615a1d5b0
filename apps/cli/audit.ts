import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { factOf, splitStream, type Database } from '#kernel';
import { replayed, signHead, vkey, type Reader, type Scope, type SignerKey } from '#audit';
import { auditKey, policyFrom, receiptOf, witnessed } from '#apps/audit';
import { logger } from '#apps/compose';
import { readConfig } from '#apps/config';
import { openDeployment } from '#apps/deployment';
import { exportLog } from '#apps/export';
import { openEvidence } from '#apps/homes';
import { deciders } from '#apps/province';
import { Failure } from './failure.js';

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

const policyOf = (file: string | undefined, key: SignerKey) => policyFrom(key, file && readFileSync(file, 'utf8'));

export async function checkpoint({ policy }: { policy?: string }): Promise<void> {
  await opened(async ({ database }, config) => {
    await grown(database);
    const key = await auditKey(config);
    const signed = await signHead(database, key);
    const { note, refusals } = await witnessed(database, signed.size, policyOf(policy, key));
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
  options: { scope: Scope['kind']; id?: string; for?: Reader; policy?: string },
): Promise<void> {
  if ((options.scope === 'all') !== (options.id === undefined))
    throw new Failure('--id goes with every scope but "all".');
  const reader = options.for ?? (options.scope === 'agency' ? 'agency' : 'oversight');
  if (reader === 'agency' && options.scope !== 'agency') throw new Failure('--for agency goes with --scope agency.');
  if (existsSync(dir) && readdirSync(dir).length > 0) throw new Failure(`${dir} is not empty.`);
  const scope: Scope = { kind: options.scope, ...(options.id !== undefined && { id: options.id }) };
  await opened(async ({ database, store, vault }, config) => {
    await grown(database);
    const key = await auditKey(config);
    const evidence = await openEvidence(config, database);
    const policy = policyOf(options.policy, key);
    const written = await exportLog({ database, store, evidence, key, scope, reader, vault, policy, dir });
    for (const refusal of written.refusals) console.error(`not cosigned by ${refusal}`);
    console.log(`${written.entries} of ${written.size} entries in ${dir}. To verify them: node ${dir}/verify.mjs`);
    console.log(`The log's key, to be handed over on paper: ${vkey(key)}`);
  });
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
