/**
 * The Merkle log: hashing and appending against 5,000 events a second, in memory and into PostgreSQL;
 * and how long an auditor waits. AUDIT_EVENTS sets the size of the log that is verified (200,000; a province
 * has a million in ten years).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Frontier, leafBytes, leafHash, merkleLog, type Leaf } from '#audit';
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

/** Many provinces' Tuesdays on one calendar: as many events as asked for, every clock among them sound. */
function* many(count: number): Generator<Leaf> {
  const recordedAt = tuesdays.at(-1)!.recordedAt;
  let position = 0;
  for (let copy = 0; position < count; copy += 1) {
    for (const event of tuesdays) {
      if (copy > 0 && event.stream.startsWith('calendar-')) continue;
      const stream = event.stream.startsWith('calendar-') ? event.stream : `${event.stream}.${copy}`;
      position += 1;
      yield { ...event, stream, position: String(position), recordedAt };
    }
  }
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

{
  const events = [...many(EVENTS)];
  const { script } = await verifiers();
  const { dir, remove } = await exported(events, { claims: claimsOf(events) });
  writeFileSync(join(dir, 'verify.mjs'), script);
  const size = events.length;
  events.length = 0;
  const began = performance.now();
  const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=900', 'verify.mjs', '--json'], {
    cwd: dir,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = (performance.now() - began) / 1000;
  remove();
  if (status !== 0) throw new Error(`it does not verify: ${stdout.slice(0, 2_000)}`);
  const allowed = (60 * size) / 1_000_000;
  report(`verify.mjs on ${size.toLocaleString('en')} events, heap below 900 MB`, `${seconds.toFixed(1)} s`, {
    met: seconds <= Math.max(allowed, 5),
    is: `≤ ${Math.max(allowed, 5).toFixed(0)} s`,
  });
}
