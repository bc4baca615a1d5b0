import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifiers } from '#apps/verifier/bundle';
import { Simulation } from '#apps/simulation';
import { communicated, PROVINCE } from '#test/kit/timeline';
import { checkpointOf, exported, LOG } from '#test/kit/audit';
import { chromium } from 'playwright-core';
import { signerKey, vkey, type Leaf } from '#audit';
import { needs } from '#test/kit/needs';

const FLAGS = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'; // prettier-ignore

needs('chromium')('the page of an export, in a browser', () => {
  it('verifies from the disk, asks nobody for anything, and hands over the checkpoint', async () => {
    const events: Leaf[] = [];
    const simulation = new Simulation((event) => events.push(event));
    const lines = [...PROVINCE, ...communicated('2026-08-25T05:30:00.000Z')];
    for (const [line, said] of lines.entries()) await simulation.send({ ...said, line });
    const { page: html } = await verifiers();
    const { dir, remove } = await exported(events, { files: { 'verify.html': html } });
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS.split(' ') });
    try {
      const page = await browser.newPage();
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).protocol));
      await page.goto(`file://${dir}/verify.html`);
      const verdict = async () => {
        await page.locator('#folder').setInputFiles(dir);
        await page.locator('#out[data-code]').waitFor();
        return page.locator('#out').evaluate((out: any) => {
          const { code } = out.dataset;
          delete out.dataset.code;
          return [Number(code), String(out.textContent)] as const;
        });
      };
      await page.locator('#key').fill(vkey(LOG));
      const [code, text] = await verdict();
      expect(text).toContain('OK · درست است');
      expect([code, text.match(/^✓/gm)?.length]).toEqual([0, 10]);
      const [kept] = await Promise.all([page.waitForEvent('download'), page.locator('#keep').click()]);
      expect(readFileSync(await kept.path(), 'utf8')).toBe(checkpointOf(events));

      const entries = join(dir, `tile/entries/000.p/${events.length}`);
      const bytes = readFileSync(entries);
      bytes[bytes.length - 60]! ^= 1;
      writeFileSync(entries, bytes);
      expect((await verdict())[0]).toBe(12);
      await page.locator('#key').fill(vkey(signerKey(LOG.name, new Uint8Array(32).fill(9))));
      expect((await verdict())[0]).toBe(11);
      expect(asked.filter((protocol) => protocol !== 'file:' && protocol !== 'blob:')).toEqual([]);
    } finally {
      await browser.close();
      remove();
    }
  });
});

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
    writeFileSync(join(home, 'nonsense'), 'nonsense\n');
    // The option that is wrong, as it was given; or, of three, the one that is missing.
    for (const wrong of [
      ['--since', 'nonsense'],
      ['--policy', 'nonsense'],
      ['--key', 'nonsense'],
      ['--since-size', '1e3', '--since-root', 'AAAA'],
      ['--since-root', '--since-size', '5'],
    ]) {
      const { status, stderr } = run(...(wrong.length === 3 ? wrong.slice(1) : wrong));
      expect([status, stderr]).toEqual([2, expect.stringContaining(`verify.mjs: ${wrong[0]}`)]);
    }
    expect(run('--no-such-option').status).toBe(2);
  } finally {
    remove();
    rmSync(home, { recursive: true });
  }
});
