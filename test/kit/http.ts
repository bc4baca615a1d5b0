import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Checkpoints, Loader, systemClock, type AnyDecider, type Database, type EventStore, type Role } from '#kernel';
import { MemoryEventStore } from '#stores';
import type { ApiDeps } from '#apps/api/api';
import { createApi } from '#apps/api/api.module';
import { issueToken, ownAuth, type Claims } from '#apps/api/auth';
import type { EdgeOptions } from '#apps/api/edge';
import { Imports } from '#apps/api/imports';

export const PROVINCE = 'IR-03';

export interface TestApi {
  app: NestFastifyApplication;
  deps: ApiDeps;
  dataDir: string;
  token(role: Role, rest?: Partial<Claims>): Promise<string>;
  /** A request with the token of a role; `url` below the root. */
  as(role: Role, method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  body: any;
}

/** Where a test has no database, asking one is a fault of the test. */
const NO_DATABASE: Database = {
  query: () => Promise.reject(new Error('this test has no database')),
  transaction: () => Promise.reject(new Error('this test has no database')),
};

/** The HTTP side on a log in memory, unless told otherwise, with tokens of its own key in a directory of its own. */
export async function startApi(
  deciders: readonly AnyDecider[],
  {
    store = new MemoryEventStore({ clock: systemClock }),
    database = NO_DATABASE,
    ...rest
  }: { store?: EventStore; database?: Database } & Partial<ApiDeps & EdgeOptions> = {},
): Promise<TestApi> {
  const dataDir = await mkdtemp(join(tmpdir(), 'peygir-api-'));
  const imports = new Imports(database);
  const deps = {
    auth: await ownAuth(dataDir, PROVINCE),
    imports,
    database,
    checkpoints: new Checkpoints(database),
    reads: [],
    logLevel: 'silent',
    ...rest,
    decide: {
      store,
      loader: new Loader(store),
      clock: systemClock,
      deciders,
      province: PROVINCE,
      key: 'key of this test',
      importOpen: (id: string) => imports.isOpen(id),
      ...rest.decide,
    },
  };
  const app = await createApi(deps);
  const token = (role: Role, more: Partial<Claims> = {}) =>
    issueToken(dataDir, { sub: `${role}-1`, role, province: PROVINCE, ...more }, 60);
  return {
    app,
    deps,
    dataDir,
    token,
    async as(role, method, url, body, headers = {}) {
      const own = role === 'agency' ? { agency: 'gas' } : role === 'unit' ? { unit: 'u-1' } : {};
      const response = await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${await token(role, own)}`, ...headers },
        ...(body !== undefined && { payload: body as object }),
      });
      return { status: response.statusCode, headers: response.headers, body: bodyOf(response.payload) };
    },
    async close() {
      await app.close();
      await store.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** JSON as what it says; NDJSON and pages as text. */
export function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
