import { EventEmitter, once } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  BEGINNING,
  comparePositions,
  kinds,
  persist,
  reach,
  Refused,
  Scoped,
  splitStream,
  sql,
  type Actor,
  type Kind,
  type Log,
  type Position,
  type RecordedEvent,
} from '#kernel';
import type { ApiDeps } from './api.js';
import { answerProblem, Problem } from './problem.js';

/** How many pages of the log are kept for those who follow it; whoever is further behind reads them again. */
const KEPT_PAGES = 200;
const PAGE = 500;
/** A connection speaks for whoever opened it, so it ends before a token or a session is forgotten for long. */
const LONGEST_MS = 10 * 60_000;
/** How long a reader may take no bytes before it is given up. */
const DEAF_MS = 60_000;
/** How long the read models may need for what is in the log before readers hear that they see something old. */
const LATE_MS = 5_000;
const MAX_CONNECTIONS = 1_000;
const MAX_OF_ONE = 20;

/**
 * By whose rule each stream is announced. What is not listed (letters that were sent, reads that were noted) is nobody's
 * news.
 */
const RULES: Readonly<Record<string, Kind>> = {
  agency: kinds.agencies,
  unit: kinds.unitNames,
  calendar: kinds.calendars,
  ladder: kinds.workingGroups,
  workingGroup: kinds.workingGroups,
  template: kinds.templates,
  visit: kinds.visits,
  case: kinds.cases,
  session: kinds.sessions,
  resolution: kinds.resolutions,
  nationalReferral: kinds.referrals,
  oversightReferral: kinds.referrals,
};

/**
 * That something changed, never what: whoever reads it asks anew, and is told what he may know. `type` only for whoever
 * reads everything of that kind: on a resolution that two agencies share it would tell of the neighbour's affairs.
 */
export interface Hint {
  position: Position;
  stream: string;
  type?: string;
}

interface Page {
  after: Position;
  position: Position;
  events: Pick<RecordedEvent, 'position' | 'stream' | 'type'>[];
}

/**
 * Follows the log once for all live connections of this process, and only while there are any. A page is announced when
 * the read models have it, so that whoever asks upon a hint sees the change.
 */
class Tail {
  private pages: Page[] = [];
  private position: Position = BEGINNING;
  private readonly grown = new EventEmitter().setMaxListeners(0);
  private following: AbortController | undefined;
  private ready: Promise<void> = Promise.resolve();
  private readers = 0;
  /** Whether the read models are late, or the log cannot be read. */
  behind = false;
  private readonly names: readonly string[];

  constructor(
    private readonly api: ApiDeps,
    private readonly log: Log,
  ) {
    this.names = [...new Set(api.reads.flatMap(({ projections }) => projections))];
  }

  /** @returns how far everything is announced. */
  async join(): Promise<Position> {
    if (this.readers++ === 0) this.start();
    await this.ready;
    return this.position;
  }

  leave(): void {
    if (--this.readers > 0) return;
    this.following?.abort();
    this.following = undefined;
  }

  /** What was announced after `after`, as soon as there is any; empty when `patience` ends. */
  async after(after: Position, patience: AbortSignal): Promise<Page> {
    while (comparePositions(this.position, after) <= 0 && !patience.aborted) {
      await once(this.grown, 'grown', { signal: patience }).catch(() => {});
    }
    const kept = this.pages.find(({ position }) => comparePositions(position, after) > 0);
    if (kept && comparePositions(kept.after, after) <= 0) return kept;
    if (comparePositions(this.position, after) <= 0) return { after, position: after, events: [] };
    const read = await this.api.decide.store.readAll(after, PAGE);
    const position = comparePositions(read.position, this.position) > 0 ? this.position : read.position;
    return { after, position, events: read.events.filter((one) => comparePositions(one.position, position) <= 0) };
  }

  private start(): void {
    const { store } = this.api.decide;
    const following = (this.following = new AbortController());
    const { signal } = following;
    this.pages = [];
    this.ready = this.standing().then((at) => void (this.position = at));
    const work = async (healthy: () => void) => {
      await this.ready;
      for await (const batch of store.follow(this.position, signal, PAGE)) {
        while (!(await this.api.checkpoints.waitFor(this.names, batch.position, LATE_MS))) {
          this.behind = true;
          if (signal.aborted) return;
        }
        if (signal.aborted) return;
        const events = batch.events.map(({ position, stream, type }) => ({ position, stream, type }));
        this.pages.push({ after: this.position, position: batch.position, events });
        if (this.pages.length > KEPT_PAGES) this.pages.shift();
        this.position = batch.position;
        this.behind = false;
        this.grown.emit('grown');
        healthy();
      }
    };
    const troubled = () => void (this.behind = true);
    this.ready.catch(() => {});
    void persist('live', work, { signal, log: this.log, troubled });
  }

  /** Where the slowest read model stands: from there on readers have something to hear. */
  private async standing(): Promise<Position> {
    if (this.names.length === 0) return this.api.decide.store.head();
    const stored = await this.api.checkpoints.read(this.names);
    return this.names
      .map((name) => stored.get(name)?.position ?? BEGINNING)
      .reduce((a, b) => (comparePositions(a, b) <= 0 ? a : b));
  }
}

