import { randomUUID } from 'node:crypto';
import { begin, isTracing, span, type Log } from '#kernel';
import { startTracing } from '#apps/tracing';
import { deciders } from '#apps/province';
import { collector } from '#test/kit/collector';
import { startApi } from '#test/kit/http';

const lines: string[] = [];
const note = (_: object, message: string) => void lines.push(message);
const log: Log = { info: note, warn: note, error: note };

let to: Awaited<ReturnType<typeof collector>>;
let stop: (() => Promise<void>) | undefined;
beforeEach(async () => {
  lines.length = 0;
  to = await collector();
});
afterEach(async () => {
  await stop?.();
  stop = undefined;
  await to.close();
});

it('is off until somebody takes the spans, and then costs nothing but a call', async () => {
  expect(isTracing()).toBe(false);
  expect(await span('x', {}, async () => 7)).toBe(7);
  expect(begin('x', {})()).toBeUndefined();
});

it('puts a request, its decision and its append into the trace that its caller began', async () => {
  stop = startTracing(
    { endpoint: `${to.url}/`, headers: 'authorization=Bearer%20x, tenant = a', service: 'tabriz' },
    log,
  );
  const api = await startApi(deciders);
  const traceId = randomUUID().replaceAll('-', '');
  const parent = '00f067aa0ba902b7';
  const unit = { name: 'ک', size: 'small', classes: [], sector: 'ن' };
  try {
    const traceparent = `00-${traceId}-${parent}-01`;
    const sent = await api.as('secretary', 'POST', '/v1/unit/u-1/RegisterUnit', unit, { traceparent });
    expect([sent.status, sent.headers['x-correlation-id']]).toEqual([200, traceId]);
    const { metadata } = (await api.deps.decide.store.readStream('unit-u-1'))[0]!;
    expect(metadata.correlationId).toBe(traceId);
    await api.as('secretary', 'POST', '/v1/unit/u-1/RegisterUnit', unit, { 'x-correlation-id': 'desk-7' });
    await api.as('agency', 'POST', '/v1/calendar/c/DefineCalendar', {}, { traceparent });
    await api.app.inject('/health/live');
  } finally {
    await api.close();
    await stop();
  }
  const [request, decide, append] = ['POST /v1/:aggregate/:id/:command', 'decide RegisterUnit', 'append'].map((name) =>
    to.spans.find((one) => one.name === name && one.traceId === traceId)!,
  );
  expect([request!.parentSpanId, decide!.parentSpanId, append!.parentSpanId]).toEqual([parent, request!.spanId, decide!.spanId]); // prettier-ignore
  expect(request).toMatchObject({ kind: 2, attributes: expect.arrayContaining([{ key: 'http.response.status_code', value: { intValue: '200' } }]) }); // prettier-ignore
  for (const { startTimeUnixNano: from, endTimeUnixNano: end } of to.spans)
    expect(BigInt(end) >= BigInt(from)).toBe(true);
  // A correlation id that is no trace id names a trace of its own; what is refused says why.
  expect(to.spans.filter(({ traceId: other }) => other !== traceId).map(({ name }) => name)).toContain(
    'decide RegisterUnit',
  );
  expect(to.spans.find(({ name }) => name === 'decide DefineCalendar')!.status).toEqual({
    code: 2,
    message: 'invalid',
  });
  expect(to.spans.some(({ name }) => name.includes('health'))).toBe(false);
  expect(new Set(to.services)).toEqual(new Set(['tabriz']));
  expect(to.headers[0]).toMatchObject({ authorization: 'Bearer x', tenant: 'a', 'content-type': 'application/json' });
});

it('forgets what a collector does not take, says so once, and goes on when it is back', async () => {
  stop = startTracing({ endpoint: to.url, service: 'x' }, log);
  to.answers.status = 503;
  // More than is kept, and more than goes at once: each part is refused by itself.
  for (let n = 0; n < 5_000; n++) begin(`lost ${n}`, {})();
  await stop();
  expect(to.spans).toEqual([]);
  expect(to.headers.length).toBeGreaterThan(1);
  expect(lines).toEqual(['traces are not taken; they are forgotten']);
  to.answers.status = 200;
  stop = startTracing({ endpoint: to.url, service: 'x' }, log);
  begin('kept', {})();
  await stop();
  expect(to.spans.map(({ name }) => name)).toEqual(['kept']);
});
