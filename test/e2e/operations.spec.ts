import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, peygir } from '#test/kit/cli';
import { eventually } from '#test/kit/worker';

/** What an operator types, on a deployment that starts, is looked at, saved, and put back elsewhere. */
it('doctor, backup and restore, beside the running server and without one', async () => {
  const [folder, remove] = dataFolder();
  const [first, second, file] = [join(folder, 'first'), join(folder, 'second'), join(folder, 'a.peygir')];
  for (const each of [first, second]) mkdirSync(each, { mode: 0o755 });
  const run = async (data: string, ...args: string[]) => {
    const env = { PEYGIR_DATA: data, PORT: '0', LOG_LEVEL: 'error', DATABASE_URL: '', PEYGIR_SECRET: '', SMTP_URL: '' };
    const { said, ended } = peygir(args, env);
    return { code: await ended, ...said };
  };
  try {
    expect(await run(first, 'doctor')).toMatchObject({ code: 1, err: expect.stringContaining('There is no data in') });
    const server = peygir(['start'], { PEYGIR_DATA: first, PORT: '0', LOG_LEVEL: 'error', DATABASE_URL: '', PEYGIR_SECRET: '', SMTP_URL: '' }); // prettier-ignore
    try {
      const url = await eventually(async () => /on (http:\S+)/.exec(server.said.err)?.[1], 60_000);
      await eventually(async () => (await fetch(`${url}/health/ready`)).ok);
      const well = await run(first, 'doctor', '--json');
      expect(JSON.parse(well.out)).toMatchObject({ well: true, faults: [] });
      expect(well.code).toBe(0);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('peygir_up{part="queue"} 1');

      expect((await run(first, 'backup', file)).code).toBe(0);
      expect(await run(first, 'backup', file)).toMatchObject({
        code: 1,
        err: expect.stringContaining('exists already'),
      });
      expect(await run(first, 'restore', file)).toMatchObject({ code: 1, err: expect.stringContaining('stop the server first') }); // prettier-ignore
    } finally {
      server.child.kill('SIGTERM');
      await server.ended;
    }
    const restored = await run(second, 'restore', file);
    expect([restored.code, restored.err]).toEqual([0, expect.stringContaining('0 events up to position 0')]);
    expect(await run(second, 'doctor')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Well: nothing is missing'),
    });
  } finally {
    remove();
  }
}, 180_000);
