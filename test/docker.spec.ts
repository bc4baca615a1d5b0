import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checkpoints, type Database } from '#kernel';
import { MemoryEventStore } from '#stores';
import { readConfig } from '#apps/config';
import { Metrics } from '#apps/metrics';

const read = (path: string) => readFileSync(join('docker', path), 'utf8');
const files = readdirSync('docker', { recursive: true, encoding: 'utf8' }).filter((path) =>
  statSync(join('docker', path)).isFile(),
);

const SHAPES = ['compose.yaml', 'compose.distributed.yaml'];

/** Each service's text, with what it takes over from elsewhere (`<<: *node`). Plain enough for no parser. */
function servicesOf(compose: string): Map<string, string> {
  const blocks = (text: string) => [...text.matchAll(/^( *)([\w-]+):(?: &(\w[\w-]*))?\n((?:\1 +.*\n|\n)+)/gm)];
  const shared = new Map(blocks(compose).map(([, , , anchor, block]) => [anchor, block!]));
  const whole = (block: string): string =>
    block.replace(/<<: \*([\w-]+)/g, (_, anchor: string) => whole(shared.get(anchor) ?? ''));
  const [, services] = /^services:\n([\s\S]*?)^\w/m.exec(compose)!;
  return new Map(blocks(services!).map(([, , name, , block]) => [name!, whole(block!)]));
}

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
    const ours = /^ *(?:environment: \{ <<: \*settings, )?(PEYGIR_\w+|DATABASE_URL\w*|REDIS_URL\w*|EVENT_STORE_URL\w*|SMTP_\w+|OTEL_\w+|OIDC_\w+|LOG_LEVEL|METRICS_PORT): /gm; // prettier-ignore
    const set = SHAPES.flatMap((path) => [...read(path).matchAll(ours)]);
    expect(set.length).toBeGreaterThan(12);
    for (const [, name] of set) expect(known).toContain(`'${name!.replace(/_FILE$/, '')}'`);
  });

  it('gives secrets as files, which one script makes, and a log of three nodes that show certificates', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-docker-'));
    try {
      copyFileSync('docker/secrets.sh', join(folder, 'secrets.sh'));
      const make = () => execFileSync('sh', [join(folder, 'secrets.sh')], { stdio: 'ignore' });
      make();
      expect(make).toThrow(); // what runs already would not know new ones
      const made = readdirSync(join(folder, 'secrets'));
      const distributed = read('compose.distributed.yaml');
      const declared = [...distributed.matchAll(/^ {2}(\w+): \{ file: \.\/secrets\/(\w+) \}$/gm)];
      expect(new Set(declared.map(([, name, file]) => (name === file ? file : undefined)))).toEqual(new Set(made));
      const given = [...distributed.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, name]) => name);
      expect(new Set(given)).toEqual(new Set(made));
      expect(distributed).not.toMatch(/\$\{\w*PASSWORD/);

      const env = [...distributed.matchAll(/^ {2}(\w+_FILE): \/run\/secrets\/(\w+)$/gm)].map(([, name, file]) => [name!, join(folder, 'secrets', file!)]); // prettier-ignore
      expect(env).toHaveLength(4);
      const { secret, databaseUrl, redisUrl, eventStoreUrl } = readConfig(Object.fromEntries(env));
      expect([secret, databaseUrl, redisUrl]).toEqual([expect.stringMatching(/^[0-9a-f]{48}$/), expect.anything(), expect.anything()]); // prettier-ignore
      expect(new Set([secret, databaseUrl, redisUrl].map((text) => /[0-9a-f]{48}/.exec(text!)![0])).size).toBe(3);
      const [, nodes, query] = /^esdb:\/\/[^@]*@([^?]+)\?(\S+)$/.exec(eventStoreUrl!)!;
      expect(nodes!.split(',')).toEqual(['kurrent1:2113', 'kurrent2:2113', 'kurrent3:2113']);
      for (const node of nodes!.split(',')) expect(distributed).toContain(`\n  ${node.split(':')[0]}:\n`);
      expect(new URLSearchParams(query).get('tls')).toBe('true');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(SHAPES)('%s restrains every service, and knows whether it is well', (path) => {
    const services = servicesOf(read(path));
    expect(services.size).toBeGreaterThan(2);
    for (const [name, is] of services) {
      const lacks = (what: string, there: boolean) => (there ? [] : [`${name} lacks ${what}`]);
      const image = /^ +image: (\S+)$/m.exec(is)![1]!;
      expect([
        ...lacks('dropped capabilities', is.includes('cap_drop: [ALL]')),
        ...lacks('no-new-privileges', is.includes("security_opt: ['no-new-privileges:true']")),
        ...lacks('what to do when it ends', /^ +restart: /m.test(is)),
        ...lacks('a limit of memory', /^ +mem_limit: \d+[mg]$/m.test(is)),
        ...lacks('a limit of processes', /^ +pids_limit: \d+$/m.test(is)),
        ...lacks('bounds of its log', is.includes('logging: ')),
        ...lacks('a pinned image', image === 'peygir' || /:v?\d+\.\d+/.test(image)),
        // Ours is the image's own; what makes the certificates runs once.
        ...lacks('a health check', is.includes('healthcheck:') || ['peygir', 'eventstore/es-gencert-cli:1.0.2'].includes(image)), // prettier-ignore
        ...lacks('a read-only root', is.includes('read_only: true') || /grafana|kurrentdb/.test(image)),
      ]).toEqual([]);
    }
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

  it('mounts only files that are there', () => {
    for (const path of SHAPES) {
      const mounted = [...read(path).matchAll(/'?\.\/([\w./-]+):\//g)].map(([, file]) => file!);
      expect(mounted.length).toBeGreaterThan(2);
      for (const file of mounted) expect([file, existsSync(join('docker', file))]).toEqual([file, true]);
    }
  });
});
