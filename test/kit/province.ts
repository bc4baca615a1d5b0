import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from '#apps/cli/load';
import { compose, type Running } from '#apps/compose';
import { issueToken } from '#apps/api/auth';
import type { Config } from '#apps/config';
import type { Role } from '#kernel';
import { PATIENCE_MS, silent } from './worker.js';
import { dataFolder } from './cli.js';
import { testDatabase } from './postgres.js';

/** Somebody with a token: a role, or a role with what belongs to it. */
export type Person = Role | { role: Role; agency?: string; unit?: string; sub?: string };

type Body = NonNullable<RequestInit['body']>;

export interface Answer {
  status: number;
  headers: Headers;
  body: any;
}

export interface Province {
  url: string;
  /** Sends a command: `does('secretary', 'case', 'c-1', 'OpenCase', { … })`. Fails when it is refused. */
  does(who: Person, aggregate: string, id: string, command: string, data?: object): Promise<any>;
  /** The same for a command that must be refused. @returns the code of the refusal */
  isRefused(who: Person, aggregate: string, id: string, command: string, data?: object): Promise<string>;
  /** What somebody reads once everything that was done so far is to be seen: `sees('unit', 'cases?limit=5')`. */
  sees(who: Person, path: string): Promise<any>;
  /** Any request, as it is; `path` below `/v1/`. */
  asks(who: Person, method: string, path: string, body?: Body, headers?: Record<string, string>): Promise<Answer>;
  /** Waits until policies have opened cases, issued resolutions, … and read models have seen it. */
  settles(): Promise<void>;
  /** Loads what happened earlier, as `peygir load` does. Fails when a line is refused. */
  remembers(lines: readonly object[]): Promise<void>;
  token(who: Person): Promise<string>;
  running: Running;
  /** With it another process can be started on the same database. */
  config: Config;
  close(): Promise<void>;
}

/** Everything that `peygir start` starts, on a fresh database and a free port. */
export async function aProvince(more: Partial<Config> = {}): Promise<Province> {
  const db = await testDatabase();
  const [dataDir, remove] = dataFolder();
  const config: Config = {
    province: 'IR-03',
    dataDir,
    backupKeys: join(dataDir, 'backup-keys'),
    databaseUrl: db.url,
    host: '127.0.0.1',
    port: 0,
    hosts: [],
    contacts: new Map(),
    evidenceMaxBytes: 1_000_000,
    logLevel: 'silent',
    ...more,
  };
  const running = await compose(config, silent);
  const token = (who: Person) => {
    const person = typeof who === 'string' ? { role: who } : who;
    return issueToken(dataDir, { sub: `${person.role}-1`, province: 'IR-03', ...person });
  };
  const asks: Province['asks'] = async (who, method, path, body, headers = {}) => {
    const response = await fetch(`${running.url}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await token(who)}`,
        ...(typeof body === 'string' && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body, duplex: 'half' }),
    } as RequestInit);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') && text !== '';
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  };
  const sends = (who: Person, aggregate: string, id: string, command: string, data: object = {}) =>
    asks(who, 'POST', `${aggregate}/${id}/${command}`, JSON.stringify(data));
  const settles = async () => {
    for (let before = ''; ;) {
      const head = await running.store.head();
      await running.caughtUp();
      if (head === before && (await running.store.head()) === head) return;
      before = head;
    }
  };
  return {
    url: running.url,
    running,
    config,
    token,
    asks,
    settles,
    async does(who, aggregate, id, command, data) {
      const { status, body } = await sends(who, aggregate, id, command, data);
      if (status !== 200) throw new Error(`${command} ${id}: ${status} ${body.code}: ${body.detail}`);
      return body;
    },
    async isRefused(who, aggregate, id, command, data) {
      const { status, body } = await sends(who, aggregate, id, command, data);
      if (status === 200) throw new Error(`${command} ${id} was not refused`);
      return body.code;
    },
    async remembers(lines) {
      const file = join(dataDir, 'remembered.ndjson');
      await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
      const { refused } = await load(file, { server: running.url, token: await token('registrar') });
      if (refused.length > 0) throw new Error(JSON.stringify(refused));
    },
    async sees(who, path) {
      await settles();
      const { status, body } = await asks(who, 'GET', path);
      if (status !== 200) throw new Error(`${path}: ${status} ${body.code}: ${body.detail}`);
      return body;
    },
    async close() {
      await running.close();
      await db.close();
      remove();
    },
  };
}

const WEEK = Object.fromEntries(['sat', 'sun', 'mon', 'tue', 'wed'].map((day) => [day, '07:30-14:30']));

/** The offices' calendar, three agencies and a working group with its first session, which is open. */
export async function withOffices({ does }: Province): Promise<void> {
  await does('admin', 'calendar', 'offices', 'DefineCalendar', {
    zone: 'Asia/Tehran',
    week: { ...WEEK, thu: null, fri: null },
    holidays: [],
    validFrom: '2026-03-21',
  });
  for (const [id, name, kind] of [
    ['gas', 'شرکت گاز', 'utility'],
    ['power', 'توزیع برق', 'utility'],
    ['bank', 'بانک', 'bank'],
  ]) {
    await does('admin', 'agency', id!, 'RegisterAgency', { name, kind });
  }
  await does('admin', 'workingGroup', 'facilitation', 'EstablishWorkingGroup', {
    name: 'کارگروه تسهیل',
    chair: 'governor',
    secretary: 'secretary',
  });
  await does('secretary', 'workingGroup', 'facilitation', 'ScheduleSession', { date: '2026-12-01' });
}

/** Session 1 adopts one resolution on `agency` and is signed, and the resolution is communicated: its clock runs. */
export async function withResolution(province: Province, agency = 'gas', more: object = {}): Promise<void> {
  const { does, settles } = province;
  await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance: ['استاندار', 'دبیر'] });
  await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
    text: 'شرکت گاز ظرف ده روز کاری گاز واحد را وصل کند.',
    legalBasis: 'ماده ۶۱',
    obligations: [{ id: 'o1', agency, action: 'وصل گاز', acceptance: 'صورتجلسهٔ تحویل', term: { workingDays: 10 } }],
    ...more,
  });
  await does('governor', 'session', 'facilitation-1', 'SignMinutes');
  await settles();
  await eventually(province, 'resolutions/facilitation-1-1');
  await does('secretary', 'resolution', 'facilitation-1-1', 'CommunicateResolution', { letterNumber: '۱۴۰۵/۱۲۳' });
}

/** Waits until there is something to see: what a policy brings comes a moment later. */
export async function eventually(
  { asks, settles }: Province,
  path: string,
  good: (body: any) => boolean = () => true,
): Promise<any> {
  for (const until = performance.now() + PATIENCE_MS; ;) {
    await settles();
    const { status, body } = await asks('governor', 'GET', path);
    if (status === 200 && good(body)) return body;
    if (performance.now() > until) throw new Error(`waited for ${path}: ${status} ${JSON.stringify(body)}`);
  }
}
