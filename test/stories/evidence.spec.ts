import { createHash } from 'node:crypto';
import { aProvince, withOffices, withResolution, type Province } from '#test/kit/province';

// Rows 7 and 22 of FIELD: an obligation is closed by evidence, and evidence is real, whole, and shown to nobody else.

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const pdf = (text: string) => Buffer.from(`%PDF-1.7\n${text}\n%%EOF\n`);
const gas = { role: 'agency', agency: 'gas' } as const;
const bank = { role: 'agency', agency: 'bank' } as const;

describe('an agency shows that it has done what it owed', () => {
  let province: Province;
  const minutes = pdf('صورتجلسهٔ تحویل گاز');
  const claim = {
    obligation: 'o1',
    evidence: [{ name: 'صورتجلسه.pdf', sha256: sha256(minutes), mediaType: 'application/pdf', bytes: minutes.length }],
  };
  const path = `obligations/facilitation-1-1/o1/evidence/${sha256(minutes)}`;
  const put = (who: Parameters<Province['asks']>[0], bytes: Buffer, type = 'application/pdf', hash = sha256(bytes)) =>
    province.asks(who, 'PUT', `evidence/${hash}`, new Uint8Array(bytes), { 'content-type': type });
  const claimed = (who = gas as Parameters<Province['asks']>[0], body: object = claim) =>
    province.isRefused(who, 'resolution', 'facilitation-1-1', 'ReportCompliance', body);

  beforeAll(async () => {
    province = await aProvince();
    await withOffices(province);
    await withResolution(province);
  });
  afterAll(() => province.close());

  it('a claim is refused while its evidence is not there', async () => {
    expect(await claimed()).toBe('evidence-missing');
  });

  it('who may not claim at all is told that, and not what is missing', async () => {
    expect(await claimed(bank)).toBe('forbidden');
    expect(await claimed('secretary')).toBe('forbidden');
  });

  it('only those who claim give evidence', async () => {
    for (const who of ['secretary', 'governor', 'admin', 'oversight'] as const) {
      expect(await put(who, minutes)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  it.each([
    ['a script named .pdf', Buffer.from('#!/bin/sh\nrm -rf /\n'), 'application/pdf', 422, 'evidence-type-mismatch'],
    ['a program named .docx', Buffer.from('MZ\x90\0'), 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', 422, 'evidence-type-mismatch'], // prettier-ignore
    ['a picture that is none', Buffer.from('<svg onload="x()"/>'), 'image/png', 422, 'evidence-type-mismatch'],
    ['a text that is none', Buffer.from([0xff, 0xfe, 0x00]), 'text/plain', 422, 'evidence-type-mismatch'],
    ['a page', Buffer.from('<html></html>'), 'text/html', 415, 'unsupported-media-type'],
    ['JSON', Buffer.from('{}'), 'application/json', 415, 'unsupported-media-type'],
    ['nothing at all', Buffer.alloc(0), 'application/pdf', 422, 'evidence-empty'],
    ['more than is allowed', Buffer.concat([pdf('x'), Buffer.alloc(1_000_000)]), 'application/pdf', 413, 'too-large'],
  ])('%s is refused', async (_, bytes, type, status, code) => {
    const answer = await put(gas, bytes, type);
    expect(answer).toMatchObject({ status, body: { code, detail: expect.any(String) } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await claimed(gas, { ...claim, evidence: [{ ...claim.evidence[0], sha256: sha256(bytes) }] })).toBe(
      'evidence-missing',
    );
  });

  it('two hundred megabytes, sent without saying so, are refused with a sentence', async () => {
    async function* endless() {
      const piece = new Uint8Array(1_000_000);
      for (let n = 0; n < 200; n++) yield piece;
    }
    const body = ReadableStream.from(endless());
    const answer = await province.asks(gas, 'PUT', `evidence/${sha256(minutes)}`, body, {
      'content-type': 'application/pdf',
    });
    expect(answer).toMatchObject({ status: 413, body: { code: 'too-large' } });
  });

  it('bytes that are not those of the hash are refused, and so is a hash that is none', async () => {
    expect(await put(gas, pdf('other'), 'application/pdf', sha256(minutes))).toMatchObject({
      status: 422,
      body: { code: 'evidence-hash-mismatch' },
    });
    expect(await put(gas, minutes, 'application/pdf', 'ABC')).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await claimed()).toBe('evidence-missing');
  });

  it('a file that breaks off leaves nothing', async () => {
    async function* broken() {
      yield minutes.subarray(0, 10);
      throw new Error('the line went dead');
    }
    const body = ReadableStream.from(broken());
    await expect(
      province.asks(gas, 'PUT', `evidence/${sha256(minutes)}`, body, { 'content-type': 'application/pdf' }),
    ).rejects.toThrow();
    expect(await claimed()).toBe('evidence-missing');
  });

  it('to know the hash of another’s file is not to have it', async () => {
    expect(await put(bank, minutes)).toMatchObject({ status: 201 });
    expect(await claimed()).toBe('evidence-missing');
  });

  it('with its evidence there, the claim stands; given twice it is one', async () => {
    expect(await put(gas, minutes)).toMatchObject({
      status: 200,
      body: { sha256: sha256(minutes), mediaType: 'application/pdf', bytes: minutes.length },
    });
    expect(await claimed(gas, { ...claim, evidence: [{ ...claim.evidence[0], bytes: 1 }] })).toBe('evidence-mismatch');
    await province.does(gas, 'resolution', 'facilitation-1-1', 'ReportCompliance', claim);
    expect(await province.sees('governor', 'obligations/facilitation-1-1/o1')).toMatchObject({ status: 'claimed' });
  });

  it('whoever may read the obligation reads its evidence, byte for byte and as an attachment', async () => {
    for (const who of ['governor', 'expert', 'oversight', gas] as const) {
      const answer = await province.asks(who, 'GET', path);
      expect([answer.status, answer.body]).toEqual([200, minutes.toString()]);
      expect(answer.headers.get('content-type')).toBe('application/pdf');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      const disposition = answer.headers.get('content-disposition')!;
      expect(disposition).toMatch(/^attachment; /);
      expect(decodeURIComponent(disposition)).toContain("filename*=UTF-8''صورتجلسه.pdf");
    }
  });

  it('nobody else does, not even the bank that has the same file', async () => {
    for (const who of [bank, { role: 'unit', unit: 'u-1' }] as const) {
      expect(await province.asks(who, 'GET', path)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
    for (const who of ['admin', 'registrar'] as const) {
      expect(await province.asks(who, 'GET', path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });

  it('evidence is reached through its obligation only', async () => {
    expect(await province.asks('governor', 'GET', `evidence/${sha256(minutes)}`)).toMatchObject({ status: 404 });
    const other = pdf('other');
    await put(gas, other);
    const unclaimed = `obligations/facilitation-1-1/o1/evidence/${sha256(other)}`;
    expect(await province.asks('governor', 'GET', unclaimed)).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });
});
