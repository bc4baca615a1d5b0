import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '#kernel';
import { readConfig } from '#apps/config';
import { Failure } from './failure.js';
import { commandIds, readLines, type CommandLine } from './lines.js';
import { Progress } from './progress.js';
import { hasTokenKey, tokenFor } from './token.js';

/** A line that the server refused, in the words of `simulate`, with the sentence beside the code. */
export interface RefusedLine {
  refused: string;
  line: number;
  command: string;
  id: string;
  detail: string;
}

export interface Loaded {
  lines: number;
  refused: RefusedLine[];
}

export interface Target {
  server: string;
  token: string;
  /** Milliseconds to wait for a server that does not answer; default a minute. */
  patienceMs?: number;
}

type Sent = Omit<CommandLine, 'line'>;
interface Problem {
  code?: string;
  detail?: string;
  errors?: { path: string; reason: string }[];
}

/** A batch stays well under the server's limit for a body (1 MiB) and short enough for the bar to move. */
const BATCH_BYTES = 256 * 1024;
const BATCH_LINES = 100;
/** Three sweeps of the server's alarms with nothing settled. */
const SETTLING_PATIENCE_MS = 90_000;
/** A server that never answered is more likely not there than busy. */
const FIRST_PATIENCE_MS = 5_000;

export async function loadFile(
  file: string,
  options: { server: string; token?: string; strict?: true },
): Promise<void> {
  const token = options.token ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('registrar'));
  const { lines, refused } = await load(file, { server: options.server, token });
  for (const each of refused) console.error(JSON.stringify(each));
  console.error(`${lines} commands sent, ${refused.length} refused.`);
  if (options.strict && refused.length > 0) process.exitCode = 1;
}

/** A token of the deployment whose data this machine keeps, for a command of the command line. */
export async function ownToken(role: Role): Promise<string> {
  const config = readConfig();
  if (config.oidcIssuer || !hasTokenKey(config)) {
    throw new Failure(
      `No token: give --token or PEYGIR_TOKEN (role ${role}), or run this where the server keeps its data.`,
    );
  }
  return tokenFor(config, { role, sub: `${role}-cli`, expires: 12 * 3600 });
}

/**
 * Sends a file as an import and waits until what fell due meanwhile is settled. Every line carries an id made from what
 * it says, so a load that broke off is started again, and one that was complete changes nothing the second time.
 * @throws LineError when a line is malformed: the file is read once before anything is sent; Failure when the server
 * does not answer or says no to the import itself.
 */
export async function load(file: string, target: Target): Promise<Loaded> {
  const server = new Server(target);
  let total = 0;
  for await (const _ of readLines(file)) total += 1;
  const progress = new Progress('Loading', total);
  const idOf = commandIds();
  const refused: RefusedLine[] = [];
  const session = new Import(server);
  await session.open();
  const renewing = setInterval(() => void session.renew(), session.leaseMs / 3);
  try {
    let done = 0;
    for await (const batch of batches(readLines(file))) {
      const lines = batch.map((line) => ({ ...line, commandId: idOf(line) }));
      refused.push(...(await session.send(lines)));
      progress.update((done += batch.length));
    }
    await session.end();
  } finally {
    clearInterval(renewing);
  }
  return { lines: total, refused: refused.toSorted((a, b) => a.line - b.line) };
}

