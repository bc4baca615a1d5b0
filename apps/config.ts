import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bucket } from '#evidence';
import { parsePolicy } from '#audit';
import type { Collector } from '#apps/tracing';
import { contactsFrom, gatewayFrom, type Contacts, type GatewayConfig } from '#notices';

/** How a deployment is set up. Everything comes from the environment; see the table in README. */
export interface Config {
  province: string;
  /** Keys, and the embedded database. Absolute. */
  dataDir: string;
  /** Absent: the embedded PostgreSQL in `dataDir`. */
  databaseUrl?: string;
  /** Where the log is, when not in the database: another PostgreSQL, or an EventStoreDB. */
  eventStoreUrl?: string;
  /** Where the queue is, when not in the database. */
  redisUrl?: string;
  /** What all nodes of a deployment make their keys of. Absent: keys in `dataDir`. */
  secret?: string;
  /** Keys of what is sealed in backups, and what was erased since they were taken. Absolute. */
  backupKeys: string;
  host: string;
  /** 0: any free one. */
  port: number;
  /** Where /health and /metrics are answered besides, for a worker that has no api and for those who scrape inside. */
  metricsPort?: number;
  /** Where traces go; absent: nowhere. */
  traces?: Collector;
  /** Names in the Host header that are answered beside the loopback ones. */
  hosts: readonly string[];
  smtp?: { url: string; from: string };
  sms?: { gateway: GatewayConfig; secret?: string };
  contacts: Contacts;
  oidcIssuer?: string;
  /** With it people sign in with a browser at the identity provider; without a secret it is a public client. */
  oidcClient?: { clientId: string; clientSecret?: string };
  /** How browsers reach this server, where a proxy stands between. */
  publicUrl?: string;
  /** The largest file that is taken as evidence. */
  evidenceMaxBytes: number;
  /** Where the bytes of evidence are, when not in the database. */
  evidenceBucket?: Bucket;
  /** Who cosigns the log's checkpoints (c2sp.org/tlog-policy), as it is written. */
  witnessPolicy?: string;
  logLevel: string;
}

/** Everything that is wrong with the environment, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];

/** The project's folder, found from where the code lies, so that nothing depends on the current folder. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/**
 * `.data` beside the code. Started by root, PostgreSQL runs as somebody else, who may not be able to enter the folders
 * on the way (a checkout below /root): then a folder of this checkout's own in /var/lib.
 */
