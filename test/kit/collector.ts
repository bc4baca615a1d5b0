import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as OTLP's JSON has it. */
export interface Received {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: object }[];
  status?: { code: number; message: string };
}

/** Takes traces as an OpenTelemetry collector does, over HTTP in JSON, and keeps them. */
export async function collector() {
  const spans: Received[] = [];
  const services: string[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const answers = { status: 200 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        headers.push(request.headers);
        if (request.url === '/v1/traces' && answers.status === 200) {
          const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as any;
          for (const { resource, scopeSpans } of resourceSpans) {
            services.push(
              resource.attributes.find(({ key }: { key: string }) => key === 'service.name').value.stringValue,
            );
            for (const scope of scopeSpans) spans.push(...scope.spans);
          }
        }
        response.writeHead(request.url === '/v1/traces' ? answers.status : 404).end('{}');
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    services,
    headers,
    answers,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
