import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Checkpoints, Database, NewEvent, RecordedEvent } from '#kernel';
import { agencyDecider } from '#directory';
import {
  agencyContactsDecider,
  agencyKey,
  noticeDecider,
  NoticeSender,
  noticesProjection,
  noticeTemplateDecider,
  officeContactsDecider,
  smtpPost,
  type SenderDeps,
} from '#notices';
import { createSql, MemoryEventStore } from '#stores';
import { happened, PATIENCE_MS, silent, TestClock, workshop, type Workshop } from './worker.js';
import { testDatabase } from './postgres.js';

/** A real SMTP server on a free port; `refuse` makes it say no to recipients. */
export class MailServer {
  readonly letters: { to: string[]; text: string }[] = [];
  refuse?: number;
  port = 0;
  private server?: SMTPServer;

  async start(): Promise<void> {
    this.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo: (_address, _session, done) =>
        done(this.refuse ? Object.assign(new Error('no'), { responseCode: this.refuse }) : null),
      onData: (stream, { envelope }, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.letters.push({
            to: envelope.rcptTo.map(({ address }) => address),
            text: Buffer.concat(chunks).toString(),
          });
          done();
        });
      },
    });
    this.server.on('error', () => {});
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server.server, 'listening');
    this.port = (this.server.server.address() as AddressInfo).port;
  }
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server!.close(resolve));
  }
}

export interface Heard {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}
/** What to answer: a status, one with a body, nothing for ever, or nothing although it was done. */
type Reply = number | { status: number; body?: unknown; headers?: Record<string, string> } | 'silence' | 'lost';

/** The other side of a gateway or a webhook: a real HTTP server on a free port, which answers as it is told. */
export class Counterpart {
  readonly heard: Heard[] = [];
  /** Answers to the next requests, in their order; then `answer`. */
  readonly next: Reply[] = [];
  answer: (request: Heard) => Reply = () => 200;
  url = '';
  private readonly server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { method = '', url: path = '', headers } = request;
      const heard = { method, path, headers, body: Buffer.concat(pieces).toString() };
      this.heard.push(heard);
      const reply = this.next.shift() ?? this.answer(heard);
      if (reply === 'silence') return;
      if (reply === 'lost') return response.destroy();
      const { status, body, headers: more } = typeof reply === 'number' ? { status: reply } : { headers: {}, ...reply };
      response.writeHead(status, { 'content-type': 'application/json', ...more }).end(body && JSON.stringify(body));
    })();
  });

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const dueAt = '2026-09-10T11:00:00.000Z';
export const issued = (agency = 'gas') =>
  happened('ResolutionIssued', {
    number: '9/3',
    obligations: [{ id: 'o1', agency, action: 'وصل گاز\r\nBcc: thief@x.ir' }],
  });
export const reminded = () => happened('AgencyReminded', { obligation: 'o1', rung: 'remind', dueAt });
export const escalated = (to = 'governor') =>
  happened('ObligationEscalated', { obligation: 'o1', rung: to, to, dueAt });

export interface NoticeHouse {
  database: Database;
  store: MemoryEventStore;
  checkpoints: Checkpoints;
  clock: TestClock;
  settling: boolean;
  say: Workshop['say'];
  /** Starts a sender; the function that comes back stops it. */
  send(more?: Partial<SenderDeps>): () => Promise<void>;
  happen(...events: NewEvent[]): Promise<void>;
  recorded(type: string): Promise<RecordedEvent[]>;
  /** What waits to be told. */
  outbox(): Promise<{ event_id: string; recipient: string; notice: string | null }[]>;
  /** For the next test: senders are stopped, what waits is forgotten, and what was recorded lies in the past. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** A log, its outbox and senders on it; every try of what fails comes at once. */
export async function aNoticeHouse(mail: MailServer): Promise<NoticeHouse> {
  const db = await testDatabase();
  const database = createSql(db.pool);
  const clock = new TestClock();
  const store = new MemoryEventStore({ clock });
  const worker = await workshop({ store, database, clock }).start({ projections: [noticesProjection], policies: [] });
  const {
    say,
    decide,
    loader: reads,
  } = workshop({
    store,
    database,
    clock,
    deciders: [noticeDecider, officeContactsDecider, agencyContactsDecider, noticeTemplateDecider, agencyDecider],
  });
  const stops: (() => Promise<void>)[] = [];
  let streams = 0;
  let mark = '0';
  const house: NoticeHouse = {
    database,
    store,
    checkpoints: worker.checkpoints,
    clock,
    settling: false,
    say,
    send(more = {}) {
      const post = 'post' in more ? more.post : smtpPost(`smtp://127.0.0.1:${mail.port}`, 'p@p.ir');
      const sender = new NoticeSender({
        sql: database,
        store,
        checkpoints: worker.checkpoints,
        clock,
        send: (order) => decide(order) as ReturnType<SenderDeps['send']>,
        reads,
        contacts: new Map([
          ['governor', ['governor@p.ir', 'office@p.ir']],
          [agencyKey('gas'), ['gas@g.ir']],
        ]),
        post,
        webhookSecret: async (recipient, key) => secretOf(recipient, key),
        settling: async () => house.settling,
        log: silent,
        pollMs: 20,
        sweepMs: 300,
        retries: [0.05, 0.05, 0.05],
        ...more,
      });
      const stopping = new AbortController();
      const running = sender.run(stopping.signal);
      const stop = async () => {
        stopping.abort();
        await running;
        post?.close();
      };
      stops.push(stop);
      return stop;
    },
    async happen(...events) {
      await store.append(`resolution-r-${++streams}`, -1, events);
    },
    recorded: async (type) => (await store.readAll(mark, 1_000)).events.filter((event) => event.type === type),
    outbox: async () =>
      (await database.query(`select event_id::text, recipient, notice from notice_outbox where state = 'waiting'`))
        .rows,
    async reset() {
      for (const stop of stops.splice(0).reverse()) await stop();
      house.settling = false;
      clock.set(new Date().toISOString());
      mark = await store.head();
      await worker.checkpoints.waitFor([noticesProjection.name], mark, PATIENCE_MS);
      await database.query('delete from notice_outbox');
    },
    async close() {
      await house.reset();
      await worker.stop();
      await store.close();
      await db.close();
    },
  };
  return house;
}

export const secretOf = (recipient: string, key: number): string =>
  `whsec_${Buffer.from(`the secret ${key} of ${recipient}, 24 bytes or more`).toString('base64')}`;
