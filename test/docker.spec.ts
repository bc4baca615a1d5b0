import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints, type Database } from '#kernel';
import { MemoryEventStore } from '#stores';
import { Metrics } from '#apps/metrics';

const read = (path: string) => readFileSync(join('docker', path), 'utf8');
const files = readdirSync('docker', { recursive: true, encoding: 'utf8' }).filter((path) =>
  statSync(join('docker', path)).isFile(),
);

/** No engine runs in a test: what can be held is that these files speak of things that exist. */
describe('docker/', () => {
  it('asks Prometheus only for figures that are measured', async () => {
    const nothing: Database = { query: async () => ({ rows: [], rowCount: 0 }), transaction: async () => undefined as never }; // prettier-ignore
    const store = new MemoryEventStore({ clock: { now: () => '2026-08-25T06:00:00.000Z' } });
    const { text } = await new Metrics().text(store, { checkpoints: new Checkpoints(nothing) });
    const measured = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    expect(measured.size).toBeGreaterThan(20);
    const asked = ['prometheus/rules.yml', 'grafana/dashboards/peygir.json'].flatMap((path) => [
      ...read(path).matchAll(/\b(?:peygir|process|nodejs)_\w+/g),
    ]);
    expect(asked.length).toBeGreaterThan(15);
    const unknown = asked
      .map(([name]) => name.replace(/_(count|bucket|sum)$/, ''))
      .filter((name) => !measured.has(name));
    expect(unknown).toEqual([]);
  });

  it('sets only what the configuration reads', () => {
    const known = readFileSync('apps/config.ts', 'utf8');
    const ours = /^ *(?:environment: \{ <<: \*settings, )?(PEYGIR_\w+|DATABASE_URL|REDIS_URL|EVENT_STORE_URL|SMTP_\w+|OTEL_\w+|OIDC_\w+|LOG_LEVEL|METRICS_PORT): /gm; // prettier-ignore
    const set = ['compose.yaml', 'compose.distributed.yaml'].flatMap((path) => [...read(path).matchAll(ours)]);
    expect(set.length).toBeGreaterThan(12);
    for (const [, name] of set) expect(known).toContain(`'${name}'`);
  });

  it('starts what the build makes, as somebody who is not root', () => {
    const started = files.flatMap((path) => [...read(path).matchAll(/dist\/(apps\/\w+\/main)\.js/g)]);
    expect(new Set(started.map(([, path]) => path))).toEqual(
      new Set(['apps/cli/main', 'apps/api/main', 'apps/worker/main']),
    );
    for (const [, path] of started) expect(existsSync(`${path}.ts`)).toBe(true);
    const [, image] = read('Dockerfile').split(/^FROM .* AS build$/m);
    const runs = image!.slice(image!.lastIndexOf('\nFROM '));
    expect(runs.indexOf('\nUSER node\n')).toBeGreaterThan(0);
    expect(runs.indexOf('\nUSER node\n')).toBeLessThan(runs.indexOf('\nENTRYPOINT '));
  });

  it('gives the application nothing to write but its data, and a log of three nodes that show certificates', () => {
    for (const path of ['compose.yaml', 'compose.distributed.yaml']) {
      const [own] = read(path).split('image: peygir\n')[1]!.split('image: ');
      expect(own).toContain('read_only: true');
      expect(read(path)).toContain("security_opt: ['no-new-privileges:true']");
      expect(read(path)).toContain('cap_drop: [ALL]');
    }
    const distributed = read('compose.distributed.yaml');
    const [, nodes, query] = /EVENT_STORE_URL: esdb:\/\/[^@]*@([^?]+)\?(\S+)/.exec(distributed)!;
    expect(nodes!.split(',').map((node) => node.split(':')[0])).toEqual(['kurrent1', 'kurrent2', 'kurrent3']);
    for (const node of nodes!.split(',')) expect(distributed).toContain(`\n  ${node.split(':')[0]}:\n`);
    expect(new URLSearchParams(query).get('tls')).toBe('true');
    expect(distributed.match(/replicas: 2/g)?.length).toBeGreaterThan(0);
  });

  it('mounts only files that are there', () => {
    for (const path of ['compose.yaml', 'compose.distributed.yaml']) {
      const mounted = [...read(path).matchAll(/'?\.\/([\w./-]+):\//g)].map(([, file]) => file!);
      expect(mounted.length).toBeGreaterThan(2);
      for (const file of mounted) expect([file, existsSync(join('docker', file))]).toEqual([file, true]);
    }
  });
});
