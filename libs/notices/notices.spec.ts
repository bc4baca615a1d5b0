import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { derivedId, systemClock, type Database, type NewEvent, type RecordedEvent } from '#kernel';
import { createSql, MemoryEventStore } from '#stores';
import { eventually, happened, silent, workshop } from '#test/kit/worker';
import { testDatabase, type TestDatabase } from '#test/kit/postgres';
import {
  agencyKey,
  noticeDecider,
  NoticeSender,
  noticesProjection,
  smtpPost,
  type Post,
  type SenderDeps,
} from './index.js';

/** A real SMTP server on a free port; `refuse` makes it say no to recipients. */
class MailServer {
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

const issued = (agency = 'gas') =>
  happened('ResolutionIssued', {
    number: '9/3',
    obligations: [{ id: 'o1', agency, action: 'وصل گاز\r\nBcc: thief@x.ir' }],
  });
const dueAt = '2026-09-10T11:00:00.000Z';
const reminded = () => happened('AgencyReminded', { obligation: 'o1', rung: 'remind', dueAt });
const escalated = (to = 'governor') => happened('ObligationEscalated', { obligation: 'o1', rung: to, to, dueAt });
const imported = (event: NewEvent): NewEvent => ({ ...event, metadata: { ...event.metadata, import: 'i-1' } });

describe('notices', () => {
  const mail = new MailServer();
  beforeAll(() => mail.start());
  afterAll(() => mail.stop());

  let db: TestDatabase;
  let database: Database;
  let store: MemoryEventStore;
  let stopAll: (() => Promise<void>)[];
  let settling: boolean;
  beforeEach(async () => {
    db = await testDatabase();
    database = createSql(db.pool);
    store = new MemoryEventStore({ clock: systemClock });
    stopAll = [];
    settling = false;
    mail.letters.length = 0;
    mail.refuse = undefined;
    const worker = await workshop({ store, database, clock: systemClock }).start({
      projections: [noticesProjection],
      policies: [],
    });
    stopAll.push(() => worker.stop());
    checkpoints = worker.checkpoints;
  });
  afterEach(async () => {
    for (const stop of stopAll.reverse()) await stop();
    await store.close();
    await db.close();
  });

  let checkpoints: SenderDeps['checkpoints'];
  const contacts = new Map([
    ['governor', ['governor@p.ir', 'office@p.ir']],
    [agencyKey('gas'), ['gas@g.ir']],
  ]);

  /** Starts a sender; the function that comes back stops it. */
  function send(more: Partial<SenderDeps> = {}) {
    const post: Post | undefined = 'post' in more ? more.post : smtpPost(`smtp://127.0.0.1:${mail.port}`, 'p@p.ir');
    const shop = workshop({
      store,
      database,
      clock: systemClock,
      deciders: [noticeDecider],
    });
    const sender = new NoticeSender({
      sql: database,
      store,
      checkpoints,
      send: (order) => shop.decide(order) as ReturnType<SenderDeps['send']>,
      reads: shop.loader,
      contacts,
      post,
      settling: async () => settling,
      log: silent,
      pollMs: 20,
      firstRetryMs: 50,
      ...more,
    });
    const stopping = new AbortController();
    const running = sender.run(stopping.signal);
    const stop = async () => {
      stopping.abort();
      await running;
      post?.close();
    };
    stopAll.push(stop);
    return stop;
  }

  let streams = 0;
  async function happen(...events: NewEvent[]): Promise<void> {
    await store.append(`resolution-r-${++streams}`, -1, events);
  }
  const recorded = async (type: string): Promise<RecordedEvent[]> =>
    (await store.readAll('0', 1_000)).events.filter((event) => event.type === type);
  const outbox = async () => (await database.query('select event_id::text, notice from notice_outbox')).rows;

  it('leave by e-mail, to the office or to the agency that owes it, and are recorded', async () => {
    send();
    const [remind, escalate] = [reminded(), escalated()];
    await happen(issued(), remind, escalate);
    await eventually(async () => (await recorded('NoticeSent')).length === 2 && (await outbox()).length === 0);

    expect(mail.letters.map(({ to }) => to).toSorted((a, b) => a.length - b.length)).toEqual([
      ['gas@g.ir'],
      ['governor@p.ir', 'office@p.ir'],
    ]);
    const sent = (await recorded('NoticeSent')).map(({ stream, data, metadata }) => ({
      stream,
      data,
      by: metadata.actor.role,
    }));
    const id = derivedId('notice', 'governor', escalate.id);
    expect(sent).toContainEqual({
      stream: `notice-${id}`,
      data: { recipient: 'governor', events: [escalate.id], channel: 'email', messageId: `<${id}@notices.peygir>` },
      by: 'engine',
    });
    const { text } = mail.letters.find(({ to }) => to.includes('governor@p.ir'))!;
    expect(text).toContain(`Message-ID: <${id}@notices.peygir>`);
    expect(text).not.toMatch(/^Bcc:/m);
  });

  it('name who answered for the office when it fell to it, not who does now', async () => {
    const appointed = (person: string, from: string, to?: string) =>
      happened('HolderAppointed', { office: 'governor', person, from, ...(to && { to }) });
    const group = { name: 'Tuesdays', chair: 'governor', secretary: 'secretary', capacity: 14 };
    await store.append('workingGroup-facilitation', -1, [
      happened('WorkingGroupEstablished', group),
      appointed('خانم کریمی', '2026-01-01'),
      appointed('آقای رضایی', '2026-10-01'),
    ]);
    const then = escalated();
    const resolution = issued();
    await happen(
      { ...resolution, data: { ...resolution.data, session: 'facilitation-9' } },
      { ...then, metadata: { ...then.metadata, occurredAt: '2026-09-20T06:00:00.000Z' } },
    );
    const letters: string[] = [];
    send({ post: { send: async ({ text }) => void letters.push(text), close() {} } });
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
    expect(letters[0]).toContain('در تصدی خانم کریمی');
    expect(letters[0]).not.toContain('رضایی');
  });

  it('become one letter for each recipient when an import has ended', async () => {
    settling = true;
    send();
    await happen(issued(), imported(reminded()), imported(escalated()));
    await happen(issued(), imported(escalated()));
    await eventually(async () => (await outbox()).length === 3);
    expect(mail.letters).toEqual([]);
    settling = false;
    await eventually(async () => (await recorded('NoticeSent')).length === 2 && (await outbox()).length === 0);
    expect(mail.letters).toHaveLength(2);
    expect((await recorded('NoticeSent')).map(({ data }) => data.events.length).toSorted((a, b) => a - b)).toEqual([
      1, 2,
    ]);
  });

  it('wait for the rest of a burst that is in the log and not yet in the outbox', async () => {
    let first = true;
    // Settling ends between two looks, with more in the log than the outbox shows at the first of them.
    const [one, two] = [imported(escalated()), imported(escalated())];
    await happen(issued(), one);
    await eventually(async () => (await outbox()).length === 1);
    send({
      settling: async () => {
        if (first) await happen(issued(), two);
        first = false;
        return false;
      },
    });
    await eventually(async () => (await recorded('NoticeSent')).length > 0 && (await outbox()).length === 0);
    expect((await recorded('NoticeSent')).map(({ data }) => data.events)).toEqual([[one.id, two.id]]);
  });

  it('wait for a server that is down, record that once, and are sent when it is up', async () => {
    await mail.stop();
    send();
    await happen(issued(), escalated());
    await eventually(
      async () =>
        (await outbox()).some(({ notice }: { notice: string | null }) => notice !== null) &&
        (await recorded('NoticeFailed')).length,
    );
    // A second attempt fails as the first did.
    await eventually(async () => (await database.query('select from notice_outbox where attempts >= 2')).rowCount);
    await mail.start();
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
    expect(mail.letters).toHaveLength(1);
    expect((await recorded('NoticeFailed')).map(({ data }) => data)).toMatchObject([
      { reason: 'unreachable', final: false },
    ]);
  });

  it('are given up when the server refuses the recipient for good', async () => {
    mail.refuse = 550;
    send();
    await happen(issued(), escalated());
    await eventually(async () => (await recorded('NoticeFailed')).length === 1 && (await outbox()).length === 0);
    expect((await recorded('NoticeFailed'))[0]!.data).toMatchObject({ reason: 'rejected', final: true });
  });

  it('record that nobody was told when there is no channel, or no address', async () => {
    const stop = send({ post: undefined });
    await happen(issued(), escalated());
    await eventually(async () => (await recorded('NoticeFailed')).length === 1);
    await stop();
    send();
    await happen(issued('water'), reminded());
    await eventually(async () => (await recorded('NoticeFailed')).length === 2 && (await outbox()).length === 0);
    const failed = (await recorded('NoticeFailed')).map(({ data: { recipient, reason, final } }) => [
      recipient,
      reason,
      final,
    ]);
    expect(failed).toEqual([
      ['governor', 'no-channel', true],
      ['agency:water', 'no-address', true],
    ]);
    expect(mail.letters).toEqual([]);
  });

  it('killed after sending and before recording, are sent again under the same Message-ID', async () => {
    const killed = send({ send: () => Promise.reject(new Error('killed')) });
    await happen(issued(), escalated());
    await eventually(async () => mail.letters.length === 1);
    await killed();
    await database.query('update notice_outbox set next_attempt_at = now()'); // the dead sender's claim runs out
    send();
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
    const ids = mail.letters.map(({ text }) => /^Message-ID: (.*)$/m.exec(text)?.[1]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('killed after recording, are not sent again, nor when the outbox is rebuilt', async () => {
    const stop = send();
    await happen(issued(), escalated());
    await eventually(async () => (await recorded('NoticeSent')).length === 1 && (await outbox()).length === 0);
    await stop();
    // As it was just before the recording was read back, and as a rebuild leaves it: rows, and a checkpoint behind.
    const [{ id }] = (await recorded('ObligationEscalated')) as [RecordedEvent];
    const [{ stream }] = (await recorded('NoticeSent')) as [RecordedEvent];
    await database.query(
      `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, notice)
       values ($1, 'governor', 1, 'ObligationEscalated', 'r', 'o1', 'governor', $2, $3)`,
      [id, dueAt, stream.replace('notice-', '')],
    );
    const stopAgain = send();
    await eventually(async () => (await database.query('select from notice_outbox where attempts > 0')).rowCount);
    await stopAgain();
    expect(mail.letters).toHaveLength(1);
  });

  it('wait while the outbox is behind the log', async () => {
    const behind = { read: async () => new Map([['notices', { name: 'notices', version: 1, position: '0' }]]) };
    const stop = send({ post: undefined, checkpoints: behind });
    await happen(issued(), escalated());
    await eventually(async () => (await outbox()).length === 1);
    await stop();
    expect(await recorded('NoticeFailed')).toEqual([]);
    expect(await outbox()).toMatchObject([{ notice: null }]);
  });

  it('go to whoever owes the obligation now', async () => {
    send();
    await happen(issued('water'), happened('ObligationReassigned', { obligation: 'o1', agency: 'gas' }), reminded());
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
    expect(mail.letters[0]!.to).toEqual(['gas@g.ir']);
  });
});
