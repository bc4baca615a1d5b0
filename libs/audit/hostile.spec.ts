import fc from 'fast-check';
import {
  checkpointText,
  checkProof,
  cosign,
  COSIGNATURE,
  formatAddCheckpoint,
  formatNote,
  formatProof,
  Frontier,
  leafHash,
  Malformed,
  parseAddCheckpoint,
  parseLeaf,
  parsePolicy,
  parseProof,
  parseSignatures,
  parseSignedCheckpoint,
  parseVkey,
  signatureLine,
  signerKey,
  signNote,
  unbundle,
  utf8,
  vkey,
} from './index.js';

/** What others send may be anything: every parser answers with a value or with Malformed, at once. */
const log = signerKey('log.example/1', new Uint8Array(32).fill(1));
const witness = signerKey('w.example/1', new Uint8Array(32).fill(2), COSIGNATURE);
const tree = Frontier.empty();
tree.append(leafHash(utf8('a')));
tree.append(leafHash(utf8('b')));
const text = checkpointText({ origin: log.name, size: 2, root: tree.root() });
const note = formatNote({ text, signatures: [signNote(text, log), cosign(text, witness, 1_800_000_000)] });
const proof = formatProof({ index: 1, hashes: [leafHash(utf8('a'))], checkpoint: note, extra: utf8('b') });
const request = formatAddCheckpoint(1, [leafHash(utf8('b'))], note);
const policy = `log ${vkey(log)}\nwitness w ${vkey(witness)}\nquorum w\n`;
const GOOD: [string, (input: string) => unknown, string][] = [
  ['a note', parseSignedCheckpoint, note],
  ['a proof', parseProof, proof],
  ['a request to a witness', parseAddCheckpoint, request],
  ['the answer of a witness', parseSignatures, signatureLine(cosign(text, witness, 1))],
  ['a policy', parsePolicy, policy],
  ['a verifier key', parseVkey, vkey(log)],
  ['an entry', (input) => parseLeaf(utf8(input)), '{"data":{}}'],
  ['a bundle', (input) => unbundle(utf8(input), 3), '\u0000\u0001a\u0000\u0001b\u0000\u0000'],
];

const PIECES = ['', '\n', '\n\n', ' ', '—', '\u0000', '\ud800', '=', '0', '-1', '9'.repeat(30), 'A'.repeat(5_000)];
/** A good text with a piece of it taken out and another put in its place. */
const spoilt = (good: string) =>
  fc
    .tuple(fc.nat(good.length), fc.nat(40), fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary' })))
    .map(([at, length, piece]) => good.slice(0, at) + piece + good.slice(at + length));

it.each(GOOD)('%s that was spoilt, or is nothing at all, is read or refused', (_, parse, good) => {
  fc.assert(
    fc.property(fc.oneof(spoilt(good), fc.string({ unit: 'binary', maxLength: 300 })), (input) => {
      try {
        parse(input);
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
      }
    }),
    { numRuns: 400 },
  );
});

it('a proof that was changed anywhere proves nothing of another entry', async () => {
  expect(await checkProof(proof, undefined, log)).toMatchObject({ index: 1, checkpoint: { size: 2 } });
  await fc.assert(
    fc.asyncProperty(spoilt(proof), async (input) => {
      const proven = await checkProof(input, utf8('c'), log);
      expect(typeof proven).toBe('string');
    }),
  );
});
