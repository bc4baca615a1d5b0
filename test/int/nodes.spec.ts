import { randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import pg from 'pg';
import type { Role } from '#kernel';
import { PostgresEventStore } from '#stores';
import { issueToken } from '#apps/api/auth';
import { collector, type Received } from '#test/kit/collector';
import { launchNode, SECRET, type Node } from '#test/kit/nodes';
import { needs } from '#test/kit/needs';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { postgresProxy } from '#test/kit/proxy';
import { testRedis, type TestRedis } from '#test/kit/redis';
import { eventually } from '#test/kit/worker';

const WEEK = Object.fromEntries(
  ['sat', 'sun', 'mon', 'tue', 'wed', 'thu', 'fri'].map((day) => [day, '00:00-23:59'] as const),
);
const OBLIGATION = { id: 'o1', agency: 'gas', action: 'وصل گاز', acceptance: 'صورتجلسه' };
const hasRedis = spawnSync('sh', ['-c', 'command -v redis-server']).status === 0;

describe('many nodes on one database', () => {
  let db: TestDatabase;
  let redis: TestRedis | undefined;
  let store: PostgresEventStore;
  let env: NodeJS.ProcessEnv;
  let traces: Awaited<ReturnType<typeof collector>>;
  let apis: Node[] = [];
  let workers: Node[] = [];
  const launched = new Set<Node>();
  const start = async (part: Node['part']) => {
    const node = launchNode(part, env);
    launched.add(node);
    await node.ready;
    return node;
  };

  beforeAll(async () => {
    [db, redis, traces] = await Promise.all([testDatabase(), hasRedis ? testRedis() : undefined, collector()]);
    store = new PostgresEventStore(db.pool);
    env = {
      DATABASE_URL: db.url,
      PEYGIR_DATA: '/nonexistent',
      OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
      ...(redis && { REDIS_URL: redis.url }),
    };
    const nodes = await Promise.all((['api', 'api', 'worker', 'worker'] as const).map(start));
    apis = nodes.filter(({ part }) => part === 'api');
    workers = nodes.filter(({ part }) => part === 'worker');
    await does(0, 'admin', 'calendar', 'offices', 'DefineCalendar', {
      zone: 'Asia/Tehran',
      week: WEEK,
      holidays: [],
      validFrom: '2026-01-01',
    });
    await does(0, 'admin', 'agency', 'gas', 'RegisterAgency', { name: 'گاز', kind: 'utility', calendar: 'offices' });
    const escalate = { action: 'escalate', to: 'deputy' };
    await does(0, 'admin', 'ladder', 'quick', 'DefineLadder', {
      rungs: [{ id: 'deputy', when: { after: { duration: 'PT1S' } }, ...escalate }],
    });
    await does(0, 'admin', 'workingGroup', 'energy', 'EstablishWorkingGroup', {
      name: 'انرژی',
      chair: 'c',
      secretary: 's',
    });
    await does(0, 'secretary', 'workingGroup', 'energy', 'ScheduleSession', { date: '2030-01-01' });
    await does(0, 'secretary', 'session', 'energy-1', 'OpenSession', { attendance: ['c'] });
    for (let ordinal = 1; ordinal <= 6; ordinal++) {
      await does(0, 'secretary', 'session', 'energy-1', 'AdoptResolution', {
        text: 'متن',
        legalBasis: 'ماده ۶۱',
        obligations: [{ ...OBLIGATION, term: { duration: 'PT2S' }, ladder: 'quick' }],
      });
    }
    const { position } = await does(0, 'governor', 'session', 'energy-1', 'SignMinutes');
    await eventually(async () => (await store.readStream('resolution-energy-1-6')).length > 0);
    expect(BigInt(await store.head()) > BigInt(position)).toBe(true);
  });
  afterAll(async () => {
    await Promise.all([...launched].map((node) => node.end('SIGKILL')));
    await store.close();
    await Promise.all([db.close(), redis?.close(), traces.close()]);
  });

  const asks = async (api: number, who: Role, method: string, path: string, body?: object, headers = {}) => {
    const token = await issueToken('', { sub: who, role: who, province: 'IR-03' }, 600, SECRET);
    const response = await fetch(`${apis[api]!.url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as any };
  };
  async function does(api: number, who: Role, aggregate: string, id: string, command: string, data = {}, key?: string) {
    const sent = await asks(api, who, 'POST', `${aggregate}/${id}/${command}`, data, {
      'idempotency-key': key ?? randomUUID(),
    });
    expect([sent.status, sent.body]).toEqual([200, expect.anything()]);
    return sent.body;
  }
  const communicate = (id: string) =>
    does(0, 'secretary', 'resolution', id, 'CommunicateResolution', { letterNumber: '1' });
  const rungs = async (id: string) =>
    (await store.readStream(`resolution-${id}`))
      .filter(({ type }) => type === 'DeadlineMissed' || type === 'ObligationEscalated')
      .map(({ data }) => data);
  const bothFired = (id: string) => eventually(async () => (await rungs(id)).length >= 2);
  /** Process id of the worker at whose the alarms are, once there is one. */
  const holder = () =>
    eventually(async () => {
      const { rows } = await db.pool.query<{ holder: string }>(
        `select holder from leases where name = 'deadlines' and expires_at > clock_timestamp()`,
      );
      return rows[0] && Number(rows[0].holder.split(' ')[1]);
    });

  it('read through one what was done through another, and know a repeat wherever it comes', async () => {
    const key = randomUUID();
    const unit = { name: 'کارخانه', size: 'small', classes: [], sector: 'نساجی' };
    const first = await does(0, 'secretary', 'unit', 'u-1', 'RegisterUnit', unit, key);
    expect(await does(1, 'secretary', 'unit', 'u-1', 'RegisterUnit', unit, key)).toEqual(first);
    const opened = await does(1, 'secretary', 'case', 'c-1', 'OpenCase', {
      unit: 'u-1',
      channel: 'desk',
      category: 'gas',
      title: 'گاز',
      statement: 'قطع',
    });
    const read = await asks(0, 'secretary', 'GET', `cases/c-1?minPosition=${opened.position}`);
    expect([read.status, read.headers.has('x-as-of')]).toEqual([200, false]);
  });

  it('fire rungs once, by whichever worker, with the other standing by', async () => {
    await communicate('energy-1-1');
    await bothFired('energy-1-1');
    expect((await rungs('energy-1-1')).map(({ rung }) => rung)).toEqual(['due', 'deputy']);
  });

  it('are one trace: from the request through log, subscriber and job to the rung that it armed', async () => {
    const [miss] = (await store.readStream('resolution-energy-1-1')).filter(({ type }) => type === 'DeadlineMissed');
    const traceId = miss!.metadata.correlationId.replaceAll('-', '');
    const chain = ['POST /v1/:aggregate/:id/:command', 'decide CommunicateResolution', 'append', 'job FireRung', 'decide FireRung', 'append']; // prettier-ignore
    const found = await eventually(async () => {
      const all = traces.spans.filter((one) => one.traceId === traceId);
      // From its end: whatever else there is in the trace, this one led to that one.
      const back = (one: Received | undefined): string[] =>
        one ? [...back(all.find(({ spanId }) => spanId === one.parentSpanId)), one.name] : [];
      const ends = all.map(back).find((names) => names.length >= chain.length);
      const projected = all.find(({ name }) => name === 'project deadlines');
      return ends && projected && { ends, projected: back(projected) };
    });
    expect(found.ends.slice(0, chain.length)).toEqual(chain);
    expect(found.projected.slice(0, 3)).toEqual(chain.slice(0, 3));

    // So does its story in the logs: the request where it came in, the rung where it fired.
    const letter = await store.readStream('resolution-energy-1-1');
    const { correlationId } = letter.find(({ type }) => type === 'ResolutionCommunicated')!.metadata;
    expect((await fetch(`${apis[0]!.url}/health/live`)).status).toBe(200);
    await asks(0, 'governor', 'GET', 'cases');
    const paths = () => apis[0]!.log.flatMap(({ req }) => (req ? [(req as { path: string }).path] : []));
    await eventually(async () => paths().includes('/v1/cases'));
    expect(paths()).not.toContain('/health/live');
    const story = (nodes: Node[]) => nodes.flatMap(({ log }) => log).filter((one) => one['correlationId'] === correlationId); // prettier-ignore
    await eventually(async () => story(workers).length >= 2);
    expect(story(apis).map(({ msg }) => msg)).toEqual(['incoming request', 'request completed']);
    const fired = (rung: string) => expect.objectContaining({ msg: 'a rung has fired', stream: 'resolution-energy-1-1', obligation: 'o1', rung, lateSeconds: expect.any(Number) }); // prettier-ignore
    expect(story(workers)).toEqual(expect.arrayContaining([fired('due'), fired('deputy')]));
  });

  it('go on when the worker that holds the leases stands still, which writes nothing when it moves again', async () => {
    const holding = await holder();
    const frozen = workers.find(({ child }) => child.pid === holding)!;
    frozen.child.kill('SIGSTOP');
    await communicate('energy-1-5');
    await bothFired('energy-1-5');
    const heir = await holder();
    expect(heir).not.toBe(holding);
    frozen.child.kill('SIGCONT');
    await communicate('energy-1-6');
    await bothFired('energy-1-6');
    for (const id of ['energy-1-5', 'energy-1-6'])
      expect((await rungs(id)).map(({ rung }) => rung)).toEqual(['due', 'deputy']);
    expect(await holder()).toBe(heir);
  });

  it('go on within five seconds when the worker that holds the leases is killed', async () => {
    const holding = await holder();
    await communicate('energy-1-2');
    await workers.find(({ child }) => child.pid === holding)!.end('SIGKILL');
    const { rows } = await db.pool.query<{ ms: number }>(
      `select extract(epoch from expires_at - clock_timestamp())::float * 1000 as ms from leases where name = 'deadlines'`,
    );
    // The database's time decides: with a beat of a second, the other asks again no later than this.
    expect(rows[0]!.ms).toBeLessThan(4_000);
    await bothFired('energy-1-2');
    const fired = await rungs('energy-1-2');
    expect(fired.map(({ rung }) => rung)).toEqual(['due', 'deputy']);
    workers = [workers.find(({ child }) => child.pid !== holding)!];
  });

  it('hand over at once when a worker is told to stop', async () => {
    workers.push(await start('worker'));
    const holding = await holder();
    const leaving = workers.find(({ child }) => child.pid === holding)!;
    const staying = workers.find((one) => one !== leaving)!;
    // Whoever cannot stop within ten seconds ends with 1.
    expect(await leaving.end('SIGTERM')).toBe(0);
    // Given back, not run out: nobody has to wait for it.
    const { rowCount } = await db.pool.query(`select from leases where holder like $1`, [`% ${leaving.child.pid} %`]);
    expect(rowCount).toBe(0);
    expect(await holder()).toBe(staying.child.pid);
    workers = [staying];
    await communicate('energy-1-3');
    await bothFired('energy-1-3');
    expect((await rungs('energy-1-3')).map(({ rung }) => rung)).toEqual(['due', 'deputy']);
  });

  it('answer what is in hand when an api is told to stop, and let nobody in any more', async () => {
    const api = apis[1]!;
    const owner = new pg.Client({ ...db.connection });
    await owner.connect();
    try {
      // Whoever appends now has to wait.
      await owner.query('begin; lock table log.events in share mode');
      const asked = does(1, 'secretary', 'unit', 'u-2', 'RegisterUnit', { name: 'ک', size: 'small', classes: [], sector: 'ن' }); // prettier-ignore
      await eventually(async () => {
        const { rowCount } = await owner.query(
          `select from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'`,
          [`peygir ${api.child.pid}`],
        );
        return rowCount! > 0;
      });
      const code = api.end('SIGTERM');
      await eventually(() =>
        fetch(`${api.url}/health/live`).then(
          ({ ok }) => !ok,
          () => true,
        ),
      );
      await owner.query('commit');
      expect((await asked).events).toMatchObject([{ type: 'UnitRegistered' }]);
      expect(await code).toBe(0);
      expect(api.said.at(-1)).toBe('api has stopped');
    } finally {
      await owner.end();
    }
  });

  it('wait for their database with one line, and begin when it is there', async () => {
    const wire = await postgresProxy(db.connection);
    wire.down();
    try {
      const url = `postgres://${db.connection.user}@/${db.connection.database}?host=${wire.host}&port=${db.connection.port}`;
      const node = launchNode('api', { ...env, DATABASE_URL: url });
      launched.add(node);
      const tries = wire.refused();
      await eventually(async () => wire.refused() > tries + 2);
      expect(node.said).toEqual(['what this process needs does not answer yet; waiting for it']);
      wire.restore();
      await node.ready;
      expect((await fetch(`${node.url}/health/ready`)).status).toBe(200);
      wire.down();
      expect((await fetch(`${node.url}/health/ready`)).status).toBe(503);
      expect((await fetch(`${node.url}/health/live`)).status).toBe(200);
      expect(await node.end('SIGTERM')).toBe(0);
    } finally {
      await wire.close();
    }
  });

  needs('redis-server')('nodes whose Redis is away', () => {
    it('stop in order', async () => {
      const worker = workers.at(-1)!;
      await redis!.kill();
      await eventually(async () => worker.said.includes('alarms wait for the queue'));
      expect(await worker.end('SIGTERM')).toBe(0);
      expect(worker.said.at(-1)).toBe('worker has stopped');
      await redis!.start();
    });
  });
});
