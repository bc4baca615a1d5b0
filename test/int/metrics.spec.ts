import { readFileSync } from 'node:fs';
import { Checkpoints, ENGINE, StoreUnavailable, WrongRevision } from '#kernel';
import { noticesProjection } from '#notices';
import { createSql, PostgresEventStore } from '#stores';
import { Metrics } from '#apps/metrics';
import { beacon } from '#apps/worker/beacon';
import { startApi } from '#test/kit/http';
import { testDatabase } from '#test/kit/postgres';
import { communicate, establish, happened, PATIENCE_MS, TestClock, workshop } from '#test/kit/worker';

const counts = async () => ({ waiting: 2, active: 1, delayed: 0, failed: 3 });

/** `peygir_due_backlog` → 1; `peygir_up{part="log"}` → 0. */
const figures = (text: string): Record<string, number> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

/** Labels that the dashboard and the alerts name of our figures, and that no such figure has. */
function unknownLabels(series: readonly string[]): string[] {
  const { panels } = JSON.parse(readFileSync('docker/grafana/dashboards/peygir.json', 'utf8')) as { panels: { targets: { expr: string; legendFormat: string }[] }[] }; // prettier-ignore
  const rules = readFileSync('docker/prometheus/rules.yml', 'utf8').split('- alert: ').slice(1);
  const asked = [...panels.flatMap(({ targets }) => targets.map(({ expr, legendFormat }) => `${expr} ${legendFormat}`)), ...rules]; // prettier-ignore
  return asked.flatMap((text) => {
    const measured = series.filter((one) => text.match(/peygir_\w+/g)?.includes(one.split('{')[0]!));
    const known = measured.flatMap((one) => [...one.matchAll(/(\w+)="/g)].map(([, label]) => label));
    const named = [...text.matchAll(/by \((\w+)\)|\{(\w+)=~?"|\{\{(\w+)\}\}|\$labels\.(\w+)/g)];
    const labels = named.map(([, ...one]) => one.find(Boolean)!);
    return labels.filter((label) => ![...known, 'job', 'instance'].includes(label)).map((label) => `${label}: ${text}`);
  });
}

it('tells of appends, lateness, lags, backlogs and the queue, and leaves out what it cannot know', async () => {
  const db = await testDatabase();
  const database = createSql(db.pool);
  const metrics = new Metrics();
  const store = metrics.measured(new PostgresEventStore(db.pool));
  const checkpoints = new Checkpoints(database);
  const clock = new TestClock();
  // Ahead of the database's time, by which backlogs are counted.
  clock.set('2030-01-08T06:00:00.000Z');
  const shop = workshop({ store, database, clock });
  const seen = async () => figures((await metrics.text(store, { checkpoints, jobs: { counts } })).text);
  try {
    await establish(shop);
    await communicate(shop, 'r-1');
    await communicate(shop, 'r-2');
    const worker = await shop.start({ checkpoints });
    await checkpoints.waitFor(['deadlines', 'policies'], await store.head(), PATIENCE_MS);
    expect(await seen()).toMatchObject({
      'peygir_append_seconds_count{outcome="appended"}': 6,
      peygir_append_conflicts_total: 0,
      peygir_rung_lateness_seconds_count: 0,
      'peygir_subscriber_lag_seconds{subscriber="deadlines"}': 0,
      'peygir_subscriber_stuck{subscriber="policies"}': 0,
      peygir_due_armed: 2,
      peygir_due_backlog: 0,
      peygir_clocks_unarmed: 0,
      peygir_policy_refusals: 0,
      'peygir_queue_jobs{state="waiting"}': 2,
      'peygir_queue_jobs{state="failed"}': 3,
      'peygir_up{part="log"}': 1,
      'peygir_up{part="database"}': 1,
      'peygir_up{part="queue"}': 1,
    });
    await worker.stop();

    await database.query(noticesProjection.schema);
    await database.query(
      `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at)
       values ($1, 'governor', 1, 'DutyMissed', 'r', '', '', '')`,
      [happened('X').id],
    );
    const failed = { channel: 'sms', reason: 'unreachable', final: false };
    await store.append('notice-n', -1, [
      happened('NoticeFailed', failed),
      happened('NoticeFailed', { ...failed, final: true }),
      happened('NoticeSent', { channel: 'email' }),
    ]);
    expect(await seen()).toMatchObject({
      'peygir_notices_waiting{state="waiting"}': 1,
      'peygir_notices_waiting{state="undelivered"}': 0,
      'peygir_notices_total{channel="sms",outcome="failed"}': 1,
      'peygir_notices_total{channel="sms",outcome="undelivered"}': 1,
      'peygir_notices_total{channel="email",outcome="sent"}': 1,
    });

    await expect(store.append('resolution-r-1', 77, [happened('X')])).rejects.toThrow(WrongRevision);
    await db.pool.query(
      `update due set at = clock_timestamp() - interval '90 seconds' where stream = 'resolution-r-2'`,
    );
    await db.pool.query(`update checkpoints set error = 'stuck' where name = 'policies'`);
    // Four seconds late: the reminder stands at the opening time, three working days before the due one.
    clock.set('2030-01-10T04:00:04.000Z');
    await shop.say(ENGINE, 'resolution', 'r-1', 'FireRung');
    const then = await seen();
    expect(then).toMatchObject({
      'peygir_append_seconds_count{outcome="conflict"}': 1,
      peygir_append_conflicts_total: 1,
      peygir_rung_lateness_seconds_count: 1,
      'peygir_subscriber_stuck{subscriber="policies"}': 1,
      peygir_due_armed: 1,
      peygir_due_backlog: 1,
    });
    expect(then['peygir_rung_lateness_seconds{quantile="0.99"}']).toBeCloseTo(4, 0);
    expect(unknownLabels(Object.keys(then))).toEqual([]);
    expect(then['peygir_rung_lateness_seconds{quantile="1"}']).toBeCloseTo(4, 0);
    expect(then['peygir_due_oldest_seconds']).toBeGreaterThan(89);
    // What was appended since the worker stopped has not been handled.
    expect(then['peygir_subscriber_lag_seconds{subscriber="deadlines"}']).toBeGreaterThan(0);

    await db.pool.query(`delete from due where stream = 'resolution-r-1'`);
    const later = new Metrics();
    const text = await later.text(store, { checkpoints, jobs: { counts } });
    expect(figures(text.text)).toMatchObject({ peygir_clocks_unarmed: 1 });
  } finally {
    await db.close();
  }
  const away = { counts: () => Promise.reject(new StoreUnavailable('gone')) };
  const dark = figures((await metrics.text(store, { checkpoints, jobs: away })).text);
  expect(dark).toMatchObject({
    'peygir_up{part="log"}': 0,
    'peygir_up{part="database"}': 0,
    'peygir_up{part="queue"}': 0,
  });
  // What this process itself has seen stays; what the database said does not.
  expect(Object.keys(dark).filter((name) => /subscriber|due|clocks|queue_jobs/.test(name))).toEqual([]);
  expect(dark['peygir_append_conflicts_total']).toBe(1);
});

describe('GET /metrics and /health/ready', () => {
  it('answers text without a token, and is not there where nothing is measured', async () => {
    const measured = await startApi([], {
      metrics: async () => ({ type: 'text/plain; version=0.0.4', text: 'a 1\n' }),
    });
    const plain = await startApi([]);
    try {
      const answer = await measured.app.inject('/metrics');
      expect([answer.statusCode, answer.headers['content-type'], answer.payload]).toEqual([200, 'text/plain; version=0.0.4', 'a 1\n']); // prettier-ignore
      expect((await plain.app.inject('/metrics')).json()).toMatchObject({ status: 404, code: 'not-found' });
    } finally {
      await measured.close();
      await plain.close();
    }
  });

  it('serves on, and says so, without what only alarms need', async () => {
    let away = false;
    const database = { query: async () => ({ rows: [], rowCount: 0 }), transaction: async () => undefined as never };
    const queue = async () => (away ? Promise.reject(new Error('ECONNREFUSED')) : undefined);
    const api = await startApi([], { database, watched: { queue } });
    const ready = async () => (await api.app.inject('/health/ready')).json() as object;
    try {
      expect(await ready()).toEqual({ status: 'ok', checks: { log: 'ok', database: 'ok', queue: 'ok' } });
      away = true;
      expect(await ready()).toEqual({ status: 'degraded', checks: { log: 'ok', database: 'ok', queue: 'failing' } });
    } finally {
      await api.close();
    }
  });
});

it('a worker of its own answers the same, and nothing else', async () => {
  let well = true;
  const { url, close } = await beacon({
    host: '127.0.0.1',
    port: 0,
    ready: { log: async () => (well ? '0' : Promise.reject(new Error('gone'))) },
    metrics: async () => (well ? { type: 'text/plain', text: 'a 1\n' } : Promise.reject(new Error('gone'))),
  });
  const get = async (path: string, method = 'GET') => {
    const answer = await fetch(url + path, { method });
    return [answer.status, await answer.text()];
  };
  try {
    expect(await get('/metrics')).toEqual([200, 'a 1\n']);
    expect(await get('/health/live')).toEqual([200, '{"status":"ok"}']);
    expect(await get('/health/ready')).toEqual([200, '{"status":"ok","checks":{"log":"ok"}}']);
    well = false;
    expect(await get('/health/ready')).toEqual([503, '{"status":"not-ready","checks":{"log":"failing"}}']);
    expect((await get('/metrics'))[0]).toBe(500);
    expect((await get('/v1/cases'))[0]).toBe(404);
    expect((await get('/constructor'))[0]).toBe(404);
    expect((await get('/metrics', 'POST'))[0]).toBe(404);
  } finally {
    await close();
  }
});
