import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { IsInt, IsOptional, Max } from 'class-validator';
import { Id, ListOf, Refused, StoreUnavailable, systemClock, Text, type AnyDecider } from '#kernel';
import { MemoryEventStore } from '#stores';
import { bodyOf, startApi, type TestApi } from '#test/kit/http';

class Page {
  @Text(100) title!: string;
}
class WriteNote {
  @Text(2_000_000) text!: string;
  @IsOptional() @IsInt() @Max(9) stars?: number;
  @IsOptional() @Id() about?: string;
  @IsOptional() @ListOf(() => Page) pages?: Page[];
}
class NoBody {}

/** A decider small enough to see through: what is tested here is the edge and not the domain. */
const note: AnyDecider<string[]> = {
  aggregate: 'note',
  initial: [],
  evolve: (state, fact) => [...state, fact.data.text],
  commands: {
    WriteNote: {
      data: WriteNote,
      roles: ['secretary', 'registrar'],
      lateTruth: true,
      decide: ({ data }) => [{ type: 'NoteWritten', data: { ...data } }],
    },
    TearNote: {
      data: NoBody,
      roles: ['secretary'],
      decide() {
        throw new Refused('not-paper', 'It cannot be torn.');
      },
    },
    BreakNote: {
      data: NoBody,
      roles: ['secretary'],
      decide() {
        throw new TypeError('secret detail of the inside');
      },
    },
  },
};

