import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { Evidence } from '#evidence';
import { createSql } from '#stores';
import { flowing } from '#apps/api/edge';
import { startApi } from '#test/kit/http';
import { testDatabase } from '#test/kit/postgres';

describe('a body that comes in pieces', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('is waited for as long as it keeps coming', async () => {
    async function* slow() {
      for (let n = 0; n < 20; n++) {
        await new Promise((resolve) => setTimeout(resolve, 25_000));
        yield new Uint8Array(1);
      }
    }
    const pieces: Uint8Array[] = [];
    const taken = (async () => {
      for await (const piece of flowing(slow(), 30_000)) pieces.push(piece);
    })();
    await jest.advanceTimersByTimeAsync(20 * 25_000);
    await taken;
    expect(pieces).toHaveLength(20);
  });

  it('and not when it stops', async () => {
    async function* stopping() {
      yield new Uint8Array(1);
      await new Promise(() => {});
    }
    const taken = (async () => {
      for await (const _ of flowing(stopping(), 30_000));
    })();
    const refused = expect(taken).rejects.toMatchObject({ status: 408, code: 'request-timeout' });
    await jest.advanceTimersByTimeAsync(30_000);
    await refused;
  });
});

describe('a sender that falls silent', () => {
  it.each([
    ['PUT', `/v1/evidence/${'a'.repeat(64)}`, 'application/pdf', '%PDF-'],
    ['POST', '/v1/case/c-1/OpenCase', 'application/json', '{ "unit": '],
  ])('is told so (408) and let go: %s %s', async (method, path, type, begins) => {
    const db = await testDatabase();
    const database = createSql(db.pool);
    const evidence = new Evidence(database);
    await evidence.prepare();
    const api = await startApi([], { database, evidence, bodyMs: 200 });
    try {
      await api.app.listen(0, '127.0.0.1');
      const socket = connect((api.app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
      const authorization = `Bearer ${await api.token('agency', { agency: 'gas' })}`;
      const headers = `Host: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: ${type}\r\nContent-Length: 1000`;
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
      socket.write(`${method} ${path} HTTP/1.1\r\n${headers}\r\n\r\n${begins}`);
      await once(socket, 'close');
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(answer).toContain('"code":"request-timeout"');
    } finally {
      await api.close();
      await db.close();
    }
  });
});
