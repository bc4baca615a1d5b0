import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from './api.js';

const ASSETS = ['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png'];
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Peygir</title>
<link rel="icon" href="./docs/favicon-32x32.png">
<link rel="stylesheet" href="./docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="./docs/swagger-ui-bundle.js"></script>
<script src="./docs/swagger-ui-init.js"></script>
`;
const START = `SwaggerUIBundle({ url: './docs-json', dom_id: '#swagger-ui', deepLinking: true });\n`;

/** What can be asked, for programs (`/docs-json`) and to look at (`/docs`). */
export const docsRoutes = (deps: ApiDeps) => async (fastify: FastifyInstance) => {
  // Made when it is first asked for: hundreds of schemas are not what a start should wait for.
  let document: object | undefined;
  fastify.get('/docs-json', async () => (document ??= (await import('./openapi.js')).openApi(deps)));
  fastify.get('/docs', (_, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  fastify.get('/docs/swagger-ui-init.js', (_, reply) => reply.type('text/javascript; charset=utf-8').send(START));
  await fastify.register(import('@fastify/static'), {
    root: dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
    prefix: '/docs/',
    index: false,
    decorateReply: false,
    allowedPath: (path) => ASSETS.includes(path),
  });
};
