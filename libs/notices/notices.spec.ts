import { derivedId, type NewEvent, type RecordedEvent } from '#kernel';
import { eventually, happened } from '#test/kit/worker';
import { aNoticeHouse, dueAt, escalated, issued, MailServer, reminded, type NoticeHouse } from '#test/kit/notices';

const imported = (event: NewEvent): NewEvent => ({ ...event, metadata: { ...event.metadata, import: 'i-1' } });

describe('notices', () => {
  const mail = new MailServer();

  let house: NoticeHouse;
  let { send, happen, recorded, outbox } = {} as NoticeHouse;
  beforeAll(async () => {
    await mail.start();
    house = await aNoticeHouse(mail);
    ({ send, happen, recorded, outbox } = house);
  });
  afterEach(async () => {
    await house.reset();
    mail.letters.length = 0;
    mail.refuse = undefined;
  });
  afterAll(async () => {
    await house.close();
    await mail.stop();
  });

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
      data: {
        recipient: 'governor',
        events: [escalate.id],
        channel: 'email',
        messageId: `<${id}@notices.peygir>`,
        templates: ['Digest-email/1', 'ObligationEscalated-email/1'],
      },
      by: 'engine',
    });
    const { text } = mail.letters.find(({ to }) => to.includes('governor@p.ir'))!;
    expect(text).toContain(`Message-ID: <${id}@notices.peygir>`);
    expect(text).not.toMatch(/^Bcc:/m);
  });

  // In an hour: whatever leaves has another reason than that it was time to look again.
  const NEVER = 3_600_000;

  it('wake a sender that has found nothing to do', async () => {
    let looks = 0;
    send({ sweepMs: NEVER, ask: async () => void looks++ });
    await eventually(async () => looks > 0);
    await happen(issued(), escalated());
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
  });

  it('leave although nobody was woken for them, and are tried again when it is time', async () => {
    const deaf = { read: (names?: readonly string[]) => house.checkpoints.read(names), onMoved: () => () => {} };
    const stop = send({ sweepMs: 100, checkpoints: deaf });
    await happen(issued(), escalated());
    await eventually(async () => (await recorded('NoticeSent')).length === 1);
    await stop();

    mail.refuse = 451;
    await happen(issued(), escalated('deputy'));
    await eventually(async () => (await outbox()).some(({ recipient }) => recipient === 'deputy'));
    const contacts = new Map([['deputy', ['deputy@p.ir']]]);
    send({ sweepMs: NEVER, checkpoints: deaf, contacts, retries: Array<number>(99).fill(0.2) });
    await eventually(async () => (await recorded('NoticeFailed')).length > 0);
    mail.refuse = undefined;
    await eventually(async () => (await recorded('NoticeSent')).length === 2);
  });

  it('name who answered for the office when it fell to it, not who does now', async () => {
    const appointed = (person: string, from: string, to?: string) =>
      happened('HolderAppointed', { office: 'governor', person, from, ...(to && { to }) });
    const group = { name: 'Tuesdays', chair: 'governor', secretary: 'secretary', capacity: 14 };
    await house.store.append('workingGroup-facilitation', -1, [
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
    house.settling = true;
    send();
    await happen(issued(), imported(reminded()), imported(escalated()));
    await happen(issued(), imported(escalated()));
    await eventually(async () => (await outbox()).length === 3);
    expect(mail.letters).toEqual([]);
    house.settling = false;
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
    await eventually(
      async () => (await house.database.query('select from notice_outbox where attempts >= 2')).rowCount,
    );
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
    await house.database.query('update notice_outbox set next_attempt_at = now()'); // the dead sender's claim runs out
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
    await house.database.query(
      `insert into notice_outbox (event_id, recipient, position, type, resolution, obligation, detail, due_at, notice)
       values ($1, 'governor', 1, 'ObligationEscalated', 'r', 'o1', 'governor', $2, $3)`,
      [id, dueAt, stream.replace('notice-', '')],
    );
    const stopAgain = send();
    await eventually(async () => (await house.database.query('select from notice_outbox where attempts > 0')).rowCount);
    await stopAgain();
    expect(mail.letters).toHaveLength(1);
  });

  it('wait while the outbox is behind the log', async () => {
    const behind = {
      read: async () => new Map([['notices', { name: 'notices', version: 1, position: '0' }]]),
      onMoved: () => () => {},
    };
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
