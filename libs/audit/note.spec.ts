import {
  base64,
  checkpointText,
  cosign,
  COSIGNATURE,
  cosignedAt,
  formatNote,
  fromBase64,
  isKeyName,
  Malformed,
  parseCheckpoint,
  parseNote,
  parseSignedCheckpoint,
  parseVkey,
  signerKey,
  signNote,
  vkey,
  whoSigned,
} from './index.js';

/** The key and note of golang.org/x/mod/sumdb/note, which other implementations test against too. */
const NEUMANN = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const NEUMANN_SEED = fromBase64('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz').slice(1);
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNED = `${TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

const root = new Uint8Array(32).fill(7);
const log = signerKey('example.ir/peygir/IR-03', new Uint8Array(32).fill(1));
const witness = signerKey('witness.example.ir/w1', new Uint8Array(32).fill(2), COSIGNATURE);
const text = checkpointText({ origin: log.name, size: 5, root });

describe('signed notes', () => {
  it('are those of the reference implementation, to the byte', async () => {
    const key = signerKey('PeterNeumann', NEUMANN_SEED);
    expect(vkey(key)).toBe(NEUMANN);
    expect(formatNote({ text: TEXT, signatures: [signNote(TEXT, key)] })).toBe(SIGNED);
    expect((await whoSigned(parseNote(SIGNED), [parseVkey(NEUMANN)])).by).toHaveLength(1);
  });

  it('reads the checkpoint of the specification', () => {
    const note = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;
    const parsed = parseSignedCheckpoint(note);
    expect(parsed.checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(cosignedAt(parsed.note.signatures[1]!)).toBe(1_679_315_147);
    expect(formatNote(parsed.note)).toBe(note);
  });

  it('ignores unknown keys, and tells a forged signature from a missing one', async () => {
    const good = signNote(text, log);
    const note = { text, signatures: [good, signNote(text, signerKey('stranger', new Uint8Array(32).fill(9)))] };
    expect((await whoSigned(note, [log, witness])).by).toEqual([log]);
    const spoilt = { ...good, bytes: good.bytes.map((byte, i) => (i === 10 ? byte ^ 1 : byte)) };
    expect(await whoSigned({ text, signatures: [spoilt] }, [log])).toEqual({ by: [], forged: [log] });
    expect(await whoSigned({ text: text.replace('5', '6'), signatures: [good] }, [log])).toEqual({
      by: [],
      forged: [log],
    });
    // A key of the same name and another seed is another key.
    const other = signerKey(log.name, new Uint8Array(32).fill(8));
    expect(await whoSigned({ text, signatures: [good] }, [other])).toEqual({ by: [], forged: [] });
  });

  it('cosigns text and time together', async () => {
    const signature = cosign(text, witness, 1_800_000_000);
    expect(signature.bytes).toHaveLength(72);
    expect((await whoSigned({ text, signatures: [signature] }, [witness])).by).toEqual([witness]);
    const later = { ...signature, bytes: Uint8Array.from(signature.bytes, (byte, i) => (i === 7 ? byte + 1 : byte)) };
    expect((await whoSigned({ text, signatures: [later] }, [witness])).forged).toEqual([witness]);
    // A plain signature of the same key is no cosignature.
    const plain = { ...signNote(text, witness), id: witness.id };
    expect((await whoSigned({ text, signatures: [plain] }, [witness])).forged).toEqual([witness]);
  });

  it.each([
    ['no signature', text],
    ['an empty list of signatures', `${text}\n`],
    ['no final newline', SIGNED.slice(0, -1)],
    ['a hyphen for the dash', SIGNED.replace('—', '-')],
    ['a tab', SIGNED.replace('you think', 'you\tthink')],
    ['a carriage return', SIGNED.replace('\n\n', '\r\n\r\n')],
    ['a signature that is not base64', SIGNED.replace('x08go', '*08go')],
    ['a signature of three bytes', `${TEXT}\n— a YWJj\n`],
    ['too many signatures', `${TEXT}\n${'— a YWJjZGVm\n'.repeat(65)}`],
    ['too much of everything', `${'x\n'.repeat(80_000)}\n— a YWJjZGVm\n`],
  ])('refuses %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(Malformed);
  });

  it.each([
    ['two lines', 'o\n1\n'],
    ['a leading zero', `o\n01\n${base64(root)}\n`],
    ['a negative size', `o\n-1\n${base64(root)}\n`],
    ['a size beyond counting', `o\n99999999999999999999\n${base64(root)}\n`],
    ['a short root', `o\n1\n${base64(root.slice(1))}\n`],
    ['base64 of another spelling', `o\n1\n${base64(root).replace(/.=$/, 'd=')}\n`],
    ['no origin', `\n1\n${base64(root)}\n`],
    ['an empty extension line', `o\n1\n${base64(root)}\n\n`],
  ])('refuses a checkpoint with %s', (_, broken) => {
    expect(() => parseCheckpoint(broken)).toThrow(Malformed);
  });

  it.each(['', 'a b', 'a+b', 'a\u00a0b', 'a\u2028b', 'a\nb', 'a\u3000b'])('cannot name a key %j', (name) => {
    expect(isKeyName(name)).toBe(false);
    expect(() => signerKey(name, new Uint8Array(32))).toThrow(Malformed);
  });

  it.each([
    'x',
    'x+00000000+AAAA',
    NEUMANN.replace('c74f', 'c75f'),
    NEUMANN.replace('ARpc', 'Arpc'),
    NEUMANN.slice(0, -4),
  ])('refuses the verifier key %j', (text_) => {
    expect(() => parseVkey(text_)).toThrow(Malformed);
  });
});
