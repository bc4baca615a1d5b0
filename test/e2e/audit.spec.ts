import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifiers } from '#apps/verifier/bundle';
import { Simulation } from '#apps/simulation';
import { communicated, PROVINCE } from '#test/kit/timeline';
import { checkpointOf, exported, LOG } from '#test/kit/audit';
import { vkey, type Leaf } from '#audit';

jest.setTimeout(120_000);

/** The file that an auditor runs: nothing else of this project is there. */
it('verifies with verify.mjs alone, says so by its exit code, and leaves a checkpoint for the next visit', async () => {
  const events: Leaf[] = [];
  const simulation = new Simulation((event) => events.push(event));
  const lines = [...PROVINCE, ...communicated('2026-08-25T05:30:00.000Z')];
  for (const [line, said] of lines.entries()) await simulation.send({ ...said, line });
  await simulation.advance('2026-10-25T05:30:00.000Z');
  const { script, page } = await verifiers();
  const imports = [...script.matchAll(/^import .*?from "([^"]+)"/gm)].map(([, name]) => name);
  expect(new Set(imports)).toEqual(new Set(['node:crypto', 'node:fs', 'node:path', 'node:url', 'node:util']));
  expect(page).not.toMatch(/\brequire\(|\bimport\(|fetch\(|https?:\/\/|node:/);
  const { dir, remove } = await exported(events, { files: { 'verify.mjs': script, 'verify.html': page } });
  const home = mkdtempSync(join(tmpdir(), 'auditor-'));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(dir, 'verify.mjs'), ...args], { cwd: home, encoding: 'utf8', timeout: 60_000 });
  try {
    const visit = run('--key', vkey(LOG), '--save', 'taken');
    expect([visit.status, visit.stderr]).toEqual([0, '']);
    expect(visit.stdout.match(/^✓/gm)).toHaveLength(10);
    expect(visit.stdout).toContain('دفتر این را امضا کرده است');
    expect(readFileSync(join(home, 'taken'), 'utf8')).toBe(checkpointOf(events));

    const next = run(dir, '--since', 'taken', '--json');
    expect(JSON.parse(next.stdout)).toMatchObject({ code: 0, findings: [] });

    const entries = join(dir, `tile/entries/000.p/${events.length}`);
    const bytes = readFileSync(entries);
    bytes[bytes.length - 60]! ^= 1;
    writeFileSync(entries, bytes);
    const tampered = run();
    expect(tampered.status).toBe(12);
    expect(tampered.stdout).toContain('رویدادی دست‌کاری شده است');
    rmSync(join(dir, 'checkpoint'));
    expect(run().status).toBe(10);
    expect(run('--since', 'nowhere').status).toBe(2);
    expect(run('--no-such-option').status).toBe(2);
  } finally {
    remove();
    rmSync(home, { recursive: true });
  }
});
