import { createHash, randomBytes } from 'node:crypto';
import { StoreUnavailable, type Database } from '#kernel';
import { createSql } from '#stores';
import { as } from '#test/kit/given';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import { S3Double } from '#test/kit/s3-double';
import { Evidence, postgresBytes, s3Bytes, type Bucket, type EvidenceBytes } from './index.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pdf = (bytes = 100) => Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(bytes)]);
const gas = as('agency', { agency: 'gas' });
async function* inPieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

const s3 = new S3Double();
let bucket: Bucket;
let db: TestDatabase;
let database: Database;
beforeAll(async () => {
  bucket = await s3.start();
  db = await testDatabase();
  database = createSql(db.pool);
});
afterAll(async () => {
  await s3.close();
  await db.close();
});
beforeEach(() => {
  s3.faults.length = 0;
});

describe.each(['postgres', 's3'] as const)('evidence whose bytes are in %s', (place) => {
  let bytes: EvidenceBytes;
  let evidence: Evidence;
  const given = (content: Buffer, hash = sha256(content), giver = gas) =>
    evidence.put(hash, 'application/pdf', inPieces(content), giver);
  beforeAll(async () => {
    bytes = place === 's3' ? s3Bytes(database, bucket) : postgresBytes(database);
    evidence = new Evidence(database, 3_000_000, bytes);
    await evidence.prepare();
    await evidence.prepare();
  });

  it('is read as it was given, byte for byte, and there once', async () => {
    const content = pdf(1_300_000);
    expect(await given(content)).toMatchObject({ isNew: true, bytes: content.length });
    expect(await given(content)).toMatchObject({ isNew: false, bytes: content.length });
    expect(await evidence.find(sha256(content))).toMatchObject({ bytes: content.length, mediaType: 'application/pdf' });
    expect((await whole(await evidence.read(sha256(content)))).equals(content)).toBe(true);
  });

  it('given by ten at once is one', async () => {
    const content = pdf(600_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => given(content)));
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect((await whole(await evidence.read(sha256(content)))).equals(content)).toBe(true);
  });

  it('is not there when its bytes are not those of its hash, are too many, or none', async () => {
    const content = pdf();
    const hash = sha256(content);
    await expect(given(pdf(), hash)).rejects.toMatchObject({ code: 'evidence-hash-mismatch' });
    await expect(given(pdf(3_000_000), hash)).rejects.toMatchObject({ code: 'too-large' });
    await expect(given(Buffer.alloc(0), hash)).rejects.toMatchObject({ code: 'evidence-empty' });
    expect(await evidence.find(hash)).toBeUndefined();
    expect([...s3.objects.keys()].filter((name) => name.includes(hash))).toEqual([]);
  });

  it('is a claim’s only if the claimer gave it', async () => {
    const content = pdf();
    const claim = { name: 'a.pdf', sha256: sha256(content), mediaType: 'application/pdf', bytes: content.length };
    const admitted = () => evidence.admit({ name: 'ReportCompliance', data: { evidence: [claim] }, actor: gas });
    await given(content, claim.sha256, as('agency', { agency: 'bank' }));
    await expect(admitted()).rejects.toMatchObject({ code: 'evidence-missing' });
    await given(content);
    await admitted();
  });

  it('is not there before all of it is: killed between its bytes and its row, it can be given again', async () => {
    const content = pdf(600_000);
    const dying = new Evidence(database, 3_000_000, {
      ...bytes,
      keep: (piece) => bytes.keep(piece, () => Promise.reject(new Error('killed'))),
    });
    await expect(dying.put(sha256(content), 'application/pdf', inPieces(content), gas)).rejects.toThrow('killed');
    expect(await evidence.find(sha256(content))).toBeUndefined();
    expect(await given(content)).toMatchObject({ isNew: true });
    expect((await whole(await evidence.read(sha256(content)))).equals(content)).toBe(true);
  });

  it('that was changed where it lies is never handed out whole', async () => {
    const content = pdf(600_000);
    const hash = sha256(content);
    await given(content);
    if (place === 's3') s3.objects.set(`/evidence/peygir/IR-03/${hash}`, Buffer.concat([content, Buffer.from('!')]));
    else await database.query(`update evidence_chunks set data = data || '!' where sha256 = $1 and n = 1`, [hash]);
    const handed: Uint8Array[] = [];
    const reading = async () => {
      for await (const piece of await evidence.read(hash)) handed.push(piece);
    };
    await expect(reading()).rejects.toThrow('are others');
    expect(Buffer.concat(handed).length).toBeLessThan(content.length);
  });
});

describe('a store of evidence that fails', () => {
  const content = pdf();
  const put = (more: Partial<Bucket> = {}) =>
    new Evidence(database, 3_000_000, s3Bytes(database, { ...bucket, ...more })).put(
      sha256(content),
      'application/pdf',
      inPieces(content),
      gas,
    );
  const evidence = () => new Evidence(database, 3_000_000, s3Bytes(database, bucket));

  it.each([
    ['answers 503 again and again', {}, [503, 503, 503], 'The store of evidence answers 503'],
    ['knows another secret', { secretAccessKey: 'another' }, [], 'The store of evidence answers 403'],
    ['is not there', { endpoint: 'http://127.0.0.1:1' }, [], 'The store of evidence cannot be reached'],
  ])('and %s: nothing is half done', async (_, more, faults, sentence) => {
    s3.faults.push(...faults);
    await expect(put(more)).rejects.toThrow(StoreUnavailable);
    s3.faults.push(...faults);
    await expect(put(more)).rejects.toThrow(sentence);
    expect(await evidence().find(sha256(content))).toBeUndefined();
  });

  it('once or twice is asked again', async () => {
    s3.faults.push(500, 503);
    expect(await put()).toMatchObject({ isNew: true });
    s3.faults.push(500);
    expect((await whole(await evidence().read(sha256(content)))).equals(content)).toBe(true);
    s3.faults.push(503, 503, 503);
    await expect(evidence().read(sha256(content))).rejects.toThrow(StoreUnavailable);
  });

  it('takes over from another: what lay in the database is still read, and says so when it is left', async () => {
    const [old, newer] = [pdf(), pdf()];
    const [before, after] = [new Evidence(database), evidence()];
    await before.put(sha256(old), 'application/pdf', inPieces(old), gas);
    await after.put(sha256(newer), 'application/pdf', inPieces(newer), gas);
    for (const one of [old, newer]) expect((await whole(await after.read(sha256(one)))).equals(one)).toBe(true);
    await expect(before.read(sha256(newer))).rejects.toThrow('lies in s3, which EVIDENCE_URL does not name');
  });
});
