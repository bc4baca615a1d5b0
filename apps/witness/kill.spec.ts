import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkpointText,
  consistencyProof,
  formatAddCheckpoint,
  formatNote,
  Frontier,
  leafHash,
  parseCheckpoint,
  parseSignatures,
  parseSignedCheckpoint,
  parseVkey,
  rangeRoot,
  signerKey,
  signNote,
  utf8,
  vkey,
  whoSigned,
  type Hash,
} from '#audit';

const log = signerKey('log.example/1', new Uint8Array(32).fill(1));
const SIZE = 400;
const history = (name: string) => {
  const nodes = new Map<string, Hash>();
  const tree = Frontier.empty();
  for (let i = 0; i < SIZE; i++) {
    const entry = utf8(i < 3 ? `${i}` : `${name} ${i}`);
    tree.append(leafHash(entry), (h, index, hash) => nodes.set(`${h}/${index}`, hash));
  }
  const read = (height: number, index: number) => nodes.get(`${height}/${index}`)!;
  return async (old: number, size: number) => {
    const text = checkpointText({ origin: log.name, size, root: await rangeRoot(0, size, read) });
    const note = formatNote({ text, signatures: [signNote(text, log)] });
    return { note, body: formatAddCheckpoint(old, await consistencyProof(old, size, read), note) };
  };
};

describe('the witness as a process', () => {
  let dir: string;
  let policy: string;
  const args = () => ['--name', 'w.example/1', '--dir', join(dir, 'memory'), '--policy', policy];
  const node = ['--import', './test/kit/ts.mjs', 'apps/witness/main.ts'];
  const file = (body: string, ...more: string[]) =>
    spawnSync(process.execPath, [...node, ...args(), '--file', '-', ...more], { input: body, encoding: 'utf8' });
  const started = async (): Promise<{ child: ChildProcess; url: string; key: string }> => {
    const child = spawn(process.execPath, [...node, ...args(), '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout!, 'data')) as [Buffer];
    const [, key, url] = /^(\S+) on (\S+)/.exec(said.toString())!;
    return { child, key: key!, url: url! };
  };
  const latest = (): { size: number; count: number } => {
    const [folder] = readdirSync(join(dir, 'memory')).filter((name) => name !== 'witness.key');
    const numbers = readdirSync(join(dir, 'memory', folder!))
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    const sizes = numbers
      .toSorted((a, b) => a - b)
      .map((n) => parseCheckpoint(readFileSync(join(dir, 'memory', folder!, String(n)), 'utf8')).size);
    // What it remembers only grows, whatever it was doing when it died.
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    return { size: sizes.at(-1)!, count: sizes.length };
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'witness-'));
    policy = join(dir, 'policy');
    writeFileSync(policy, `log ${vkey(log)}\nquorum none\n`);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('forgets nothing that it has signed and signs no second history, killed at whatever instant', async () => {
    const truth = history('true');
    const lie = history('false');
    let acknowledged = 0;
    for (let round = 0; round < 2; round += 1) {
      const { child, url, key } = await started();
      const ended = once(child, 'exit');
      const send = async (body: string) => {
        const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body });
        return { status: answer.status, text: await answer.text() };
      };
      let old = round === 0 ? 0 : latest().size;
      expect(old).toBeGreaterThanOrEqual(acknowledged);
      // After a dozen or so that were signed; the rest is under way when it dies.
      const killAfter = 5 + round * 8;
      try {
        for (let done = 0; old < SIZE; done += 1) {
          const { note, body } = await truth(old, old + 1);
          // Beyond the leaves that the two have in common nobody can be told the other.
          const rival = old > 3 ? send((await lie(old, old + 2)).body) : { status: 422 };
          const asking = Promise.all([send(body), rival]);
          if (done === killAfter) child.kill('SIGKILL');
          const [own, other] = await asking; // neither is left behind: both end with the witness
          expect([409, 422]).toContain(other.status);
          expect(own.status).toBe(200);
          const { text } = parseSignedCheckpoint(note).note;
          const by = await whoSigned({ text, signatures: parseSignatures(own.text) }, [parseVkey(key)]);
          expect(by.by).toHaveLength(1);
          acknowledged = old += 1;
        }
      } catch (error) {
        if ((error as Error).name !== 'TypeError') throw error; // the connection went down with it
      }
      await ended;
    }
    expect(latest().size).toBeGreaterThanOrEqual(acknowledged);
    expect(acknowledged).toBeGreaterThan(12);
  });

  it('takes a request from a file, without a network, and answers with the same words', async () => {
    const ask = history('true');
    const { note, body } = await ask(0, 5);
    const first = file(body);
    expect([first.status, first.stderr]).toEqual([0, '']);
    const { text } = parseSignedCheckpoint(note).note;
    expect(parseSignatures(first.stdout)[0]!.name).toBe('w.example/1');
    expect(text).toContain('\n5\n');
    const again = file((await ask(0, 9)).body);
    expect([again.status, again.stdout, again.stderr]).toEqual([1, '', '5\n']);
    expect(file((await history('false')(5, 9)).body)).toMatchObject({ status: 1, stdout: '' });
    expect(latest()).toEqual({ size: 5, count: 1 });
  });
});
