import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { dataFolder, peygir } from '#test/kit/cli';
import { eventually } from '#test/kit/worker';

/** The commands of the tour, as they stand in README. */
const tour = [...readFileSync('README.md', 'utf8').matchAll(/<!-- tour -->\s*```sh\n([\s\S]*?)```/g)].map(
  ([, sh]) => sh!,
);

describe('the tour in README', () => {
  const [data, remove] = dataFolder();
  afterAll(remove);

  it('does what it says', async () => {
    expect(tour).toHaveLength(5);
    const env = { PEYGIR_DATA: data, PORT: '0', LOG_LEVEL: 'silent' };
    const { child, said, ended } = peygir(['start'], env);
    try {
      const port = await eventually(async () => /on http:\/\/127\.0\.0\.1:(\d+)/.exec(said.err)?.[1]);
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', tour.join('\n')], {
        env: { ...process.env, ...env, PORT: port },
      });
      const answers = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const codes = answers.flatMap(({ status, code }) => (typeof status === 'number' ? [`${status} ${code}`] : []));
      expect(codes).toEqual(['422 not-reviewed', '403 forbidden']);
      const lists = answers.filter(({ items }) => items).map(({ items }) => items.map(({ status }: any) => status));
      expect(lists).toEqual([['running'], ['missed']]);
      const types = answers.filter(({ revision, type }) => type && revision !== undefined).map(({ type }) => type);
      expect(types).toEqual(['ResolutionIssued', 'ResolutionCommunicated', 'DeadlineMissed', 'ObligationEscalated']);
    } finally {
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
    }
  });
});
