import {
  bundle,
  checkpointText,
  checkProof,
  entriesPath,
  formatNote,
  formatProof,
  Frontier,
  inclusionProof,
  leafHash,
  Malformed,
  nodesFrom,
  parseProof,
  rangeRoot,
  signerKey,
  signNote,
  tilePath,
  tilesOf,
  unbundle,
  utf8,
} from './index.js';

const SIZE = 70_000;
const entry = (index: number) => utf8(`entry ${index}`);
const tiles = new Map<string, number[]>();
const frontier = Frontier.empty();
for (let i = 0; i < SIZE; i++) {
  frontier.append(leafHash(entry(i)), (height, index, hash) => {
    if (height % 8 > 0) return;
    const name = `${height / 8}/${Math.floor(index / 256)}`;
    tiles.set(name, [...(index % 256 ? tiles.get(name)! : []), ...hash]);
  });
}
const readTile = async (level: number, index: number) => Uint8Array.from(tiles.get(`${level}/${index}`)!);

describe('tiles', () => {
  it('has the paths of the specification', () => {
    expect(tilePath(0, 1_234_067)).toBe('tile/0/x001/x234/067');
    expect(tilePath(2, 0, 1)).toBe('tile/2/000.p/1');
    expect(entriesPath(273, 112)).toBe('tile/entries/273.p/112');
    expect(entriesPath(1000)).toBe('tile/entries/x001/000');
  });

  it('cuts a tree of 70,000 as the specification says', () => {
    const all = [...tilesOf(SIZE)];
    const count = (level: number, full: boolean) =>
      all.filter((tile) => tile.level === level && (tile.width === 256) === full).length;
    expect([count(0, true), count(1, true), count(2, true)]).toEqual([273, 1, 0]);
    expect(all.filter(({ width }) => width < 256)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect([...tilesOf(0)]).toEqual([]);
    expect([...tilesOf(256)].map(({ level, width }) => [level, width])).toEqual([
      [0, 256],
      [1, 1],
    ]);
  });

  it('gives every root and proof from tiles alone', async () => {
    const nodes = nodesFrom(SIZE, readTile);
    expect(await rangeRoot(0, SIZE, nodes)).toEqual(frontier.root());
    await expect(
      rangeRoot(
        0,
        SIZE,
        nodesFrom(SIZE, async () => new Uint8Array(31)),
      ),
    ).rejects.toThrow(Malformed);
  });

  it('reads back what it bundled, and refuses what is torn, padded or short of entries', () => {
    const entries = [entry(1), new Uint8Array(0), new Uint8Array(65_535).fill(3)];
    const bytes = bundle(entries);
    expect(unbundle(bytes, 3)).toEqual(entries);
    for (const [broken, width] of [
      [bytes.slice(0, -1), 3],
      [bytes, 2],
      [bytes, 4],
      [new Uint8Array([...bytes, 0]), 3],
      [new Uint8Array(0), 1],
    ] as const)
      expect(() => unbundle(broken, width)).toThrow(Malformed);
    expect(() => bundle([new Uint8Array(65_536)])).toThrow(Malformed);
  });
});

describe('a receipt', () => {
  const log = signerKey('example.ir/log', new Uint8Array(32).fill(1));
  const text = checkpointText({ origin: log.name, size: SIZE, root: frontier.root() });
  const checkpoint = formatNote({ text, signatures: [signNote(text, log)] });
  const receipt = async (index: number) => ({
    index,
    hashes: await inclusionProof(index, SIZE, nodesFrom(SIZE, readTile)),
    checkpoint,
    extra: entry(index),
  });

  it('is checked by whoever knows the key of the log', async () => {
    const proof = await receipt(4711);
    const file = formatProof(proof);
    expect(file.split('\n').slice(0, 3)).toEqual([
      'c2sp.org/tlog-proof@v1',
      `extra ${Buffer.from('entry 4711').toString('base64')}`,
      'index 4711',
    ]);
    expect(parseProof(file)).toEqual(proof);
    expect(await checkProof(file, undefined, log)).toMatchObject({ index: 4711, checkpoint: { size: SIZE } });
    expect(await checkProof(file, entry(4711), log)).toMatchObject({ index: 4711 });
  });

  it('says why it proves nothing', async () => {
    const proof = await receipt(4711);
    const file = formatProof(proof);
    const check = (broken: string, of?: Uint8Array, key = log) => checkProof(broken, of, key);
    expect(await check(file, entry(4712))).toContain('do not lead');
    expect(await check(formatProof({ ...proof, hashes: proof.hashes.slice(1) }))).toContain('do not lead');
    expect(await check(formatProof({ ...proof, hashes: [...proof.hashes, proof.hashes[0]!] }))).toContain(
      'do not lead',
    );
    expect(await check(formatProof({ ...proof, hashes: [] }))).toContain('do not lead');
    expect(await check(formatProof({ ...proof, index: SIZE }))).toContain('do not lead');
    expect(await check(file, undefined, signerKey('another', new Uint8Array(32).fill(5)))).toContain('another log');
    expect(await check(file, undefined, signerKey(log.name, new Uint8Array(32).fill(5)))).toContain('not signed');
    expect(await check(formatProof({ ...proof, extra: undefined }))).toContain('no entry');
    for (const torn of [
      '',
      'c2sp.org/tlog-proof@v1\n',
      file.slice(0, 150),
      file.replace('index', 'idx'),
      'x'.repeat(300_000),
    ])
      expect(await check(torn)).toMatch(/^it /);
    const huge = file.replace('\n\n', `\n${'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'.repeat(100)}\n`);
    expect(await check(huge)).toContain('more hashes');
  });
});
