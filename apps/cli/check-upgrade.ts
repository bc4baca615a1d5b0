import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { BEGINNING, type RecordedEvent } from '#kernel';
import { disagreements } from '#apps/check-upgrade';
import { Failure } from './failure.js';
import { LineError } from './lines.js';
import { ownToken, Server } from './load.js';

interface Options {
  log?: string;
  server: string;
  token?: string;
}

/** `peygir check-upgrade`: differing verdicts as JSON lines on stdout; exit code 1 when there is one. */
export async function checkUpgrade({ log, server, token }: Options): Promise<void> {
  let events = 0;
  let differing = 0;
  const counted = async function* (source: AsyncIterable<RecordedEvent>) {
    for await (const event of source) {
      events++;
      yield event;
    }
  };
  const source = log === undefined ? ofServer(server, token) : ofFile(log);
  for await (const disagreement of disagreements(counted(source))) {
    differing++;
    console.log(JSON.stringify(disagreement));
  }
  if (events === 0) throw new Failure('The log is empty: nothing was checked.');
  console.error(`${events} events decided again; ${differing === 0 ? 'no verdict' : differing} would differ.`);
  if (differing > 0) process.exitCode = 1;
}

async function* ofFile(file: string): AsyncGenerator<RecordedEvent> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    line++;
    if (text.trim() === '') continue;
    const event = parsed(text);
    if (!event) throw new LineError(file, line, undefined, 'is not an event as /v1/events gives it');
    yield event;
  }
}

async function* ofServer(address: string, given?: string): AsyncGenerator<RecordedEvent> {
  const token = given ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('oversight'));
  const server = new Server({ server: address, token, patienceMs: 5_000 });
  for (let after = BEGINNING; ;) {
    const { status, text } = await server.get(`/v1/events?after=${after}&limit=5000`);
    if (status !== 200) throw new Failure(`The server does not show its log (${status}): ${text}`);
    const events = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedEvent]));
    if (events.length === 0) return;
    yield* events;
    after = events.at(-1)!.position;
  }
}

function parsed(text: string): RecordedEvent | undefined {
  try {
    const event = JSON.parse(text) as RecordedEvent;
    return typeof event.stream === 'string' && typeof event.metadata?.command === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
}