/** What of a page a reader may hear of, in the order of the log. */
async function hints({ events }: Page, reader: Actor, { database }: ApiDeps, after: Position): Promise<Hint[]> {
  const mine = events.filter(({ position }) => comparePositions(position, after) > 0);
  const asked = new Map<string, Set<string>>();
  for (const { stream } of mine) {
    const [aggregate, id] = splitStream(stream);
    const rule = RULES[aggregate];
    if (rule && reach(rule, reader) === 'some') asked.set(aggregate, (asked.get(aggregate) ?? new Set()).add(id));
  }
  const scoped = new Scoped(reader, database);
  const seen = new Set<string>();
  for (const [aggregate, ids] of asked) {
    const rows = await scoped.rows<{ id: string }>(
      sql`select r.id from ${RULES[aggregate]!} r where r.id = any(${[...ids]})`,
    );
    for (const { id } of rows) seen.add(`${aggregate}-${id}`);
  }
  return mine.flatMap(({ position, stream, type }): Hint[] => {
    const rule = RULES[splitStream(stream)[0]];
    if (!rule) return [];
    if (reach(rule, reader) === 'all') return [{ position, stream, type }];
    return seen.has(stream) ? [{ position, stream }] : [];
  });
}

/**
 * `GET /v1/live`: server-sent events. `ready` says from where on; a plain message is a {@link Hint} with its position as
 * id, so that `Last-Event-ID` goes on after it; `beat` says now and then that nothing is lost, and whether what is read
 * is old; `reset` that the given id is of another log: everything has to be read anew.
 */
export const liveRoutes = (deps: ApiDeps) => async (scope: FastifyInstance) => {
  const { beatMs = 15_000 } = deps;
  const tail = new Tail(deps, scope.log as unknown as Log);
  const stopping = new AbortController();
  const counts = new Map<string, number>();
  let all = 0;
  scope.setErrorHandler(answerProblem);
  scope.addHook('preClose', async () => stopping.abort());

  scope.get('/v1/live', { exposeHeadRoute: false }, async (request, reply) => {
    const reader = request.actor!;
    const given = lastSeen(request);
    const who = JSON.stringify([reader.role, reader.id]);
    const ofOne = counts.get(who) ?? 0;
    if (all >= MAX_CONNECTIONS || ofOne >= MAX_OF_ONE) {
      throw new Problem(429, 'too-many-requests', 'Too many live connections are open; close one, or try again.', {
        headers: { 'retry-after': '30' },
      });
    }
    all++;
    counts.set(who, ofOne + 1);
    try {
      const from = await tail.join();
      const head = given === undefined ? from : await deps.decide.store.head();
      await talk(reply, stopping.signal, async (write, ended) => {
        const foreign = given !== undefined && comparePositions(given, head) > 0;
        let at = given === undefined || foreign ? from : given;
        await write(message(foreign ? 'reset' : 'ready', { position: at }, at));
        for (let beats = performance.now() + beatMs; !ended.aborted;) {
          const patience = AbortSignal.any([
            ended,
            AbortSignal.timeout(Math.max(1, Math.ceil(beats - performance.now()))),
          ]);
          const page = await tail.after(at, patience);
          const news = await hints(page, reader, deps, at);
          at = page.position;
          if (news.length > 0) await write(news.map((hint) => message(undefined, hint, hint.position)).join(''));
          if (performance.now() < beats) continue;
          await write(message('beat', { position: at, behind: tail.behind }, at));
          beats = performance.now() + beatMs;
        }
      });
    } finally {
      tail.leave();
      all--;
      const left = counts.get(who)! - 1;
      if (left === 0) counts.delete(who);
      else counts.set(who, left);
    }
    return reply;
  });
};

const message = (event: string | undefined, data: object, id: Position): string =>
  `${event ? `event: ${event}\n` : ''}id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;

function lastSeen({ headers }: FastifyRequest): Position | undefined {
  const given = headers['last-event-id'];
  if (given === undefined || given === '') return undefined;
  if (typeof given === 'string' && /^\d{1,18}$/.test(given)) return given;
  const reason = 'must be the id of an event of this stream';
  throw Refused.invalid(`Last-Event-ID ${reason}.`, [{ path: 'Last-Event-ID', reason }]);
}

type Write = (text: string) => Promise<void>;

/**
 * An answer that goes on until the reader leaves, the server stops, or it has lasted long enough. Nothing is written
 * before the reader has taken what was written before.
 */
async function talk(
  reply: FastifyReply,
  stopping: AbortSignal,
  work: (write: Write, ended: AbortSignal) => Promise<void>,
) {
  const left = new AbortController();
  const { raw } = reply.hijack();
  raw.on('close', () => left.abort()).on('error', () => left.abort());
  const ended = AbortSignal.any([left.signal, stopping, AbortSignal.timeout(LONGEST_MS)]);
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that gather answers before they pass them on would make it anything but live.
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 2000\n\n');
  const write: Write = async (text) => {
    if (ended.aborted || raw.write(text)) return;
    const patience = AbortSignal.any([ended, AbortSignal.timeout(DEAF_MS)]);
    await once(raw, 'drain', { signal: patience }).catch(() => left.abort());
  };
  try {
    await work(write, ended);
  } catch (error) {
    reply.log.warn({ trouble: String(error) }, 'a live connection ends');
  } finally {
    raw.end();
  }
}
