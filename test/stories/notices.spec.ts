import ICAL from 'ical.js';
import { MailServer } from '#test/kit/notices';
import { aProvince, eventually, withOffices, withResolution, type Person, type Province } from '#test/kit/province';

// Row 9 of FIELD: who is to be told is told, and when he cannot be, somebody knows. And whoever likes sees the deadlines
// in the calendar that he uses anyway.

const gas = { role: 'agency', agency: 'gas' } as const;
const mail = new MailServer();
let province: Province;
beforeAll(async () => {
  await mail.start();
  province = await aProvince({ smtp: { url: `smtp://127.0.0.1:${mail.port}`, from: 'peygir@p.ir' } });
  await withOffices(province);
  await province.does('admin', 'ladder', 'quick', 'DefineLadder', {
    rungs: [{ id: 'governor', when: { after: { workingDays: 5 } }, action: 'escalate', to: 'governor' }],
  });
  const owed = { agency: 'gas', acceptance: 'صورتجلسهٔ تحویل', ladder: 'quick' };
  await withResolution(province, 'gas', {
    obligations: [
      { id: 'soon', action: 'اعزام کارشناس', term: { duration: 'PT1S' }, ...owed },
      { id: 'o1', action: 'وصل گاز', term: { workingDays: 10 }, ...owed },
    ],
  });
});
afterAll(async () => {
  await province.close();
  await mail.stop();
});

describe('whoever cannot be told', () => {
  let duty: any;

  it('because nobody knows where, is the secretary’s to tell', async () => {
    const { items } = await eventually(province, 'offices/secretary/duties', ({ items: all }) =>
      all.some((one: any) => one.duty === 'undelivered-notice'),
    );
    duty = items.find((one: any) => one.duty === 'undelivered-notice');
    expect(duty).toMatchObject({ recipient: 'agency:gas', reason: 'no-address' });
    expect(await province.sees('secretary', `notices/${duty.notice}`)).toMatchObject({
      recipient: 'agency:gas',
      status: 'undelivered',
      reason: 'no-address',
      tells: 1,
    });
    expect((await province.sees(gas, 'notices')).items).toMatchObject([{ id: duty.notice }]);
    expect((await province.sees({ role: 'agency', agency: 'bank' }, 'notices')).items).toEqual([]);
  });

  it('is told by telephone, which the secretary writes down', async () => {
    expect(await province.isRefused('governor', 'notice', duty.notice, 'AcknowledgeNotice', { note: 'x' })).toBe(
      'forbidden',
    );
    expect(await province.isRefused('secretary', 'notice', 'none', 'AcknowledgeNotice', { note: 'x' })).toBe(
      'not-found',
    );
    await province.does('secretary', 'notice', duty.notice, 'AcknowledgeNotice', { note: 'تلفنی گفته شد' });
    const { items } = await province.sees('secretary', 'offices/secretary/duties');
    expect(items.filter((one: any) => one.duty === 'undelivered-notice')).toEqual([]);
  });

  it('gets contacts, in the order in which they are tried; wrong ones are refused with their place', async () => {
    const set = (channels: object[], agency = 'gas') =>
      ['admin', 'agencyContacts', agency, 'SetAgencyContacts', { channels }] as const;
    await province.does(...set([{ sms: '۰۹۱۴ ۱۲۳ ۴۵۶۷' }, { email: ['desk@gas.ir'] }]));
    expect((await province.sees(gas, 'contacts')).items).toMatchObject([
      { recipient: 'agency:gas', channels: [{ sms: '+989141234567' }, { email: ['desk@gas.ir'] }] },
    ]);
    const broken = { channels: [{ email: ['desk@gas.ir\r\nBcc: all@gas.ir'] }] };
    const answer = await province.asks('admin', 'POST', 'agencyContacts/gas/SetAgencyContacts', JSON.stringify(broken));
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'invalid', errors: [{ path: 'channels[0].email[0]', reason: 'must not contain a line break' }] },
    });
    expect(await province.isRefused(...set([{ sms: '12' }]))).toBe('invalid');
    expect(await province.isRefused(...set([{ sms: '09141234567' }], 'nobody'))).toBe('not-found');
    // Addresses are sealed: the log that nobody can change holds commitments.
    const { body } = await province.asks('oversight', 'GET', 'events?type=ContactsSet');
    expect(body.stored.channels).toEqual([
      { sms: { $sealed: expect.any(String) } },
      { email: [{ $sealed: expect.any(String) }] },
    ]);
  });
});