export function defaultDataDir(root = projectRoot(), asRoot = process.getuid?.() === 0): string {
  for (let folder = root; asRoot; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) {
      return `/var/lib/peygir-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
    }
    if (folder === dirname(folder)) break;
  }
  return join(root, '.data');
}

/** @throws ConfigError */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const wrong: string[] = [];
  // An empty variable is one that was not set: compose files and shells leave such behind.
  const given = (name: string): string | undefined => env[name]?.trim() || undefined;
  // What is secret need not stand in the environment, where whoever inspects a container reads it: NAME_FILE says where it is.
  const get = (name: string): string | undefined => {
    const file = given(`${name}_FILE`);
    if (!file) return given(name);
    const refused = (why: string) => void wrong.push(`${name}_FILE ${why}`);
    if (given(name)) return refused(`cannot be used together with ${name}`);
    try {
      return readFileSync(file, 'utf8').trim() || refused('names an empty file');
    } catch (error) {
      return refused(`names a file that cannot be read: ${(error as Error).message}`);
    }
  };
  const check = (name: string, good: (value: string) => boolean, should: string, otherwise?: string) => {
    const value = get(name) ?? otherwise;
    if (value !== undefined && !good(value)) {
      wrong.push(`${name} ${should}${name === 'PEYGIR_SECRET' ? '' : `; it is "${hidden(value)}"`}`);
    }
    return value;
  };
  const url = (name: string, ...protocols: string[]) =>
    check(
      name,
      // Not by URL: a list of cluster nodes is none, nor is a socket without a host.
      (value) => protocols.some((protocol) => value.startsWith(`${protocol}://`) && !/\s/.test(value)),
      `must be a URL that begins with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
    );

  const readFile = <T>(name: string, read: (text: string, file: string) => T): T | undefined => {
    const file = get(name);
    try {
      return file === undefined ? undefined : read(readFileSync(file, 'utf8'), file);
    } catch (error) {
      return void wrong.push(`${name}: ${(error as Error).message}`);
    }
  };
  const readJson = <T>(name: string, read: (value: unknown, file: string) => T): T | undefined =>
    readFile(name, (text, file) => read(JSON.parse(text), file));

  const smtpUrl = url('SMTP_URL', 'smtp', 'smtps');
  const from = check('SMTP_FROM', (value) => !/[\r\n]/.test(value) && value.includes('@'), 'must be an e-mail address');
  if (smtpUrl && !from) wrong.push('SMTP_FROM must name the sender when SMTP_URL is set, such as peygir@example.ir');
  const gateway = readJson('SMS_GATEWAY', gatewayFrom);
  const data = get('PEYGIR_DATA');
  if (data && !isAbsolute(data)) wrong.push(`PEYGIR_DATA must be an absolute path; it is "${data}"`);
  const backupKeys = check('BACKUP_KEYS', isAbsolute, 'must be an absolute path');
  const port = (name: string, otherwise?: string) =>
    check(name, (value) => /^\d{1,5}$/.test(value) && Number(value) < 65_536, 'must be 0 to 65535', otherwise);
  const metricsPort = port('METRICS_PORT');
  const dataDir = data ? resolve(data) : defaultDataDir();
  const evidenceUrl = check(
    'EVIDENCE_URL',
    (value) => /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[\w-][\w.-]*)*\/?$/.test(value),
    'must be like s3://bucket/prefix',
  );
  const region = check(
    'AWS_REGION',
    (value) => /^[\w-]{1,40}$/.test(value),
    'must be the name of a region',
    'us-east-1',
  )!;
  const bucket: Omit<Bucket, 'bucket' | 'prefix'> = {
    endpoint: url('AWS_ENDPOINT_URL', 'https', 'http') ?? `https://s3.${region}.amazonaws.com`,
    region,
    accessKeyId: get('AWS_ACCESS_KEY_ID') ?? '',
    secretAccessKey: get('AWS_SECRET_ACCESS_KEY') ?? '',
  };
  if (evidenceUrl && !(bucket.accessKeyId && bucket.secretAccessKey)) {
    wrong.push('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set when EVIDENCE_URL is');
  }
  const [, , name = '', ...prefix] = evidenceUrl?.split('/') ?? [];
  const oidcIssuer = url('OIDC_ISSUER', 'https', 'http');
  const clientId = get('OIDC_CLIENT_ID');
  const clientSecret = get('OIDC_CLIENT_SECRET');
  if (clientId && !oidcIssuer) wrong.push('OIDC_CLIENT_ID is of no use without OIDC_ISSUER');
  if (clientSecret && !clientId) wrong.push('OIDC_CLIENT_SECRET is of no use without OIDC_CLIENT_ID');
  const publicUrl = check(
    'PUBLIC_URL',
    (value) => /^https?:\/\/[^/?#\s]+\/?$/.test(value) && URL.canParse(value),
    'must be how browsers reach this server, without a path, such as https://peygir.example.ir',
  );
  const named = publicUrl && URL.canParse(publicUrl) ? [new URL(publicUrl).hostname] : [];
  const collector = url('OTEL_EXPORTER_OTLP_ENDPOINT', 'http', 'https');
  const config: Config = {
    province: check('PEYGIR_PROVINCE', (value) => /^IR-\d\d$/.test(value), 'must be like IR-03', 'IR-03')!,
    dataDir,
    backupKeys: backupKeys ?? join(dataDir, 'backup-keys'),
    databaseUrl: url('DATABASE_URL', 'postgres', 'postgresql'),
    eventStoreUrl: url('EVENT_STORE_URL', 'postgres', 'postgresql', 'esdb', 'esdb+discover'),
    redisUrl: url('REDIS_URL', 'redis', 'rediss'),
    secret: check('PEYGIR_SECRET', (value) => value.length >= 32, 'must have 32 characters or more'),
    host: check('HOST', (value) => /^[\w.:-]+$/.test(value), 'must be an address to listen on', '127.0.0.1')!,
    port: Number(port('PORT', '3000')),
    ...(metricsPort !== undefined && { metricsPort: Number(metricsPort) }),
    ...(collector && {
      traces: {
        endpoint: collector,
        headers: get('OTEL_EXPORTER_OTLP_HEADERS'),
        service: get('OTEL_SERVICE_NAME') ?? 'peygir',
      },
    }),
    hosts: [
      ...named,
      ...(get('PEYGIR_HOSTS')
        ?.split(',')
        .map((name) => name.trim()) ?? []),
    ],
    ...(smtpUrl && from && { smtp: { url: smtpUrl, from } }),
    ...(gateway && { sms: { gateway, secret: get('SMS_SECRET') } }),
    contacts: readJson('PEYGIR_CONTACTS', contactsFrom) ?? new Map(),
    oidcIssuer,
    ...(clientId && { oidcClient: { clientId, ...(clientSecret && { clientSecret }) } }),
    ...(publicUrl && { publicUrl }),
    evidenceMaxBytes:
      1e6 * Number(check('EVIDENCE_MAX_MB', (value) => /^([1-9]|[1-9]\d|100)$/.test(value), 'must be 1 to 100', '25')),
    ...(evidenceUrl && { evidenceBucket: { ...bucket, bucket: name, prefix: prefix.filter(Boolean).join('/') } }),
    witnessPolicy: readFile('WITNESS_POLICY', (text) => (parsePolicy(text), text)),
    logLevel: check(
      'LOG_LEVEL',
      (value) => LOG_LEVELS.includes(value),
      `must be one of ${LOG_LEVELS.join(', ')}`,
      'info',
    )!,
  };
  if (wrong.length > 0) throw new ConfigError(`The configuration is not usable:\n  - ${wrong.join('\n  - ')}`);
  return config;
}

/** A password in a URL is not for the screen. */
const hidden = (value: string): string => value.replace(/\/\/[^@/]*@/, '//…@');
