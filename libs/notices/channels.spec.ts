import { Webhook } from 'standardwebhooks';
import { smsGateway, type GatewayConfig } from '#notices';
import {
  aNoticeHouse,
  Counterpart,
  escalated,
  issued,
  MailServer,
  reminded,
  secretOf,
  type NoticeHouse,
} from '#test/kit/notices';
import { eventually, happened } from '#test/kit/worker';

// Row 9 of FIELD, and the complaint about mails at midnight: whoever is to be told is told by the channel that was chosen
// for him, in working hours, once; and when he cannot be told, somebody knows.

const mail = new MailServer();
const other = new Counterpart();
let house: NoticeHouse;
beforeAll(async () => {
  await mail.start();
  await other.start();
  house = await aNoticeHouse(mail);
  await house.store.append('agency-gas', -1, [happened('AgencyRegistered', { name: 'شرکت گاز', kind: 'utility' })]);
});
afterEach(async () => {
  await house.reset();
  mail.letters.length = 0;
  mail.refuse = undefined;
  other.heard.length = 0;
  other.next.length = 0;
  other.answer = () => 200;
});
afterAll(async () => {
  await house.close();
  await mail.stop();
  await other.stop();
});

const reach = (office: string, ...channels: object[]) =>
  house.say('admin', 'officeContacts', office, 'SetOfficeContacts', { channels });
const gateway = (more: Partial<GatewayConfig> = {}, patienceMs?: number) =>
  smsGateway(
    {
      url: `${other.url}/send/{secret}`,
      headers: { 'idempotency-key': '{id}' },
      json: { receptor: '{to}', message: '{text}', from: '3000' },
      messageId: 'entries.0.id',
      ...more,
    },
    'k/1',
    patienceMs,
  );
const facts = async (...types: string[]) =>
  (await Promise.all(types.map((type) => house.recorded(type)))).flat().map(({ type, data }) => [type, data]);
/** Waits for that many facts of a type. */
const fact = async (type: string, count = 1) => {
  await eventually(async () => (await house.recorded(type)).length >= count);
  return (await house.recorded(type)).map(({ data, stream }) => ({ ...data, id: stream.replace('notice-', '') }));
};
const state = async (of: string) =>
  eventually(async () => {
    const { rows } = await house.database.query('select distinct state from notice_outbox');
    return rows.length === 1 && rows[0].state === of;
  });

