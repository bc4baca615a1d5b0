import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkpointText,
  consistencyProof,
  COSIGNATURE,
  EMPTY_ROOT,
  formatAddCheckpoint,
  formatNote,
  Frontier,
  leafHash,
  parseSignatures,
  rangeRoot,
  signerKey,
  signNote,
  utf8,
  whoSigned,
  type Hash,
} from '#audit';
import { Witness } from './witness.js';

const log = signerKey('log.example/1', new Uint8Array(32).fill(1));
const key = signerKey('witness.example/1', new Uint8Array(32).fill(2), COSIGNATURE);

function history(name: string, count = 40) {
  const nodes = new Map<string, Hash>();
  const tree = Frontier.empty();
  for (let i = 0; i < count; i++) {
    // Two histories agree on their first ten leaves.
    tree.append(leafHash(utf8(i < 10 ? `${i}` : `${name} ${i}`)), (h, index, hash) => nodes.set(`${h}/${index}`, hash));
  }
  const read = (height: number, index: number) => nodes.get(`${height}/${index}`)!;
  return async (old: number, size: number, signer = log) => {
    const text = checkpointText({ origin: signer.name, size, root: await rangeRoot(0, size, read) });
    const note = formatNote({ text, signatures: [signNote(text, signer)] });
    return formatAddCheckpoint(old, old <= size ? await consistencyProof(old, size, read) : [], note);
  };
}

describe('a witness', () => {
  const ask = history('true');
  const lie = history('false');
  let dir: string;
  let witness: Witness;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'witness-'));
    witness = new Witness(key, [log], dir, () => 1_800_000_000);
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const status = async (body: string) => (await witness.addCheckpoint(body)).status;

  it('cosigns a log that grows, and remembers it when it starts again', async () => {
    const { status: first, body } = await witness.addCheckpoint(await ask(0, 5));
    expect(first).toBe(200);
    const { text } = { text: (await ask(0, 5)).split('\n\n')[1]! + '\n' };
    expect((await whoSigned({ text, signatures: parseSignatures(body) }, [key])).by).toEqual([key]);
    witness = new Witness(key, [log], dir);
    expect(await witness.addCheckpoint(await ask(0, 12))).toEqual({
      status: 409,
      body: '5\n',
      type: 'text/x.tlog.size',
    });
    expect(await status(await ask(5, 12))).toBe(200);
    expect(await status(await ask(12, 12))).toBe(200);
  });

  it('never signs a second history: not of the same size, not larger, not smaller', async () => {
    expect(await status(await ask(0, 20))).toBe(200);
    expect(await status(await lie(20, 20))).toBe(409);
    expect(await status(await lie(20, 30))).toBe(422);
    expect(await status(await ask(0, 15))).toBe(409);
    expect(await status(await ask(20, 15))).toBe(400);
  });

  it('refuses what is malformed, unknown or not signed by the log', async () => {
    const good = await ask(0, 5);
    for (const body of [
      '',
      'old 0',
      'new 0\n\n',
      good.replace('old 0', 'old 00'),
      good.replace('old 0', 'old -1'),
      'x'.repeat(99_999),
    ])
      expect(await status(body)).toBe(400);
    const many = good.replace('old 0\n', `old 0\n${'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'.repeat(64)}`);
    expect(await status(many)).toBe(400);
    expect(await status(good.replace('old 0\n', 'old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'))).toBe(422);
    expect(await status(await ask(0, 5, signerKey('other/1', new Uint8Array(32).fill(1))))).toBe(404);
    expect(await status(await ask(0, 5, signerKey(log.name, new Uint8Array(32).fill(7))))).toBe(403);
    expect(await status(good.replace('\n5\n', '\n6\n'))).toBe(403);
    const text = checkpointText({ origin: log.name, size: 0, root: leafHash(EMPTY_ROOT) });
    const empty = formatNote({ text, signatures: [signNote(text, log)] });
    expect(await status(formatAddCheckpoint(0, [], empty))).toBe(422);
    expect(readdirSync(dir).flatMap((log_) => readdirSync(join(dir, log_)))).toEqual([]);
  });

  it('lets one of many racers through, in one process and in several', async () => {
    expect(await status(await ask(0, 10))).toBe(200);
    // Each has its own memory of the same folder, as processes have.
    const racers = Array.from({ length: 8 }, () => new Witness(key, [log], dir));
    const bodies = await Promise.all([...racers.keys()].map((i) => (i % 2 ? ask : lie)(10, 20)));
    const answers = await Promise.all(racers.map((racer, i) => racer.addCheckpoint(bodies[i]!)));
    const won = answers.flatMap(({ status: each }, i) => (each === 200 ? [i % 2] : []));
    expect(won.length).toBeGreaterThan(0);
    // A late one with size 20 on 10 either finds 20 taken, or the other history.
    expect(new Set(won).size).toBe(1);
    expect(answers.every(({ status: each }) => each === 200 || each === 409)).toBe(true);
  });
});