describe('the words of a notice', () => {
  it('are the province’s own, checked when they are defined, and shown with what an SMS of them costs', async () => {
    const define = (id: string, text: string) =>
      ['secretary', 'noticeTemplate', id, 'DefineNoticeTemplate', { text }] as const;
    expect(await province.isRefused(...define('DeadlineMissed-sms', 'مهلت {nmber} گذشت'))).toBe('invalid');
    expect(await province.isRefused(...define('Weather-sms', 'باران'))).toBe('not-found');
    await province.does(...define('DeadlineMissed-sms', 'مهلت مصوبهٔ {number} گذشت'));
    expect(await province.sees('secretary', 'notice-templates/DeadlineMissed-sms')).toMatchObject({
      version: 2,
      text: 'مهلت مصوبهٔ {number} گذشت',
      placeholders: expect.arrayContaining(['number', 'due']),
      sample: { text: 'مهلت مصوبهٔ 9/3 گذشت', sms: { encoding: 'UCS-2', segments: 1 } },
      versions: [{ version: 2, by: 'secretary-1' }],
    });
    const { items } = await province.sees('governor', 'notice-templates');
    expect(items.map(({ id, version }: any) => [id, version])).toContainEqual(['DeadlineMissed-email', 1]);
  });
});

describe('the calendar of deadlines', () => {
  const path = '/v1/agencies/gas/calendar.ics';
  const subscribe = async (who: Person, url = path) => {
    const authorization = `Basic ${Buffer.from(`anybody:${await province.token(who)}`).toString('base64')}`;
    const response = await fetch(`${province.url}${url}`, { headers: { authorization } });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const events = async (who: Person, url = path) => {
    await province.settles();
    const { status, text } = await subscribe(who, url);
    expect(status).toBe(200);
    const calendar = new ICAL.Component(ICAL.parse(text));
    for (const zone of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(zone);
    return calendar.getAllSubcomponents('vevent').map((one) => new ICAL.Event(one));
  };
  const of = async (uid: string, url = path) => (await events(gas, url)).find((one) => one.uid.startsWith(uid));

  it('is read by a program that knows a password and no bearer', async () => {
    const { status, headers, text } = await subscribe(gas);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/calendar; charset=utf-8']);
    expect(text).toMatch(/^BEGIN:VCALENDAR\r\n/);
    expect(text).toMatch(/\r\nDTSTART;TZID=Asia\/Tehran:\d{8}T\d{6}\r\n/);
    expect(text).toMatch(/\r\nDTSTAMP:\d{8}T\d{6}Z\r\n/);
    expect(text.split('\r\n').every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
    const without = await fetch(`${province.url}${path}`);
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic /)]);
    const wrong = await fetch(`${province.url}${path}`, { headers: { authorization: `Basic ${btoa('a:b')}` } });
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic /)]);
    const elsewhere = await subscribe(gas, '/v1/agencies/gas');
    expect(elsewhere.status).toBe(401);
  });

  it('has each deadline at its instant, in Tehran, under a name that stays, also when it is moved', async () => {
    const { dueAt } = await province.sees('governor', 'obligations/facilitation-1-1/o1');
    const before = (await of('facilitation-1-1/o1@'))!;
    expect(before.uid).toBe('facilitation-1-1/o1@ir-03.peygir');
    expect(before.startDate.toJSDate().toISOString()).toBe(dueAt);
    expect(before.startDate.hour).toBe(14);
    expect([before.summary, before.sequence]).toEqual(['شرکت گاز: وصل گاز', 0]);

    const extension = { obligation: 'o1', workingDays: 3, reason: 'سرما' };
    await province.does('governor', 'resolution', 'facilitation-1-1', 'GrantExtension', extension);
    const moved = await province.sees('governor', 'obligations/facilitation-1-1/o1');
    const after = (await of('facilitation-1-1/o1@'))!;
    expect(after.startDate.toJSDate().toISOString()).toBe(moved.dueAt);
    expect([after.uid, after.sequence, moved.dueAt > dueAt]).toEqual([before.uid, 1, true]);

    const pause = { obligation: 'o1', ground: 'x', document: 'y', reviewAfter: 5 };
    await province.does('governor', 'resolution', 'facilitation-1-1', 'SuspendDeadline', pause);
    expect(await of('facilitation-1-1/o1@')).toBeUndefined();
  });

  it('of an office has its duties besides', async () => {
    const all = await events('governor', '/v1/offices/governor/calendar.ics');
    expect(all.map(({ uid }) => uid.split('@')[0])).toEqual([
      expect.stringMatching(/^review-suspension\/facilitation-1-1\/o1\/\d+$/),
      'facilitation-1-1/soon',
    ]);
  });

  it('is nobody’s but theirs', async () => {
    const bank = { role: 'agency', agency: 'bank' } as const;
    expect((await subscribe(bank)).status).toBe(404);
    expect((await subscribe(bank, '/v1/offices/governor/calendar.ics')).status).toBe(403);
    for (const who of ['admin', 'registrar', { role: 'unit', unit: 'u' }] as const) {
      expect((await subscribe(who)).status).toBe(403);
      expect((await subscribe(who, '/v1/offices/governor/calendar.ics')).status).toBe(403);
    }
    expect((await subscribe('governor', '/v1/offices/nobody/calendar.ics')).status).toBe(404);
    expect((await subscribe('governor', '/v1/agencies/nobody/calendar.ics')).status).toBe(404);
    expect(await events({ role: 'agency', agency: 'power' }, '/v1/agencies/power/calendar.ics')).toEqual([]);
  });
});