describe('by SMS', () => {
  it('goes to the number that was set, in Persian words, and says what it costs', async () => {
    other.answer = () => ({ status: 200, body: { entries: [{ id: 77 }] } });
    await reach('governor', { sms: '۰۹۱۲ ۱۲۳ ۴۵۶۷' });
    house.send({ sms: gateway() });
    await house.happen(issued(), escalated());
    const [sent] = await fact('NoticeSent');
    expect(sent).toMatchObject({
      recipient: 'governor',
      channel: 'sms',
      messageId: '77',
      templates: ['ObligationEscalated-sms/1'],
      segments: 2,
    });
    const [{ path, method, headers, body }] = other.heard as [(typeof other.heard)[0]];
    expect([method, path, headers['idempotency-key']]).toEqual(['POST', '/send/k%2F1', sent!.id]);
    expect(JSON.parse(body)).toMatchObject({
      receptor: '09121234567',
      message: expect.stringMatching(/^پیگیر: مصوبهٔ 9\/3 به شما ارجاع شد: شرکت گاز، وصل گاز Bcc/),
      from: '3000',
    });
    expect(mail.letters).toEqual([]);
  });

  it('of several things is one digest', async () => {
    await reach('governor', { sms: '09121234567' });
    house.settling = true;
    house.send({ sms: gateway() });
    await house.happen(issued(), escalated(), escalated());
    await house.happen(
      issued(),
      happened('DutyMissed', { duty: 'verify', to: 'governor', obligation: 'o1', dueAt: '2026-09-10T11:00:00.000Z' }),
    );
    await eventually(async () => (await house.outbox()).length === 3);
    house.settling = false;
    expect(await fact('NoticeSent')).toMatchObject([{ templates: ['Digest-sms/1'] }]);
    expect(JSON.parse(other.heard[0]!.body).message).toBe(
      'پیگیر: ۳ مورد برای پیگیری: ۲ ارجاع، ۱ وظیفه، ۰ مهلت گذشته، ۰ یادآوری',
    );
  });

  it.each(['delivered', 'failed'] as const)('has arrived, or has not, when the gateway says so: %s', async (status) => {
    const report = {
      url: `${other.url}/status?id={messageId}`,
      status: 'status',
      delivered: ['delivered'],
      failed: ['failed'],
    };
    const said = ['queued', status];
    other.answer = ({ path }) =>
      path.startsWith('/status')
        ? { status: 200, body: { status: said.shift() ?? status } }
        : { status: 200, body: { entries: [{ id: 'm-1' }] } };
    await reach('governor', { sms: '09121234567' });
    house.send({ sms: gateway({ report }) });
    await house.happen(issued(), escalated());
    await fact('NoticeSent');
    // It is asked for again in ten seconds; nobody waits for that here.
    await eventually(async () => other.heard.some(({ path }) => path === '/status?id=m-1'));
    await house.database.query('update notice_outbox set next_attempt_at = now()');
    if (status === 'delivered') {
      expect(await fact('NoticeDelivered')).toMatchObject([{ recipient: 'governor', channel: 'sms' }]);
      await eventually(async () => (await house.database.query('select from notice_outbox')).rowCount === 0);
    } else {
      expect(await fact('NoticeFailed')).toMatchObject([{ reason: 'undelivered', channel: 'sms', final: true }]);
      await state('undelivered');
    }
  });

  it.each([
    ['the gateway answers 500', 500],
    ['the gateway is asked too much', 429],
    ['the gateway is slow', 'silence'],
    ['the answer is lost', 'lost'],
    ['the gateway says 200 and no', { status: 200, body: { return: { status: 418 } } }],
  ] as const)('is sent again under the same id when %s', async (_, fault) => {
    other.next.push(fault, fault);
    other.answer = () => ({ status: 200, body: { return: { status: 200 }, entries: [{ id: 1 }] } });
    await reach('governor', { sms: '09121234567' });
    const accepted = { path: 'return.status', values: [200] };
    house.send({ sms: gateway({ accepted }, 300) });
    await house.happen(issued(), escalated());
    await fact('NoticeSent');
    expect(new Set(other.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(other.heard).toHaveLength(3);
    expect(await facts('NoticeFailed')).toMatchObject([['NoticeFailed', { reason: 'unreachable', final: false }]]);
  });

  it('goes by the next channel when it is refused, or when a few tries were in vain', async () => {
    await reach('governor', { sms: '09121234567' }, { email: ['governor@p.ir'] });
    house.send({ sms: gateway() });
    other.next.push(400);
    await house.happen(issued(), escalated());
    expect(await fact('NoticeSent')).toMatchObject([{ channel: 'email' }]);
    expect(other.heard).toHaveLength(1);
    other.answer = () => 503;
    await house.happen(issued(), escalated());
    expect(await fact('NoticeSent', 2)).toMatchObject([{}, { channel: 'email' }]);
    expect(other.heard).toHaveLength(4);
    expect(await facts('NoticeFailed')).toMatchObject([
      ['NoticeFailed', { channel: 'sms', reason: 'rejected', final: false }],
      ['NoticeFailed', { channel: 'sms', reason: 'unreachable', final: false }],
    ]);
  });
});

describe('by webhook', () => {
  const verified = (at: number, key = 1) => {
    const { body, headers } = other.heard[at]!;
    return new Webhook(secretOf('agency:gas', key)).verify(body, headers as Record<string, string>) as any;
  };
  const webhook = (more: object = {}) =>
    house.say('admin', 'agencyContacts', 'gas', 'SetAgencyContacts', {
      channels: [{ webhook: `${other.url}/in`, ...more }],
    });

  it('is signed as the convention says, under one id however often it is sent, and has arrived when it was taken', async () => {
    other.next.push(500, 'lost');
    await webhook();
    house.send();
    const event = reminded();
    await house.happen(issued(), event);
    const [sent] = await fact('NoticeDelivered');
    expect(other.heard).toHaveLength(3);
    for (const at of [0, 1, 2]) {
      expect(other.heard[at]!.headers['webhook-id']).toBe(sent!.id);
      expect(verified(at)).toMatchObject({
        type: 'notice',
        data: {
          notice: sent!.id,
          recipient: 'agency:gas',
          items: [{ event: event.id, type: 'AgencyReminded', obligation: 'o1', agency: 'gas', number: '9/3' }],
        },
      });
    }
    expect(() => verified(0, 2)).toThrow();
    expect(await facts('NoticeSent')).toMatchObject([['NoticeSent', { channel: 'webhook', messageId: sent!.id }]]);
  });

  it('is signed by two secrets while the receiver changes them', async () => {
    await webhook({ key: 2 });
    house.send();
    await house.happen(issued(), reminded());
    await fact('NoticeSent');
    for (const key of [1, 2]) expect(verified(0, key)).toMatchObject({ type: 'notice' });
    expect(() => verified(0, 3)).toThrow();
  });

  it('is not sent to who has moved elsewhere, and not again to who is gone (410)', async () => {
    other.next.push({ status: 302, headers: { location: `${other.url}/elsewhere` } }, 410);
    await webhook();
    house.send();
    await house.happen(issued(), reminded());
    await eventually(async () => (await house.recorded('WebhookDisabled')).length === 1);
    expect(await fact('NoticeFailed', 2)).toMatchObject([
      { reason: 'unreachable', final: false },
      { reason: 'gone', channel: 'webhook', final: true },
    ]);
    expect(other.heard.map(({ path }) => path)).toEqual(['/in', '/in']);
    await house.happen(issued(), reminded());
    expect(await fact('NoticeFailed', 3)).toMatchObject([{}, {}, { reason: 'no-address', final: true }]);
    expect(other.heard).toHaveLength(2);
    await webhook();
    await house.happen(issued(), reminded());
    await fact('NoticeDelivered');
  });

  it('killed after sending and before recording, is sent again under the same id', async () => {
    await webhook();
    const killed = house.send({ send: () => Promise.reject(new Error('killed')) });
    await house.happen(issued(), reminded());
    await eventually(async () => other.heard.length === 1);
    await killed();
    await house.database.query('update notice_outbox set next_attempt_at = now()'); // the dead sender's claim runs out
    house.send();
    await fact('NoticeSent');
    expect(new Set(other.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(other.heard.length).toBe(2);
  });
});

describe('what could not be delivered', () => {
  const undelivered = async () => {
    await reach('governor', { webhook: `${other.url}/in` });
    other.answer = () => 503;
    house.send();
    await house.happen(issued(), escalated());
    const [, failed] = await fact('NoticeFailed', 2);
    expect(failed).toMatchObject({ reason: 'unreachable', attempts: 4, final: true });
    await state('undelivered');
    return failed!.id as string;
  };

  it('is sent again when the secretary says so, as a message of its own', async () => {
    const id = await undelivered();
    other.answer = () => 200;
    await house.say('secretary', 'notice', id, 'ResendNotice');
    await fact('NoticeDelivered');
    const ids = other.heard.map(({ headers }) => headers['webhook-id']);
    expect(ids.slice(0, 4)).toEqual([id, id, id, id]);
    expect(ids.slice(4)).toEqual([expect.not.stringContaining(id)]);
    await expect(house.say('secretary', 'notice', id, 'ResendNotice')).rejects.toMatchObject({
      code: 'not-undelivered',
    });
  });

  it('may fail again, and is the secretary’s again', async () => {
    const id = await undelivered();
    await house.say('secretary', 'notice', id, 'ResendNotice');
    expect(await fact('NoticeFailed', 4)).toMatchObject([{}, {}, { final: false }, { final: true }]);
    await state('undelivered');
  });

  it('because only a channel is known that is not set up, is the secretary’s as well', async () => {
    await reach('governor', { sms: '09121234567' });
    house.send();
    await house.happen(issued(), escalated());
    expect(await fact('NoticeFailed')).toMatchObject([{ reason: 'no-address', final: true }]);
    await state('undelivered');
  });

  it('is over when the secretary has told otherwise', async () => {
    const id = await undelivered();
    await house.say('secretary', 'notice', id, 'AcknowledgeNotice', { note: 'تلفنی گفته شد' });
    await house.say('secretary', 'notice', id, 'AcknowledgeNotice', { note: 'تلفنی گفته شد' });
    expect(await facts('NoticeAcknowledged')).toMatchObject([
      ['NoticeAcknowledged', { recipient: 'governor', note: 'تلفنی گفته شد' }],
    ]);
    await eventually(async () => (await house.database.query('select from notice_outbox')).rowCount === 0);
  });

  it('yet, is tried anew by contacts that were set anew', async () => {
    await reach('governor', { webhook: `${other.url}/wrong` });
    other.answer = ({ path }) => (path === '/wrong' ? 503 : 200);
    house.send({ retries: [3_600] });
    await house.happen(issued(), escalated());
    await fact('NoticeFailed');
    await reach('governor', { webhook: `${other.url}/right` });
    await fact('NoticeDelivered');
    expect(other.heard.map(({ path }) => path)).toEqual(['/wrong', '/right']);
  });
});

describe('in working hours', () => {
  const WEEK = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30', thu: null, fri: null }; // prettier-ignore
  beforeAll(async () => {
    await house.store.append('calendar-offices', -1, [
      happened('CalendarDefined', { zone: 'Asia/Tehran', week: WEEK, holidays: [], validFrom: '2026-03-21' }),
      happened('ClosureDeclared', { dates: ['2026-09-06'], reason: 'گرما', decree: '۱۲' }),
    ]);
    await reach('governor', { email: ['governor@p.ir'] });
  });
  const tehran = (at: string) => house.clock.set(`${at}:00.000+03:30`);
  /** Two looks at an outbox that is up to date: whoever would be told has been. */
  const looked = async () => {
    await eventually(async () => (await house.outbox()).length > 0);
    let looks = 0;
    house.send({ pollMs: 2, sweepMs: 20, settling: async () => (looks++, false), ask: async () => void looks++ });
    await eventually(async () => looks > 6);
  };

  it('nobody is told on a day that is closed by decree', async () => {
    tehran('2026-09-06T10:00');
    await house.happen(issued(), escalated());
    await looked();
    expect([mail.letters, await facts('NoticeSent', 'NoticeFailed')]).toEqual([[], []]);
  });

  it('what came at night is told at the opening, together with what falls due then, once', async () => {
    tehran('2026-09-05T22:00');
    house.settling = true;
    const stop = house.send();
    await house.happen(issued(), escalated());
    await eventually(async () => (await house.outbox()).length === 1);
    await house.database.query(`update notice_outbox set queued_at = queued_at - interval '9 hours'`);
    await stop();
    // Saturday is over, Sunday closed: Monday at half past seven.
    tehran('2026-09-07T07:30');
    house.send();
    await house.happen(issued(), escalated());
    await eventually(async () => (await house.outbox()).length === 2);
    expect(mail.letters).toEqual([]);
    house.settling = false;
    expect(await fact('NoticeSent')).toMatchObject([{ recipient: 'governor', events: [{}, {}] }]);
    await eventually(async () => (await house.outbox()).length === 0);
    expect(mail.letters).toHaveLength(1);
  });

  it('that nobody can be told is recorded at night, too', async () => {
    tehran('2026-09-07T23:00');
    house.send();
    await house.happen(issued('water'), reminded());
    expect(await fact('NoticeFailed')).toMatchObject([
      { recipient: 'agency:water', reason: 'no-address', final: true },
    ]);
  });

  it('a server that failed is tried again when the doors are open', async () => {
    tehran('2026-09-07T10:00');
    await reach('governor', { webhook: `${other.url}/in` });
    other.answer = () => {
      if (other.heard.length === 1) tehran('2026-09-07T15:00');
      return other.heard.length === 1 ? 500 : 200;
    };
    const stop = house.send();
    await house.happen(issued(), escalated());
    await fact('NoticeFailed');
    await stop();
    await house.database.query(`update notice_outbox set next_attempt_at = now()`);
    await looked();
    expect(other.heard).toHaveLength(1);
    tehran('2026-09-08T07:30');
    await fact('NoticeDelivered');
    expect(other.heard).toHaveLength(2);
  });
});
