import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const KEY_ID = 'peygir';
const SECRET = 'a secret of this test';

const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/**
 * S3 as far as evidence depends on it, in memory: PUT and GET of whole objects by path, each signed (Signature Version 4,
 * worked out here afresh from Amazon's description), an upload by the hash of its bytes and with its length. With faults.
 */
export class S3Double {
  readonly objects = new Map<string, Buffer>();
  /** Statuses to answer next, in place of doing anything. */
  readonly faults: number[] = [];
  private readonly server = createServer((request, response) => {
    void this.answer(request).then(
      ({ status, body }) => response.writeHead(status).end(body),
      () => response.destroy(),
    );
  });

  async start() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return {
      endpoint: `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`,
      region: 'ir-tbz-1',
      bucket: 'evidence',
      prefix: 'peygir/IR-03',
      accessKeyId: KEY_ID,
      secretAccessKey: SECRET,
      pauseMs: 1,
    };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; body?: Buffer }> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const fault = this.faults.shift();
    if (fault) return { status: fault };
    if (!this.signed(request)) return { status: 403 };
    if (request.method === 'GET') {
      const found = this.objects.get(request.url!);
      return found ? { status: 200, body: found } : { status: 404 };
    }
    if (request.headers['content-length'] === undefined) return { status: 411 };
    if (request.headers['x-amz-content-sha256'] !== sha256(body)) return { status: 400 };
    this.objects.set(request.url!, body);
    return { status: 200 };
  }

  private signed({ method, url, headers }: IncomingMessage): boolean {
    const [, key, date, region, names, signature] =
      /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w+)$/.exec(
        headers.authorization ?? '',
      ) ?? [];
    if (key !== KEY_ID || !names?.split(';').includes('x-amz-content-sha256')) return false;
    const at = String(headers['x-amz-date']);
    const canonical = [
      method,
      url,
      '',
      ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
      '',
      names,
      headers['x-amz-content-sha256'],
    ].join('\n');
    const scope = `${date}/${region}/s3/aws4_request`;
    const signing = [region!, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${SECRET}`, date!));
    const expected = hmac(signing, ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n')).toString('hex');
    return at.startsWith(date!) && signature === expected;
  }
}
