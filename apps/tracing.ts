import { traceTo, Trouble, type Log, type Span } from '#kernel';

/** Where spans go: OpenTelemetry's protocol over HTTP, as JSON. Read from the variables that every OpenTelemetry SDK reads. */
export interface Collector {
  /** Without `/v1/traces`. */
  endpoint: string;
  /** `name=value,name=value`, as in OTEL_EXPORTER_OTLP_HEADERS. */
  headers?: string;
  service: string;
}

const FLUSH_MS = 1_000;
const MOST_AT_ONCE = 512;
/** While the collector is away the oldest are forgotten: a trace is no record, and must not fill the memory. */
const MOST_KEPT = 4_096;
const PATIENCE_MS = 5_000;
const KINDS = { internal: 1, server: 2, producer: 4, consumer: 5 } as const;
const FAILED = 2;

/** Sends what is traced in this process. The function it answers sends what is left and stops. */
export function startTracing({ endpoint, headers = '', service }: Collector, log: Log): () => Promise<void> {
  const trouble = new Trouble(log, { collector: endpoint });
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const sent = { 'content-type': 'application/json', ...headersOf(headers) };
  let spans: Span[] = [];
  let sending: Promise<void> | undefined;
  const flush = async () => {
    while (spans.length > 0) {
      const batch = spans.slice(0, MOST_AT_ONCE);
      const body = JSON.stringify(request(service, batch));
      const signal = AbortSignal.timeout(PATIENCE_MS);
      try {
        const { ok, status } = await fetch(url, { method: 'POST', headers: sent, body, signal });
        if (!ok) throw new Error(`it answered ${status}`);
        trouble.over('traces are taken again');
      } catch (error) {
        trouble.begins((error as Error).cause ?? error, 'traces are not taken; they are forgotten');
        // What is refused now is refused again; what came meanwhile may fare better.
      }
      spans = spans.filter((one) => !batch.includes(one));
    }
  };
  const send = () => (sending ??= flush().finally(() => (sending = undefined)));
  const timer = setInterval(() => void send(), FLUSH_MS);
  timer.unref();
  traceTo((span) => {
    spans.push(span);
    if (spans.length > MOST_KEPT) spans.shift();
    if (spans.length >= MOST_AT_ONCE) void send();
  });
  return async () => {
    traceTo(undefined);
    clearInterval(timer);
    await send();
  };
}

const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .filter((pair) => pair.includes('='))
      .map((pair) => [
        pair.slice(0, pair.indexOf('=')).trim(),
        decodeURIComponent(pair.slice(pair.indexOf('=') + 1).trim()),
      ]),
  );

const attributesOf = (attributes: Readonly<Record<string, string | number>>) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));

/** An ExportTraceServiceRequest in the JSON mapping of opentelemetry-proto: ids in hex, instants in nanoseconds, as text. */
const request = (service: string, spans: readonly Span[]) => ({
  resourceSpans: [
    {
      resource: { attributes: attributesOf({ 'service.name': service, 'process.pid': process.pid }) },
      scopeSpans: [
        {
          scope: { name: 'peygir' },
          spans: spans.map(({ name, traceId, id, parent, kind, from, to, attributes, error }) => ({
            traceId,
            spanId: id,
            ...(parent !== undefined && { parentSpanId: parent }),
            name,
            kind: KINDS[kind],
            startTimeUnixNano: `${from}000000`,
            endTimeUnixNano: `${to}000000`,
            attributes: attributesOf(attributes),
            ...(error !== undefined && { status: { code: FAILED, message: error } }),
          })),
        },
      ],
    },
  ],
});
