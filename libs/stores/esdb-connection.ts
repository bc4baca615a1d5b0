import { EventStoreDBClient } from '@eventstore/db-client';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailable } from '#kernel';

/** One more at once and the client queues it, and what it has queued when its stream breaks rejects unhandled: the end. */
const APPENDS_AT_ONCE = 15;
/** Streams that are cancelled end at once; this is for one that does not. */
const PARTING_MS = 1_000;

/**
 * The client's one connection, and the only client of the process. The client keeps its books of pending appends in one
 * place for the whole process, and strikes all of them off when any stream of appends breaks, one of an earlier leader
 * too; an answer to what was struck off is an exception that nobody can catch. So when a connection is lost all its
 * streams are ended, and nothing is asked before they are.
 */
export class EsdbConnection {
  private static shared: EsdbConnection | undefined;
  private client: EventStoreDBClient | undefined;
  private users = 0;
  /** How often the connection was lost. */
  private losses = 0;
  private parting: Promise<unknown> = Promise.resolve();
  private free = APPENDS_AT_ONCE;
  private readonly waiting: (() => void)[] = [];

  private constructor(private readonly url: string) {}

  /** The one there is, when it is to the same place. Give it back with {@link release}. */
  static to(url: string): EsdbConnection {
    // A cluster is a list of hosts, which is no URL; the client reads the names of its options in any case.
    const [, credentials, query] = /^[^/]*:\/\/([^@/?]*@)?[^?]*\??(.*)$/.exec(url) ?? [];
    const options = new URLSearchParams(query!.toLowerCase().replaceAll(/[_-]/g, ''));
    if (credentials && options.get('tls') === 'false') {
      throw new Error('EVENT_STORE_URL has credentials and tls=false: they would be dropped without a word.');
    }
    if (options.get('throwonappendfailure') === 'false') throw new Error('throwOnAppendFailure must stay true.');
    if (EsdbConnection.shared && EsdbConnection.shared.url !== url) {
      throw new Error('One process speaks to one EventStoreDB.');
    }
    const connection = (EsdbConnection.shared ??= new EsdbConnection(url));
    connection.client ??= EventStoreDBClient.connectionString(url);
    connection.users++;
    return connection;
  }

  async release(): Promise<void> {
    if (--this.users > 0) return;
    EsdbConnection.shared = undefined;
    await this.client?.dispose();
  }

  /**
   * `lost`: for a connection that turns out to be lost later.
   * @throws StoreUnavailable when the way there failed, also while something else was on it; else what `work` throws.
   */
  async use<T>(work: (client: EventStoreDBClient, lost: (error: unknown) => void) => Promise<T>): Promise<T> {
    await this.parting;
    const client = (this.client ??= EventStoreDBClient.connectionString(this.url));
    const { losses } = this;
    const lost = (error: unknown) => {
      if (losses === this.losses) this.part(client, error);
    };
    try {
      const result = await work(client, lost);
      // What was being read when its stream was ended looks complete.
      if (losses !== this.losses) throw new StoreUnavailable('The connection to the log was lost meanwhile.');
      return result;
    } catch (error) {
      if (breaks(error)) lost(error);
      throw unavailable(error) ?? error;
    }
  }

  /** As {@link use}, in turn. What is not answered in time takes its connection with it, so that its place is free again. */
  async append<T>(work: (client: EventStoreDBClient) => Promise<T>, deadlineMs: number): Promise<T> {
    let turn = () => {};
    const leave = () => {
      if (this.waiting.includes(turn)) this.waiting.splice(this.waiting.indexOf(turn), 1);
    };
    if (this.free > 0) this.free--;
    else await within(deadlineMs, new Promise<void>((resolve) => this.waiting.push((turn = resolve))), leave);
    let working: Promise<unknown> | undefined;
    try {
      return await this.use((client, lost) => {
        const answer = work(client);
        working = answer;
        return within(deadlineMs, answer, lost);
      });
    } finally {
      const next = this.next.bind(this);
      if (working) working.then(next, next);
      else next();
    }
  }

  private next(): void {
    const first = this.waiting.shift();
    if (first) first();
    else this.free++;
  }

  private part(client: EventStoreDBClient, error: unknown): void {
    this.losses++;
    this.parting = Promise.race([client.dispose(), pause(PARTING_MS, undefined, { ref: false })]);
    // An error without a type is one that the client may keep as its answer for ever: that no node is to be found.
    const { type } = error as { type?: string };
    if (!type && !(error instanceof StoreUnavailable)) this.client = undefined;
  }
}

/** @throws StoreUnavailable when there was no answer in time: the client itself would wait for ever. */
export async function within<T>(ms: number, answer: Promise<T>, late?: (error: unknown) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new StoreUnavailable(`The log did not answer within ${ms} ms.`);
      late?.(error);
      reject(error);
    }, ms);
  });
  return Promise.race([answer, silence]).finally(() => clearTimeout(timer));
}

const ANSWERED = ['timeout', 'deadline-exceeded', 'unknown'];
const OUTAGES = ['unavailable', 'cancelled', 'not-leader', ...ANSWERED];
/** gRPC: cancelled, unknown, deadline exceeded, aborted, internal, unavailable. Some failures have a code and no type. */
const OUTAGE_CODES = [1, 2, 4, 10, 13, 14];

/**
 * Undefined for what the server has decided. Whatever else it says means that it cannot now: it is starting, electing a
 * leader, too busy. Each attempt of ours may be repeated.
 */
export function unavailable(error: unknown): StoreUnavailable | undefined {
  if (error instanceof StoreUnavailable) return error;
  const { type = '', code = 0, message = '' } = error as { type?: string; code?: number; message?: string };
  if (type === 'access-denied') {
    return new StoreUnavailable(
      'The log refuses the account of EVENT_STORE_URL, which must be allowed to read $all and to write.',
      { cause: error },
    );
  }
  const outage = OUTAGES.includes(type) || OUTAGE_CODES.includes(code) || /failed to discover/i.test(message);
  return outage ? new StoreUnavailable(`The log cannot be reached: ${message}`, { cause: error }) : undefined;
}

/** Whether the connection is lost, and not only one call on it unanswered or answered so. */
function breaks(error: unknown): boolean {
  const { type = '' } = error as { type?: string };
  if (error instanceof StoreUnavailable || type === 'access-denied' || ANSWERED.includes(type)) return false;
  return unavailable(error) !== undefined;
}
