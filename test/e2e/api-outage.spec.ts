import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, createSql, migrate, PostgresEventStore, startEmbeddedPostgres } from '#stores';
import { deciders } from '#apps/province';
import { startApi } from '#test/kit/http';

/** A server of its own, because it is stopped under the feet of the process. */
it('a database that is down gives 503, and all is well by itself when it is back', async () => {
  const folder = join(tmpdir(), `peygir-outage-${randomUUID()}`);
  const settings = { fsync: 'off' };
  let server = await startEmbeddedPostgres(folder, { settings });
  await migrate(server.connection);
  const pool = createPool(server.connection);
  const api = await startApi(deciders, { store: new PostgresEventStore(pool), database: createSql(pool) });
  const open = (key: string) =>
    api.as(
      'expert',
      'POST',
      '/v1/case/c-1/OpenCase',
      { channel: 'desk', category: 'export', title: 'صادرات', statement: 'راه بسته است' },
      { 'idempotency-key': key },
    );
  const ready = async () => (await api.app.inject('/health/ready')).statusCode;
  try {
    const first = await open('k-1');
    expect(first.status).toBe(200);
    expect(await ready()).toBe(200);

    await server.stop();
    expect(await open('k-2')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'content-type': expect.stringContaining('application/problem+json') },
      body: { code: 'store-unavailable' },
    });
    const { statusCode, payload } = await api.app.inject('/health/ready');
    expect({ statusCode, ...JSON.parse(payload) }).toMatchObject({
      statusCode: 503,
      code: 'not-ready',
      checks: { log: 'failing', database: 'failing' },
    });
    expect((await api.app.inject('/health/live')).statusCode).toBe(200);

    server = await startEmbeddedPostgres(folder, { settings });
    expect(await open('k-1')).toMatchObject({ status: 200, body: first.body });
    expect(await ready()).toBe(200);
  } finally {
    await api.close();
    await pool.end();
    await server.stop();
    await rm(folder, { recursive: true });
  }
});
