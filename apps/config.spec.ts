import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, defaultDataDir, readConfig } from '#apps/config';

const failure = (env: NodeJS.ProcessEnv): string => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('was taken');
};

describe('configuration', () => {
  it('has a default for everything, and data beside the code', () => {
    expect(readConfig({ PORT: '' })).toMatchObject({
      province: 'IR-03',
      host: '127.0.0.1',
      port: 3000,
      dataDir: defaultDataDir(),
      databaseUrl: undefined,
    });
  });

  it('is told in README, every variable of it', () => {
    const readme = readFileSync('README.md', 'utf8');
    const names = readFileSync('apps/config.ts', 'utf8').match(/(?<=')[A-Z]+(_[A-Z]+)*(?=')/g)!;
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it('names everything that is wrong at once, without passwords', () => {
    const message = failure({
      PORT: '70000',
      DATABASE_URL: 'mysql://me:secret@host/db',
      PEYGIR_PROVINCE: 'Tabriz',
      PEYGIR_DATA: 'here',
      SMTP_URL: 'smtp://mail',
      REDIS_URL: 'http://r',
      EVENT_STORE_URL: 'mongodb://me:secret@log',
      PEYGIR_SECRET: 'short-secret',
      LOG_LEVEL: 'loud',
    });
    for (const name of [
      'PORT',
      'DATABASE_URL',
      'PEYGIR_PROVINCE',
      'PEYGIR_DATA',
      'SMTP_FROM',
      'REDIS_URL',
      'EVENT_STORE_URL',
      'PEYGIR_SECRET',
      'LOG_LEVEL',
    ]) {
      expect(message).toContain(`- ${name} `);
    }
    expect(message).not.toContain('secret');
  });

  it('finds the bucket of evidence', () => {
    const keys = {
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_ENDPOINT_URL: 'https://s3.example.ir',
    };
    expect(readConfig({ EVIDENCE_URL: 's3://evidence/peygir/IR-03/', ...keys }).evidenceBucket).toEqual({
      endpoint: 'https://s3.example.ir',
      region: 'us-east-1',
      bucket: 'evidence',
      prefix: 'peygir/IR-03',
      accessKeyId: 'id',
      secretAccessKey: 'secret',
    });
    expect(readConfig(keys).evidenceBucket).toBeUndefined();
    expect(failure({ EVIDENCE_URL: 's3://evidence' })).toContain('AWS_SECRET_ACCESS_KEY must be set');
    expect(failure({ EVIDENCE_URL: 'https://evidence', ...keys })).toContain('EVIDENCE_URL must be like s3://');
    expect(failure({ EVIDENCE_URL: 's3://evidence/../x', ...keys })).toContain('EVIDENCE_URL must be like s3://');
  });

  it('takes an identity provider with its client, and the name that browsers know', () => {
    const env = { OIDC_ISSUER: 'https://id.example.ir', OIDC_CLIENT_ID: 'peygir', PUBLIC_URL: 'https://p.example.ir' };
    expect(readConfig(env)).toMatchObject({
      oidcIssuer: 'https://id.example.ir',
      oidcClient: { clientId: 'peygir' },
      publicUrl: 'https://p.example.ir',
      hosts: ['p.example.ir'],
    });
    expect(failure({ OIDC_CLIENT_ID: 'x' })).toContain('OIDC_CLIENT_ID is of no use without OIDC_ISSUER');
    expect(failure({ PUBLIC_URL: 'https://p.example.ir/path' })).toContain('PUBLIC_URL must be');
  });

  it('refuses a sender with a line break', () => {
    expect(failure({ SMTP_URL: 'smtp://mail', SMTP_FROM: 'a@b.ir\nBcc: c@d.ir' })).toContain('SMTP_FROM must be');
  });

  it('keeps data where the database’s own user may go', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-config-'));
    try {
      chmodSync(folder, 0o700);
      expect(defaultDataDir(folder, true)).toMatch(/^\/var\/lib\/peygir-[0-9a-f]{8}$/);
      expect(defaultDataDir(folder, false)).toBe(join(folder, '.data'));
      chmodSync(folder, 0o755);
      expect(defaultDataDir(folder, true)).toBe(join(folder, '.data'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes anything from a file instead, so that no secret stands in the environment', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-config-'));
    try {
      const file = join(folder, 'secret');
      writeFileSync(file, 'thirty-two characters, or more than that\n');
      expect(readConfig({ PEYGIR_SECRET_FILE: file }).secret).toBe('thirty-two characters, or more than that');
      expect(failure({ PEYGIR_SECRET_FILE: file, PEYGIR_SECRET: 'x'.repeat(32) })).toContain(
        '- PEYGIR_SECRET_FILE cannot be used together with PEYGIR_SECRET',
      );
      writeFileSync(file, 'a-short-one');
      expect(failure({ PEYGIR_SECRET_FILE: file })).toMatch(/^ {2}- PEYGIR_SECRET must have 32 characters or more$/m);
      writeFileSync(file, '\n');
      expect(failure({ PEYGIR_SECRET_FILE: file })).toContain('- PEYGIR_SECRET_FILE names an empty file');
      // Said once, however often it is asked for.
      const wrong = failure({ SMTP_URL_FILE: join(folder, 'none'), OTEL_EXPORTER_OTLP_ENDPOINT_FILE: folder });
      expect(wrong.match(/ENOENT|EISDIR/g)).toEqual(['ENOENT', 'EISDIR']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('reads the description of an SMS gateway', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-config-'));
    try {
      const file = join(folder, 'gateway.json');
      writeFileSync(file, JSON.stringify({ url: 'https://gateway.example.ir?to={to}' }));
      const gateway = { url: 'https://gateway.example.ir?to={to}' };
      expect(readConfig({ SMS_GATEWAY: file, SMS_SECRET: 'k' }).sms).toEqual({ gateway, secret: 'k' });
      writeFileSync(file, JSON.stringify({ url: 'https://gateway.example.ir?to={tel}' }));
      expect(failure({ SMS_GATEWAY: file })).toContain(`SMS_GATEWAY: ${file}: url: {tel} is not known here`);
      expect(failure({ SMS_GATEWAY: join(folder, 'none') })).toContain('SMS_GATEWAY: ENOENT');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe('contacts', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peygir-config-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'contacts.json');
    const written = (content: unknown) => {
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      return { PEYGIR_CONTACTS: file };
    };

    it('are read by office and by agency', () => {
      const { contacts } = readConfig(
        written({ offices: { governor: ['g@p.ir'] }, agencies: { gas: ['a@g.ir', 'b@g.ir'] } }),
      );
      expect([...contacts]).toEqual([
        ['governor', ['g@p.ir']],
        ['agency:gas', ['a@g.ir', 'b@g.ir']],
      ]);
    });

    it.each([
      [{ offices: { governor: ['g@p.ir\r\nBcc: x@y.ir'] } }, 'offices.governor[0]: must not contain a line break'],
      [{ offices: { governor: ['g'] } }, '"g" is not an e-mail address'],
      [{ offices: { governor: ['A <a@b.ir>'] } }, 'is not an e-mail address'],
      [{ offices: { governor: 'g@p.ir' } }, 'list of e-mail addresses'],
      [{ people: {} }, 'people: is not known here'],
      [{ agencies: [] }, 'agencies: must be an object'],
      ['{', 'JSON'],
    ])('refuses %j', (content, reason) => {
      expect(failure(written(content))).toContain(reason);
    });
  });
});
