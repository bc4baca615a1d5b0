import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readiness } from '#apps/api/health.controller';

export interface BeaconOptions {
  host: string;
  port: number;
  ready: Parameters<typeof readiness>[0];
  watched?: Parameters<typeof readiness>[1];
  metrics: () => Promise<{ type: string; text: string }>;
}

/**
 * What those inside ask of any process, also of a worker without an api: `/health/live`, `/health/ready`, `/metrics`, and
 * nothing else, by whatever name. It takes nothing in, and says nothing of any case.
 */
export async function beacon({
  host,
  port,
  ready,
  watched,
  metrics,
}: BeaconOptions): Promise<{ url: string; close: () => Promise<void> }> {
  const answers = new Map(
    Object.entries<() => Promise<{ status: number; type: string; text: string }>>({
      '/health/live': async () => json(200, { status: 'ok' }),
      '/health/ready': async () => {
        const found = await readiness(ready, watched);
        return json(found.status === 'not-ready' ? 503 : 200, found);
      },
      '/metrics': async () => ({ status: 200, ...(await metrics()) }),
    }),
  );
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? answers.get(request.url ?? '') : undefined;
    const wanted = answer ? answer() : Promise.resolve(json(404, { status: 'not-found' }));
    wanted
      .catch(() => json(500, { status: 'failed' }))
      .then(({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text))
      .catch(() => response.destroy());
  });
  server.listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${taken}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

const json = (status: number, body: object) => ({ status, type: 'application/json', text: JSON.stringify(body) });
