import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder, peygir } from '#test/kit/cli';
import { eventually } from '#test/kit/worker';

/** What an operator types, on a deployment that starts, is looked at, proven, saved, and put back elsewhere. */
it('doctor, the proofs, backup and restore, beside the running server and without one', async () => {
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
      const url = await eventually(async () => /on (http:\S+)/.exec(server.said.err)?.[1]);
      await eventually(async () => (await fetch(`${url}/health/ready`)).ok);
      const well = await run(first, 'doctor', '--json');
      expect(JSON.parse(well.out)).toMatchObject({ well: true, faults: [] });
      expect(well.code).toBe(0);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('peygir_up{part="queue"} 1');

      const token = (await run(first, 'token', '--role', 'admin')).out.trim();
      const said = await fetch(`${url}/v1/workingGroup/energy/EstablishWorkingGroup`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'کارگروه انرژی', chair: 'governor', secretary: 'samt', capacity: 14 }),
      });
      expect(said.status).toBe(200);
      await eventually(async () => (await fetch(`${url}/health/ready`)).ok);
      const grown = await eventually(async () => {
        const signed = await run(first, 'checkpoint');
        return signed.out.startsWith('peygir/IR-03\n1\n') && signed;
      });
      expect(grown.err).toContain("The log's key: peygir/IR-03+");
      const [receipt, exported, known] = await Promise.all([
        run(first, 'receipt', 'workingGroup-energy', '0'),
        run(first, 'export', join(folder, 'all'), '--purpose', 'ninth inspection'),
        run(first, 'replay', 'workingGroup-energy'),
      ]);
      expect(receipt.out).toMatch(/^c2sp\.org\/tlog-proof@v1\nextra /);
      expect([exported.code, exported.out]).toEqual([0, expect.stringContaining('1 of 1 entries')]);
      expect(known.out.split('\n').map((line) => line && JSON.parse(line).type)).toEqual(['WorkingGroupEstablished', undefined, '']); // prettier-ignore
      const verdict = await run(first, 'verify', join(folder, 'all'));
      expect([verdict.code, verdict.out]).toEqual([0, expect.stringContaining('✓ 10')]);

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
    expect([restored.code, restored.err]).toEqual([0, expect.stringMatching(/\b\d+ events up to position \d+/)]);
    expect(await run(second, 'doctor')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Well: nothing is missing'),
    });
  } finally {
    remove();
  }
});
