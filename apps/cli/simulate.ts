import { once } from 'node:events';
import type { Instant, RecordedEvent } from '#kernel';
import { Simulation } from '#apps/simulation';
import { readLines } from './lines.js';

export interface SimulateOptions {
  until?: Instant;
  strict?: boolean;
}

/** One event as `simulate` prints it (CONTRACT section 6). */
export const printed = ({ position, stream, revision, type, data, metadata }: RecordedEvent) => ({
  position,
  stream,
  revision,
  type,
  at: metadata.occurredAt,
  data,
  actor: metadata.actor,
});

/**
 * `peygir simulate`: events on stdout, refusals on stderr, one JSON object a line.
 * @throws LineError at a malformed line; what came before it has been printed
 */
export async function simulate(file: string, { until, strict }: SimulateOptions): Promise<void> {
  const pending: string[] = [];
  const simulation = new Simulation((event) => pending.push(`${JSON.stringify(printed(event))}\n`));
  // A long timeline is printed as it goes, but no faster than the reader takes it.
  const flush = async () => {
    const text = pending.splice(0).join('');
    if (text && !process.stdout.write(text)) await once(process.stdout, 'drain');
  };
  let refused = 0;
  try {
    for await (const line of readLines(file)) {
      const refusal = await simulation.send(line);
      if (refusal) {
        refused++;
        process.stderr.write(`${JSON.stringify(refusal)}\n`);
      }
      if (pending.length > 1_000) await flush();
    }
    if (until) await simulation.advance(until);
  } finally {
    await flush();
  }
  if (strict && refused > 0) process.exitCode = 1;
}
