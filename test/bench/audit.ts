/**
 * The Merkle log: hashing and appending against 5,000 events a second, in memory and into PostgreSQL;
 * and how long an auditor waits. AUDIT_EVENTS sets the size of the log that is verified (200,000; a province
 * has a million in ten years).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { checkpointText, formatNote, Frontier, leafBytes, leafHash, merkleLog, signNote, type Leaf } from '#audit';
import { readLines } from '#apps/cli/lines';
import { Simulation } from '#apps/simulation';
import { verifiers } from '#apps/verifier/bundle';
import { createPool, createSql, migrate, startEmbeddedPostgres } from '#stores';
import { claimsOf, exported, LOG } from '#test/kit/audit';
import { report } from './kit.js';

const TARGET = 5_000;
const EVENTS = Number(process.env['AUDIT_EVENTS'] ?? 200_000);

const tuesdays: Leaf[] = [];
const simulation = new Simulation((event) => tuesdays.push(event));
for await (const line of readLines('apps/cli/data/economic-tuesdays.ndjson')) await simulation.send(line);
await simulation.advance('2026-11-22T08:30:00.000Z');

/** Many provinces' Tuesdays on one calendar, side by side: as many events as asked for, every clock among them sound. */
function* many(count: number): Generator<Leaf> {
  const copies = Math.ceil(count / tuesdays.length);
  let position = 0;
  for (const event of tuesdays) {
    const once = event.stream.startsWith('calendar-');
    for (let copy = 0; copy < (once ? 1 : copies); copy += 1) {
      position += 1;
      yield { ...event, stream: once ? event.stream : `${event.stream}.${copy}`, position: String(position) };
    }
  }
}

/** A checkpoint after each communication, as the log keeps them. */
function keptOf(events: readonly Leaf[]): string[] {
  const tree = Frontier.empty();
  return events.flatMap((event) => {
    tree.append(leafHash(leafBytes(event)));
    if (event.type !== 'ResolutionCommunicated') return [];
    const text = checkpointText({ origin: LOG.name, size: tree.size, root: tree.root() });
    return [formatNote({ text, signatures: [signNote(text, LOG)] })];
  });
}

function perSecond(count: number, began: number): { figure: string; rate: number } {
  const rate = (count / (performance.now() - began)) * 1000;
  return { rate, figure: `${Math.round(rate).toLocaleString('en')}/s` };
}

{
  const sample = [...many(50_000)];
  const began = performance.now();
  const tree = Frontier.empty();
  for (const event of sample) tree.append(leafHash(leafBytes(event)));
  tree.root();
  const { figure, rate } = perSecond(sample.length, began);
  report('canonical JSON, leaf hash and append, in memory', figure, { met: rate >= TARGET, is: `≥ ${TARGET}/s` });
}

const path = mkdtempSync(join(tmpdir(), 'peygir-bench-'));
chmodSync(path, 0o755);
const server = await startEmbeddedPostgres(path, { log: () => {} });
try {
  await migrate(server.connection);
  const pool = createPool(server.connection, { max: 2 });
  const sql = createSql(pool);
  const log = merkleLog(LOG);
  await sql.query(log.schema);
  const sample = [...many(20_000)] as Parameters<typeof log.apply>[0][number][];
  const began = performance.now();
  for (let at = 0; at < sample.length; at += 500) {
    await sql.transaction((within) => log.apply(sample.slice(at, at + 500), within));
  }
  const { figure, rate } = perSecond(sample.length, began);
  report('the subscriber: tiles, leaves, checkpoints in PostgreSQL', figure, {
    met: rate >= TARGET,
    is: `≥ ${TARGET}/s`,
  });
  await pool.end();
} finally {
  await server.stop();
  rmSync(path, { recursive: true, force: true });
}

/** Before it, the log's own checkpoints; what comes with it is the verifier. */
async function exportOf(count: number) {
  const events = [...many(count)];
  const { script, page } = await verifiers();
  const files = { 'verify.mjs': script, 'verify.html': page };
  const written = await exported(events, { claims: claimsOf(events), kept: keptOf(events), files });
  return { ...written, size: events.length };
}

{
  const { dir, remove, size } = await exportOf(EVENTS);
  const began = performance.now();
  const { status, stdout } = spawnSync('/usr/bin/time', ['-f', '%M', process.execPath, 'verify.mjs', '--json'], {
    cwd: dir,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seconds = (performance.now() - began) / 1000;
  remove();
  if (status !== 0) throw new Error(`it does not verify: ${stdout.slice(0, 2_000)}`);
  const allowed = Math.max((60 * size) / 1_000_000, 5);
  report(
    `verify.mjs on ${size.toLocaleString('en')} events (above: its largest size in kB)`,
    `${seconds.toFixed(1)} s`,
    {
      met: seconds <= allowed,
      is: `≤ ${allowed.toFixed(0)} s`,
    },
  );
}

if (existsSync('/usr/bin/chromium')) {
  const { dir, remove, size } = await exportOf(100_000);
  const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
  const page = await browser.newPage();
  page.setDefaultTimeout(180_000);
  await page.goto(`file://${dir}/verify.html`);
  await page.locator('#folder').setInputFiles(dir);
  const began = performance.now();
  await page.locator('#out[data-code]').waitFor();
  const seconds = (performance.now() - began) / 1000;
  const text = await page.locator('#out').textContent();
  await browser.close();
  remove();
  if (!text!.includes('OK')) throw new Error(`it does not verify in a browser: ${text!.slice(0, 2_000)}`);
  report(`verify.html in Chromium on ${size.toLocaleString('en')} events`, `${seconds.toFixed(1)} s`, {
    met: seconds <= 30,
    is: '≤ 30 s',
  });
}
