import { isUtf8 } from 'node:buffer';
import { createServer, type Server } from 'node:http';
import type { Answer, Witness } from './witness.js';

/** 63 hashes and the longest note that is read. */
const LIMIT_BYTES = 160 * 1024;

/** What is no text is no request. */
export async function answered(witness: Witness, bytes: Uint8Array): Promise<Answer> {
  if (bytes.length > LIMIT_BYTES || !isUtf8(bytes)) return { status: 400, body: 'The request is not text.\n' };
  return witness.addCheckpoint(Buffer.from(bytes).toString('utf8'));
}

/** `POST …/add-checkpoint` over HTTP, and nothing else. */
export function serve(witness: Witness): Server {
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
      answered(witness, Buffer.concat(chunks)).then(
        ({ status, body, type = 'text/plain; charset=utf-8' }) =>
          response.writeHead(status, { 'content-type': type }).end(body),
        (error: unknown) => (console.error(error), refuse(500, 'The witness cannot keep its memory.')),
      );
    });
  });
  server.requestTimeout = 20_000;
  return server;
}
