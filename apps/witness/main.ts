#!/usr/bin/env node
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { COSIGNATURE, fromBase64, base64, parsePolicy, signerKey, vkey } from '#audit';
import { Witness, type Answer } from './witness.js';

const HELP = `A witness of transparency logs (c2sp.org/tlog-witness).

  node witness/main.js --name witness.example.ir/w1 --dir DIR --policy FILE [--port 8090] [--host 127.0.0.1]
      serves POST /add-checkpoint
  node witness/main.js --name … --dir DIR --policy FILE --file REQUEST
      reads one request from a file (- for stdin) and prints the cosignature: for a witness without a network

The policy's "log" lines say whose checkpoints are taken. The key is made in DIR at first start, with memory and all.
`;
/** 63 hashes and the longest note that is read. */
const LIMIT_BYTES = 160 * 1024;

const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    dir: { type: 'string' },
    policy: { type: 'string' },
    port: { type: 'string', default: '8090' },
    host: { type: 'string', default: '127.0.0.1' },
    file: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help || !values.name || !values.dir || !values.policy) {
  console.error(HELP);
  process.exit(values.help ? 0 : 2);
}

mkdirSync(values.dir, { recursive: true, mode: 0o700 });
const keyFile = join(values.dir, 'witness.key');
if (!existsSync(keyFile)) {
  // Whole or not at all: half a key would be another one, or none.
  writeFileSync(`${keyFile}.new`, base64(randomBytes(32)), { mode: 0o600, flush: true });
  renameSync(`${keyFile}.new`, keyFile);
}
const key = signerKey(values.name, fromBase64(readFileSync(keyFile, 'utf8').trim()), COSIGNATURE);
const logs = parsePolicy(readFileSync(values.policy, 'utf8')).logs.map((log) => log.key);
const witness = new Witness(key, logs, values.dir);

/** What is no text is no request. */
async function answered(bytes: Uint8Array): Promise<Answer> {
  if (bytes.length > LIMIT_BYTES || !isUtf8(bytes)) return { status: 400, body: 'The request is not text.\n' };
  return witness.addCheckpoint(Buffer.from(bytes).toString('utf8'));
}

if (values.file !== undefined) {
  const { status, body } = await answered(readFileSync(values.file === '-' ? 0 : values.file));
  (status === 200 ? process.stdout : process.stderr).write(body);
  process.exitCode = status === 200 ? 0 : 1;
} else {
  const server = createServer((request, response) => {
    const refuse = (status: number, why: string) => response.writeHead(status, { connection: 'close' }).end(`${why}\n`);
    if (request.method !== 'POST' || !request.url?.endsWith('/add-checkpoint'))
      return refuse(404, 'POST /add-checkpoint');
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LIMIT_BYTES) chunks.push(chunk);
      else if (!response.headersSent) refuse(413, 'too long');
    });
    request.on('end', () => {
      if (response.headersSent) return;
      answered(Buffer.concat(chunks)).then(
        ({ status, body, type = 'text/plain; charset=utf-8' }) =>
          response.writeHead(status, { 'content-type': type }).end(body),
        (error: unknown) => (console.error(error), refuse(500, 'The witness cannot keep its memory.')),
      );
    });
  });
  server.requestTimeout = 20_000;
  server.listen(Number(values.port), values.host, () => {
    const { port } = server.address() as AddressInfo;
    console.log(`${vkey(key)} on http://${values.host}:${port}`);
  });
  process.once('SIGTERM', () => server.close());
}