describe('the edge', () => {
  let api: TestApi;
  beforeAll(async () => void (api = await startApi([note])));
  afterAll(() => api.close());

  const post = (url: string, body: unknown, headers = {}) => api.as('secretary', 'POST', url, body, headers);
  const write = (id: string, body: unknown = { text: 'a' }, headers = {}) =>
    post(`/v1/note/${id}/WriteNote`, body, headers);
  /** A body exactly as it is, without a client that mends it. */
  const raw = async (
    payload: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => {
    const authorization = `Bearer ${await api.token('secretary')}`;
    const response = await api.app.inject({
      method: 'POST',
      url: '/v1/note/raw/WriteNote',
      payload,
      headers: { authorization, ...headers },
    });
    return { status: response.statusCode, headers: response.headers, body: bodyOf(response.payload) };
  };

  describe('a command', () => {
    it('is answered with what it did', async () => {
      const { status, body, headers } = await write('n-1', { text: 'گاز' }, { 'x-correlation-id': 'c-7' });
      expect(status).toBe(200);
      expect(body).toEqual({
        stream: 'note-n-1',
        revision: 0,
        position: expect.stringMatching(/^\d+$/),
        events: [{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), type: 'NoteWritten' }],
      });
      expect(headers).toMatchObject({ etag: '"0"', 'x-correlation-id': 'c-7', 'x-content-type-options': 'nosniff' });
      const [event] = await api.deps.decide.store.readStream('note-n-1');
      expect(event).toMatchObject({
        data: { text: 'گاز' },
        metadata: { correlationId: 'c-7', province: 'IR-03', actor: { id: 'secretary-1', role: 'secretary' } },
      });
    });

    it('with the same key and body gets the same answer, and happens once', async () => {
      const key = { 'idempotency-key': 'k-1' };
      const first = await write('n-2', { text: 'once' }, key);
      await write('n-2', { text: 'between' });
      expect(await write('n-2', { text: 'once' }, key)).toMatchObject({ status: 200, body: first.body });
      expect(await write('n-2', { text: 'other' }, key)).toMatchObject({
        status: 422,
        body: { code: 'idempotency-key-reused' },
      });
      expect(await api.deps.decide.store.readStream('note-n-2')).toHaveLength(2);
    });

    it('sent a hundred times at once happens once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => write('n-3', { text: 'x' }, { 'idempotency-key': 'k' })),
      );
      expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body])))).toHaveProperty('size', 1);
      expect(answers[0]).toMatchObject({ status: 200, body: { revision: 0 } });
    });

    it.each([
      ['"0"', 200],
      ['0', 412],
      ['"1"', 200],
      ['-1', 412],
      ['W/"1"', 400],
      ['*', 400],
      ['1.5', 400],
    ])('with If-Match %s: %d', async (match, status) => {
      if (match === '"0"') await write('n-4');
      const answer = await write('n-4', { text: 'b' }, { 'if-match': match });
      expect(answer.status).toBe(status);
      if (status !== 200) expect(answer.body.code).toBe(status === 412 ? 'revision-mismatch' : 'invalid');
    });

    it('may be dated earlier by the registrar, with a document', async () => {
      await api.as('registrar', 'POST', '/v1/note/n-5/WriteNote', { text: 'a' });
      const date = { 'occurred-at': new Date(Date.now() + 60_000).toISOString(), document: 'نامه ۱۲' };
      const dated = (headers: Record<string, string>, role: 'registrar' | 'secretary' = 'registrar') =>
        api.as(role, 'POST', '/v1/note/n-5/WriteNote', { text: 'late' }, headers);
      expect(await dated({ 'occurred-at': '2026-02-30T09:00:00Z', document: 'd' })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'Occurred-At' }] },
      });
      expect(await dated({ 'occurred-at': '2026-08-25' })).toMatchObject({ status: 400 });
      expect(await dated({ 'occurred-at': '2026-08-25T09:00:00+03:30' })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'document' }] },
      });
      expect(await dated({ ...date, document: encodeURIComponent(date.document) }, 'secretary')).toMatchObject({
        status: 403,
      });
    });

    it.each(['', '  ', 'a b', 'x'.repeat(201)])('with the key "%s" is malformed', async (key) => {
      expect(await write('n-6', { text: 'a' }, { 'idempotency-key': key })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'Idempotency-Key' }] },
      });
    });

    it('that is refused says why, by its code', async () => {
      const { status, body, headers } = await post('/v1/note/n-7/TearNote', undefined);
      expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect({ status, body }).toEqual({
        status: 422,
        body: {
          type: 'about:blank',
          title: 'Unprocessable Entity',
          status: 422,
          code: 'not-paper',
          detail: 'It cannot be torn.',
          correlationId: headers['x-correlation-id'],
        },
      });
    });
  });

  describe('bad input', () => {
    it.each([
      '/v1/note/x/NoCommand',
      '/v1/nothing/x/WriteNote',
      '/v1/note/x/toString',
      '/v1/__proto__/x/constructor',
      '/v1/imports/x/WriteNote',
    ])('unknown command %s: 404', async (url) =>
      expect(await post(url, {})).toMatchObject({ status: 404, body: { code: 'unknown-command' } }),
    );

    it.each(['/nowhere', '/v1/note', '/v1/note/x/WriteNote/more', '/v1', '/'])(
      'unknown route %s: 404, also without a token',
      async (url) => {
        const { statusCode, headers, payload } = await api.app.inject({ url });
        expect(statusCode).toBe(404);
        expect(headers['content-type']).toMatch('application/problem+json');
        expect(JSON.parse(payload)).toMatchObject({ code: 'not-found', status: 404 });
      },
    );

    it('names every wrong field at once, and every field too many', async () => {
      const { status, body } = await write('n-8', {
        stars: 10,
        about: 'a b',
        pages: [{ title: 'ok' }, { title: 1 }, { size: 3 }],
        more: true,
      });
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid' });
      expect(new Set(body.errors.map(({ path }: { path: string }) => path))).toEqual(
        new Set(['text', 'stars', 'about', 'pages[1].title', 'pages[2].title', 'pages[2].size', 'more']),
      );
      expect(body.errors.every(({ reason }: { reason: string }) => reason.length > 5)).toBe(true);
    });

    it.each([[[]], ['"text"'], ['5'], ['null'], ['true']])('a body that is no object (%j): 400', async (body) => {
      expect(await raw(typeof body === 'string' ? body : JSON.stringify(body))).toMatchObject({
        status: 400,
        body: { code: 'invalid' },
      });
    });

    it.each([
      ['{"text":"a\\u0000b"}', 'text'],
      ['{"text":"a\\ud800"}', 'text'],
      ['{"text":"a","pages":[{"title":"\\udc00"}]}', 'pages[0].title'],
    ])('%s: 400', async (body, path) => {
      expect(await raw(body)).toMatchObject({ status: 400, body: { code: 'invalid', errors: [{ path }] } });
    });

    it.each([
      ['{"text": "a",\n "stars": }', 'line 2, column 11'],
      ['{"text": "a"', 'line 1, column 13'],
      ['{text: 1}', 'line 1, column 2'],
      ['{"text": "a",}', 'line 1, column 14'],
    ])('JSON that is none names the place: %s', async (body, place) => {
      const answer = await raw(body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
      expect(answer.body).toHaveProperty('detail', expect.stringContaining(place));
    });

    it.each([
      ['a poisoned prototype', '{"text":"a","__proto__":{"admin":true}}'],
      ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
      ['brackets without end', '['.repeat(500_000)],
      ['nesting without end', `${'{"text":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ])('%s: 400', async (_, body) => expect(await raw(body)).toMatchObject({ status: 400, body: { code: 'invalid' } }));

    it('a body over 1 MiB: 413; one too large for an event: 400', async () => {
      expect(await write('n-9', { text: 'x'.repeat(1024 * 1024) })).toMatchObject({
        status: 413,
        body: { code: 'too-large' },
      });
      expect(await write('n-9', { text: 'x'.repeat(49 * 1024) })).toMatchObject({
        status: 400,
        body: { code: 'invalid' },
      });
    });

    it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense'])(
      '%s: 415',
      async (type) => {
        expect(await raw('{"text":"a"}', { 'content-type': type })).toMatchObject({
          status: 415,
          body: { code: 'unsupported-media-type' },
        });
      },
    );

    it.each(['a b', 'ا', 'a/b', 'x'.repeat(101), 'a\u0000'])('the id "%s": 400', async (id) => {
      expect(await write(encodeURIComponent(id))).toMatchObject({ status: 400, body: { errors: [{ path: 'id' }] } });
    });

    it.each(['/v1/note/%zz/WriteNote', '/v1/%ff/x/y'])('the address %s: a problem and no more', async (url) => {
      const { status, headers, body } = await post(url, {});
      expect(status).toBe(400);
      expect(headers['content-type']).toMatch('application/problem+json');
      expect(body).toMatchObject({ code: 'invalid' });
    });

    it('a fault of our own: 500 without a word of the inside', async () => {
      const { status, body } = await post('/v1/note/n-1/BreakNote', {});
      expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal' });
      expect(JSON.stringify(body)).not.toMatch(/secret|TypeError|\.ts/);
    });
  });

  describe('on a socket', () => {
    let port: number;
    beforeAll(async () => {
      await api.app.listen(0, '127.0.0.1');
      port = (api.app.getHttpServer().address() as AddressInfo).port;
    });

    it.each([
      ['localhost', 200],
      ['127.0.0.1:8080', 200],
      ['[::1]:80', 200],
      ['LOCALHOST', 200],
      ['evil.example', 403],
      ['localhost.evil.example', 403],
      ['127.0.0.1.evil.example:80', 403],
      ['', 403],
    ])('the Host "%s": %d', async (host, status) => {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET /health/live HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      await once(socket, 'close');
      expect(text).toContain(`HTTP/1.1 ${status} `);
      if (status === 403) expect(text).toContain('"code":"host-not-allowed"');
    });

    it.each([
      ['what is no HTTP', 'FOO / HTTP/1.1\r\n\r\n', 400],
      ['headers without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ])('answers %s with a problem, too', async (_, request, status) => {
      const socket = connect((api.app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString())).on('error', () => {});
      socket.write(request);
      await once(socket, 'close');
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*application/problem\\+json`));
      expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ status, code: expect.any(String) });
    });

    it('is heard on this machine only', () => {
      expect((api.app.getHttpServer().address() as AddressInfo).address).toBe('127.0.0.1');
    });

    it('takes a command', async () => {
      const response = await fetch(`http://localhost:${port}/v1/note/socket/WriteNote`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await api.token('secretary')}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text: 'a' }),
      });
      expect(response.status).toBe(200);
    });
  });

  describe('/docs', () => {
    it('describes every command with its fields', async () => {
      const { paths, components } = (await api.app.inject('/docs-json')).json();
      expect(Object.keys(paths)).toEqual(
        expect.arrayContaining(['/v1/note/{id}/WriteNote', '/v1/note/{id}/TearNote', '/v1/imports', '/v1/events']),
      );
      expect(paths['/v1/note/{id}/WriteNote'].post.requestBody.content['application/json'].schema).toEqual({
        type: 'object',
        required: ['text'],
        properties: {
          text: expect.objectContaining({ type: 'string', maxLength: 2_000_000 }),
          stars: { type: 'integer', maximum: 9 },
          about: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,100}$' },
          pages: {
            type: 'array',
            maxItems: 100,
            items: expect.objectContaining({ $ref: '#/components/schemas/Page' }),
          },
        },
      });
      expect(components.schemas.Page.properties.title).toMatchObject({ type: 'string' });
      expect(components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
      const refs = JSON.stringify(paths).match(/(?<="#\/components\/schemas\/)[^"]+/g)!;
      expect(refs.filter((name) => !(name in components.schemas))).toEqual([]);
    });

    it('shows a page that asks nobody else for anything', async () => {
      const page = await api.app.inject('/docs');
      const init = await api.app.inject('/docs/swagger-ui-init.js');
      expect([page.statusCode, init.statusCode]).toEqual([200, 200]);
      expect(page.headers['content-security-policy']).toContain("default-src 'self'");
      expect(page.payload).not.toMatch(/(src|href)=["'](https?:)?\/\//);
      expect((await api.app.inject('/docs/swagger-ui-bundle.js')).statusCode).toBe(200);
    });
  });

  describe('the log', () => {
    const lines = (text: unknown) =>
      String(typeof text === 'string' ? text : JSON.stringify(text))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));

    it('is read line by line, by oversight only', async () => {
      for (const text of ['1', '2', '3']) await write('log', { text });
      const all = await api.as('oversight', 'GET', '/v1/events');
      expect(all.headers['content-type']).toBe('application/x-ndjson');
      const position = lines(all.body).find(({ stream, revision }) => stream === 'note-log' && revision === 0).position;
      const rest = lines(
        (await api.as('oversight', 'GET', `/v1/events?after=${position}&stream=note-log&type=NoteWritten`)).body,
      );
      expect(rest.map(({ data }) => data.text)).toEqual(['2', '3']);
      expect(lines((await api.as('oversight', 'GET', '/v1/events?limit=2')).body)).toHaveLength(2);
      expect((await api.as('oversight', 'GET', '/v1/events?type=None')).body).toBe('');
      expect(await api.as('governor', 'GET', '/v1/events')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(await api.as('oversight', 'GET', `/v1/events?limit=1&minPosition=${position}`)).toMatchObject({
        status: 200,
      });
      expect(await api.as('oversight', 'GET', `/v1/audit/note-log?minPosition=${position}`)).toMatchObject({
        status: 200,
      });
      expect(await api.as('oversight', 'GET', '/v1/events?minPosition=x')).toMatchObject({ status: 400 });
      expect(await api.as('oversight', 'GET', '/v1/events?limit=x&before=1')).toMatchObject({ status: 400 });
      expect(await api.as('oversight', 'GET', '/v1/events?limit=1&limit=2')).toMatchObject({ status: 400 });
    });

    it('shows a stream as it was known', async () => {
      const now = await api.as('oversight', 'GET', '/v1/audit/note-log');
      expect(now.body).toMatchObject({ stream: 'note-log', revision: 2, state: ['1', '2', '3'] });
      const until = now.body.events[0].recordedAt;
      expect((await api.as('oversight', 'GET', `/v1/audit/note-log?asOf=${until}`)).body.state[0]).toBe('1');
      expect(await api.as('oversight', 'GET', '/v1/audit/note-log?asOf=2020-01-01T00:00:00Z')).toMatchObject({
        status: 404,
      });
      const happened = now.body.events[0].metadata.occurredAt;
      expect((await api.as('oversight', 'GET', `/v1/audit/note-log?validAt=${happened}`)).body.state[0]).toBe('1');
      expect(await api.as('oversight', 'GET', '/v1/audit/note-log?validAt=2020-01-01T00:00:00Z')).toMatchObject({
        status: 404,
      });
      expect(await api.as('secretary', 'GET', '/v1/audit/summary')).toMatchObject({ status: 403 });
      expect(await api.as('oversight', 'GET', '/v1/audit/note-log?asOf=yesterday')).toMatchObject({ status: 400 });
      expect(await api.as('secretary', 'GET', '/v1/audit/note-log')).toMatchObject({ status: 403 });
    });
  });
});

