import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';

/** Serves the built web interface at `/`; without one there is only the API. */
export async function serveWeb(fastify: FastifyInstance, root: string | undefined): Promise<void> {
  if (root === undefined || !existsSync(join(root, 'index.html'))) return;
  fastify.get('/', (_, reply) =>
    reply.type('text/html; charset=utf-8').send(createReadStream(join(root, 'index.html'))),
  );
  await fastify.register(import('@fastify/static'), {
    root: join(root, 'assets'),
    prefix: '/assets/',
    index: false,
    // The documentation's pages are served by the same plugin.
    decorateReply: false,
    // Names carry their content's hash.
    immutable: true,
    maxAge: '1y',
  });
}

/** Scripts, styles and fonts of this server alone, no inline code, and nobody else to talk to. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of the web interface; undefined for every other route. Only the files themselves may be kept. */
export const webHeaders = (route: string | undefined): Record<string, string> | undefined =>
  route === '/' || route?.startsWith('/assets/')
    ? { 'content-security-policy': POLICY, 'cache-control': 'no-cache' }
    : undefined;
