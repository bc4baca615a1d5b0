import fc from 'fast-check';
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  inclusionProof,
  leafHash,
  MAX_TREE_SIZE,
  nodeHash,
  rangeRoot,
  verifyConsistency,
  verifyInclusion,
  type Hash,
} from './tree.js';

const hex = (hash: Hash) => Buffer.from(hash).toString('hex');

/** MTH straight from the definition in RFC 6962 section 2.1. */
function mth(leaves: readonly Uint8Array[]): Hash {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leafHash(leaves[0]!);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

const entries = Array.from({ length: 520 }, (_, i) => new TextEncoder().encode(`entry ${i}`));
const nodes = new Map<string, Hash>();
const roots: Hash[] = [EMPTY_ROOT];
const frontier = Frontier.empty();
for (const entry of entries) {
  frontier.append(leafHash(entry), (height, index, hash) => nodes.set(`${height}/${index}`, hash));
  roots.push(frontier.root());
}
const read = (height: number, index: number) => nodes.get(`${height}/${index}`)!;

/** 0, 1, 2^k and its neighbours: where trees change their shape. */
const EDGES = [
  ...new Set([0, 1, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((k) => [2 ** k - 1, 2 ** k, 2 ** k + 1])]),
].filter((size) => size <= entries.length);
const sizes = fc.oneof(fc.constantFrom(...EDGES), fc.nat({ max: entries.length }));

describe('the tree of RFC 6962', () => {
  it('has the roots of the certificate-transparency test vectors', () => {
    const vectors = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const tree = Frontier.empty();
    const got = [hex(tree.root())];
    for (const vector of vectors) {
      tree.append(leafHash(Buffer.from(vector, 'hex')));
      got.push(hex(tree.root()));
    }
    expect(got).toEqual([
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ]);
  });

  it.each(EDGES)('grows to the root of the definition at size %i', async (size) => {
    expect(hex(roots[size]!)).toBe(hex(mth(entries.slice(0, size))));
    expect(hex(await rangeRoot(0, size, read))).toBe(hex(roots[size]!));
  });

  it('proves every leaf of every size, and only it', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
        fc.pre(size > 0);
        const [index, other] = [a % size, b % size];
        const leaf = leafHash(entries[index]!);
        const proof = await inclusionProof(index, size, read);
        expect(verifyInclusion(index, size, leaf, proof, roots[size]!)).toBe(true);
        if (other !== index) expect(verifyInclusion(other, size, leaf, proof, roots[size]!)).toBe(false);
        expect(verifyInclusion(index, size, leafHash(entries[519]!), proof, roots[size]!)).toBe(index === 519);
      }),
    );
  });

  it('proves that every size contains every smaller one', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (a, b) => {
        const [older, newer] = a < b ? [a, b] : [b, a];
        const proof = await consistencyProof(older, newer, read);
        expect(verifyConsistency(older, newer, proof, roots[older]!, roots[newer]!)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses every proof with a hash too many, too few, changed or of the wrong length', async () => {
    const spoilt = (proof: Hash[], at: number): Hash[][] => {
      const place = proof.length === 0 ? 0 : at % proof.length;
      const wrong = proof.map((hash, i) =>
        i === place ? hash.map((byte, j) => (j === at % 32 ? byte ^ 1 : byte)) : hash,
      );
      return [
        [...proof, EMPTY_ROOT],
        [EMPTY_ROOT, ...proof],
        Array.from({ length: 64 }, () => EMPTY_ROOT),
        ...(proof.length === 0
          ? []
          : [proof.slice(1), proof.slice(0, -1), wrong, [proof[0]!.slice(1), ...proof.slice(1)]]),
      ];
    };
    await fc.assert(
      fc.asyncProperty(sizes, sizes, fc.nat({ max: 1000 }), async (a, b, at) => {
        const [older, newer] = a < b ? [a, b] : [b, a];
        for (const proof of spoilt(await consistencyProof(older, newer, read), at)) {
          expect(verifyConsistency(older, newer, proof, roots[older]!, roots[newer]!)).toBe(false);
        }
        fc.pre(older < newer);
        for (const proof of spoilt(await inclusionProof(older, newer, read), at)) {
          expect(verifyInclusion(older, newer, leafHash(entries[older]!), proof, roots[newer]!)).toBe(false);
        }
      }),
    );
  });

  it('is not fooled by another root of the same size, nor by sizes that cannot be', () => {
    expect(verifyConsistency(7, 7, [], roots[7]!, roots[8]!)).toBe(false);
    expect(verifyConsistency(0, 5, [], roots[3]!, roots[5]!)).toBe(false);
    expect(verifyConsistency(0, 0, [], roots[3]!, roots[3]!)).toBe(false);
    for (const size of [-1, 1.5, NaN, Infinity, MAX_TREE_SIZE + 2]) {
      expect(verifyInclusion(0, size, roots[1]!, [], roots[1]!)).toBe(false);
      expect(verifyConsistency(0, size, [], EMPTY_ROOT, roots[1]!)).toBe(false);
    }
    expect(verifyInclusion(1, 1, roots[1]!, [], roots[1]!)).toBe(false);
  });

  it('goes on from its perfect subtrees as if it had never stopped', async () => {
    for (const size of EDGES.filter((each) => each < entries.length)) {
      const resumed = await Frontier.resume(size, read);
      resumed.append(leafHash(entries[size]!));
      expect(hex(resumed.root())).toBe(hex(roots[size + 1]!));
    }
  });
});