async function* batches(lines: AsyncIterable<CommandLine>): AsyncIterable<CommandLine[]> {
  let batch: CommandLine[] = [];
  let bytes = 0;
  for await (const line of lines) {
    const size = Buffer.byteLength(JSON.stringify(line)) + 100;
    if (batch.length > 0 && (batch.length === BATCH_LINES || bytes + size > BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(line);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** One import after another: a lease that ran out (a laptop that slept) is followed by a new one. */
class Import {
  private id = '';
  leaseMs = 0;

  constructor(private readonly server: Server) {}

  async open(): Promise<void> {
    const { status, body } = await this.server.post('/v1/imports');
    if (status !== 201) throw this.server.failure('The import was not opened', body);
    this.id = body.id;
    this.leaseMs = body.leaseSeconds * 1_000;
  }

  /** While a long batch is on its way. Whatever fails here shows at the next batch. */
  async renew(): Promise<void> {
    await this.server.post(`/v1/imports/${this.id}/renew`).catch(() => {});
  }

  async send(lines: CommandLine[]): Promise<RefusedLine[]> {
    for (;;) {
      const sent: Sent[] = lines.map(({ line: _line, ...rest }) => rest);
      const { status, body } = await this.server.post(`/v1/imports/${this.id}/commands`, sent);
      if (status === 200) {
        return (body.results as { refused?: string; detail: string }[]).flatMap(({ refused, detail }, index) =>
          refused === undefined ? [] : refusal(lines[index]!, refused, detail),
        );
      }
      if (body.code === 'import-ended') {
        await this.open();
        continue;
      }
      // The shape of some lines was refused and nothing of the batch taken: the rest is sent without them.
      const wrong = status === 400 ? faults(body) : new Map<number, string>();
      if (wrong.size === 0) throw this.server.failure('The server stopped the import', body);
      const bad = [...wrong].map(([index, reason]) => refusal(lines[index]!, body.code!, reason));
      const good = lines.filter((_, index) => !wrong.has(index));
      return good.length > 0 ? [...bad, ...(await this.send(good))] : bad;
    }
  }

  /** Ends the import and waits until everything that fell due in it has fired. */
  async end(): Promise<void> {
    const { status, body } = await this.server.post(`/v1/imports/${this.id}/end`);
    if (status !== 204) throw this.server.failure('The import was not ended', body);
    let progress: Progress | undefined;
    let [most, least, since] = [0, Infinity, performance.now()];
    for (;;) {
      const { status, body } = await this.server.get(`/v1/imports/${this.id}`);
      if (status !== 200) throw this.server.failure('The server does not say what is left to settle', body);
      const unsettled = body.unsettled as number;
      if (unsettled > most) progress = new Progress('Settling what fell due', (most = unsettled));
      progress?.update(most - unsettled);
      if (unsettled === 0) return;
      if (unsettled < least) [least, since] = [unsettled, performance.now()];
      if (performance.now() - since > SETTLING_PATIENCE_MS) {
        console.error(`${unsettled} of what fell due has not been settled yet; the server goes on trying.`);
        return;
      }
      await sleep(200);
    }
  }
}

const refusal = ({ line, command, id }: CommandLine, refused: string, detail: string): RefusedLine => ({
  refused,
  line,
  command,
  id,
  detail,
});

/** `[3].as.role` → what is wrong with the fourth line. */
function faults({ errors = [] }: Problem): Map<number, string> {
  const found = new Map<number, string>();
  for (const { path, reason } of errors) {
    const [, index, field] = /^\[(\d+)\]\.?(.*)$/.exec(path) ?? [];
    if (index === undefined) continue;
    const before = found.get(Number(index));
    found.set(Number(index), [before, `${field ? `${field}: ` : ''}${reason}`].filter(Boolean).join('; '));
  }
  return found;
}

/** The HTTP side: waits for a server that is down or busy, and gives up with a sentence. */
export class Server {
  private readonly patienceMs: number;
  private reached = false;

  constructor(private readonly target: Target) {
    this.patienceMs = target.patienceMs ?? 60_000;
    if (!URL.canParse(target.server)) throw new Failure(`"${target.server}" is no address of a server.`);
  }

  post = (path: string, body?: unknown) => this.ask('POST', path, body);
  get = (path: string) => this.ask('GET', path);

  failure(what: string, { code, detail }: Problem): Failure {
    return new Failure(`${what}: ${detail ?? 'no reason given'}${code ? ` (${code})` : ''}`);
  }

  private async ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: any; text: string }> {
    const ends = performance.now() + (this.reached ? this.patienceMs : Math.min(this.patienceMs, FIRST_PATIENCE_MS));
    for (let pause = 250; ; pause = Math.min(pause * 2, 5_000)) {
      let trouble: string;
      try {
        const response = await fetch(new URL(path, this.target.server), {
          method,
          headers: {
            authorization: `Bearer ${this.target.token}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        this.reached = true;
        if (response.status !== 503 && response.status !== 429) {
          return { status: response.status, body: parsed(text), text };
        }
        trouble = parsed(text).detail ?? `status ${response.status}`;
      } catch (error) {
        const { cause, message } = error as Error & { cause?: { message?: string; code?: string } };
        trouble = cause?.message || cause?.code || message;
      }
      if (performance.now() + pause > ends) {
        const kept = this.reached ? 'What was sent is kept; start the load again.' : 'Is it running? (peygir start)';
        throw new Failure(`${this.target.server} does not answer: ${trouble}. ${kept}`);
      }
      await sleep(pause);
    }
  }
}

/** A proxy between may answer with something else than JSON. */
function parsed(text: string): Problem & Record<string, any> {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 200) };
  }
}
