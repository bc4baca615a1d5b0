/**
 * The Merkle log: hashing and appending against 5,000 events a second, in memory and into PostgreSQL; and how long an
 * auditor waits. Beside it, SHA-256 of the same bytes, rows put into a plain table, and parsing and hashing the export.
 * AUDIT_EVENTS sets the size of the log that is verified (200,000; a province has a million in ten years).
 */
import { spawnSync } from 'node:child_process';
import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { checkpointText, formatNote, Frontier, leafBytes, leafHash, merkleLog, signNote, type Leaf } from '#audit';
import { verifiers } from '#apps/verifier/bundle';
import { createPool, createSql, migrate } from '#stores';
import { claimsOf, exported, LOG } from '#test/kit/audit';
import { inTurns, limitRate, limitSeconds, median, perSecond, rate, report, seconds, withPostgres } from './kit.js';
import { plainLog, tuesdays } from './log.kit.js';

const TARGET = 5_000;
const EVENTS = Number(process.env['AUDIT_EVENTS'] ?? 200_000);
const ROUNDS = 3;

const story: Leaf[] = await tuesdays();

/** Many provinces' Tuesdays on one calendar, side by side: as many events as asked for, every clock among them sound. */
function* many(count: number): Generator<Leaf> {
  const copies = Math.ceil(count / story.length);
  let position = 0;
  for (const event of story) {
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

const target = (product: number) => ({ met: product >= TARGET, is: `≥ ${rate(TARGET)}` });

{
  const sample = [...many(50_000)];
  const bytes = sample.map(leafBytes);
  const found = await inTurns(ROUNDS, {
    product: () =>
      perSecond(() => {
        const tree = Frontier.empty();
        for (const event of sample) tree.append(leafHash(leafBytes(event)));
        tree.root();
        return sample.length;
      }),
    limit: () => perSecond(() => (bytes.forEach((each) => hash('sha256', each, 'buffer')), bytes.length)),
  });
  const [product, limit] = [median(found.product), median(found.limit)];
  report(
    'canonical JSON, leaf hash and append, in memory',
    rate(product),
    target(product),
    limitRate('SHA-256 of the same bytes', limit, product),
  );
}

await withPostgres(async (connection) => {
  await migrate(connection);
  const pool = createPool(connection, { max: 2 });
  const sql = createSql(pool);
  const log = merkleLog(LOG);
  await sql.query(log.schema);
  const plain = await plainLog(connection);
  const sample = [...many(20_000 * ROUNDS)] as Parameters<typeof log.apply>[0][number][];
  let at = 0;
  const pages = (work: (page: typeof sample) => Promise<unknown>) =>
    perSecond(async () => {
      const end = at + 20_000;
      for (; at < end; at += 500) await work(sample.slice(at, at + 500));
      return 20_000;
    });
  const found = await inTurns(ROUNDS, {
    product: () => pages((page) => sql.transaction((within) => log.apply(page, within))),
    limit: () => ((at -= 20_000), pages((page) => plain.insert(page.map((each) => ({ ...each, id: randomUUID() }))))),
  });
  const [product, limit] = [median(found.product), median(found.limit)];
  report(
    'the subscriber: tiles, leaves, checkpoints in PostgreSQL',
    rate(product),
    target(product),
    limitRate('the events put into a plain table, 500 in a commit', limit, product),
  );
  await plain.end();
  await pool.end();
});

/** Before it, the log's own checkpoints; what comes with it is the verifier. */
async function exportOf(count: number) {
  const events = [...many(count)];
  const { script, page } = await verifiers();
  const files = { 'verify.mjs': script, 'verify.html': page };
  const written = await exported(events, { claims: claimsOf(events), kept: keptOf(events), files });
  const leaves = events.map(leafBytes);
  return {
    ...written,
    size: events.length,
    /** What no verifier can leave out: seconds. */
    leastSeconds() {
      const began = performance.now();
      for (const leaf of leaves) {
        hash('sha256', leaf, 'buffer');
        JSON.parse(Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength).toString());
      }
      return (performance.now() - began) / 1_000;
    },
  };
}

const verified = (by: string, size: number, took: number, allowed: number, least: number) =>
  report(
    `${by} on ${size.toLocaleString('en')} events`,
    seconds(took),
    { met: took <= allowed, is: `≤ ${seconds(allowed)}` },
    limitSeconds('JSON.parse and SHA-256 of every leaf', least, took),
  );

{
  const { dir, remove, size, leastSeconds } = await exportOf(EVENTS);
  const least = leastSeconds();
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    '/usr/bin/time',
    ['-f', '%M', process.execPath, 'verify.mjs', '--json'],
    {
      cwd: dir,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  const took = (performance.now() - began) / 1_000;
  remove();
  if (status !== 0) throw new Error(`it does not verify: ${stdout.slice(0, 2_000)} ${stderr}`);
  verified('verify.mjs', size, took, Math.max((60 * size) / 1_000_000, 5), least);
  report('its largest size', `${(Number(stderr.trim().split('\n').at(-1)) / 1_000).toFixed(0)} MB`);
}

if (existsSync('/usr/bin/chromium')) {
  const { dir, remove, size, leastSeconds } = await exportOf(100_000);
  const least = leastSeconds();
  const flags = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags });
  const page = await browser.newPage();
  page.setDefaultTimeout(180_000);
  await page.goto(`file://${dir}/verify.html`);
  await page.locator('#folder').setInputFiles(dir);
  const began = performance.now();
  await page.locator('#out[data-code]').waitFor();
  const took = (performance.now() - began) / 1_000;
  const text = await page.locator('#out').textContent();
  await browser.close();
  remove();
  if (!text!.includes('OK')) throw new Error(`it does not verify in a browser: ${text!.slice(0, 2_000)}`);
  verified('verify.html in Chromium', size, took, 30, least);
}