describe('when the store is away', () => {
  it('says so, stays, and is well again by itself', async () => {
    const store = new MemoryEventStore({ clock: systemClock });
    const real = store.append.bind(store);
    const api = await startApi([note], { store });
    try {
      store.append = () => Promise.reject(new StoreUnavailable('connect ECONNREFUSED'));
      const away = await api.as('secretary', 'POST', '/v1/note/x/WriteNote', { text: 'a' });
      expect(away).toMatchObject({ status: 503, headers: { 'retry-after': '1' }, body: { code: 'store-unavailable' } });
      expect(JSON.stringify(away.body)).not.toContain('ECONNREFUSED');
      store.append = real;
      expect(await api.as('secretary', 'POST', '/v1/note/x/WriteNote', { text: 'a' })).toMatchObject({ status: 200 });
    } finally {
      await api.close();
    }
  });
});

describe('a limit on requests', () => {
  it('is kept for each caller', async () => {
    const api = await startApi([note], { rateLimit: 2 });
    try {
      const token = await api.token('oversight');
      const ask = async (bearer: string) =>
        (await api.app.inject({ url: '/v1/events', headers: { authorization: `Bearer ${bearer}` } })).statusCode;
      expect([await ask(token), await ask(token), await ask(token)]).toEqual([200, 200, 429]);
      expect(await ask(await api.token('oversight', { sub: 'another' }))).toBe(200);
    } finally {
      await api.close();
    }
  });
});
