import { createHash } from 'node:crypto';
import { aProvince, eventually, withOffices, type Person, type Province } from '#test/kit/province';
import { textOf } from '#test/kit/pdf';
import { at, obligation, say } from '#test/kit/timeline';

// What is signed and sent leaves the province on paper: the minutes of a session, the letter to each agency, the dossier
// of an obligation that was not met. Persian, from right to left, and the same to the byte whenever it is asked for.

const GAS = { role: 'agency', agency: 'gas' } as const;
const BANK = { role: 'agency', agency: 'bank' } as const;
const MINUTES = 'sessions/facilitation-1/minutes';
const LETTER = 'resolutions/facilitation-1-1/letters/gas';
const DOSSIER = 'obligations/archive-1-1/o1/dossier';

let province: Province;

async function printed(who: Person, path: string): Promise<{ type: string | null; bytes: Buffer; text: string }> {
  await province.settles();
  const headers = { authorization: `Bearer ${await province.token(who)}` };
  const response = await fetch(`${province.url}/v1/${path}.pdf`, { headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${bytes.toString()}`);
  return { type: response.headers.get('content-type'), bytes, text: textOf(bytes).join('\n') };
}
const isNotShown = async (who: Person, path: string) => {
  await province.settles();
  const { status, body } = await province.asks(who, 'GET', path);
  return [status, body.code];
};
/** Everything that a document says, in one text. */
const words = (document: object) => JSON.stringify(document);

beforeAll(async () => {
  province = await aProvince();
  await withOffices(province);
  const { does } = province;
  for (const [office, person] of [
    ['governor', 'خانم کریمی'],
    ['secretary', 'آقای رضایی'],
  ]) {
    await does('admin', 'workingGroup', 'facilitation', 'AppointHolder', { office, person, from: '2026-01-01' });
  }
  const unit = { name: 'کارخانه آرد (شعبه ۲)', size: 'medium', classes: [], sector: 'food' };
  await does('secretary', 'unit', 'u-1', 'RegisterUnit', unit);
  const matter = { unit: 'u-1', channel: 'desk', category: 'gas', title: 'قطع گاز', statement: 'گاز واحد قطع است.' };
  await does('secretary', 'case', 'c-1', 'OpenCase', matter);
  const review = { technicalNote: 'بازدید شد', recommendation: 'وصل گاز', checklist: [] };
  await does('expert', 'case', 'c-1', 'ReviewCase', review);
  await does('secretary', 'case', 'c-1', 'TableCase', { session: 'facilitation-1' });
  const attendance = ['استاندار', 'دبیر کارگروه', 'مدیرعامل شرکت گاز'];
  await does('secretary', 'session', 'facilitation-1', 'OpenSession', { attendance });
  await does('secretary', 'session', 'facilitation-1', 'AdoptResolution', {
    case: 'c-1',
    text: 'گاز واحد وصل و بدهی آن تقسیط می‌شود.',
    legalBasis: 'ماده ۶۱ قانون رفع موانع تولید',
    obligations: [
      { id: 'o1', agency: 'gas', action: 'وصل گاز واحد', acceptance: 'صورتجلسه تحویل', term: { workingDays: 10 } },
      { id: 'o2', agency: 'bank', action: 'تقسیط بدهی', acceptance: 'قرارداد تقسیط', term: { duration: 'PT72H' } },
    ],
  });
});
afterAll(() => province.close());

describe('the minutes of a session', () => {
  it('do not exist before they are signed, nor for a session that nobody has scheduled', async () => {
    expect(await isNotShown('governor', MINUTES)).toEqual([422, 'not-signed']);
    expect(await isNotShown('governor', `${MINUTES}.pdf`)).toEqual([422, 'not-signed']);
    expect(await isNotShown('governor', 'sessions/facilitation-77/minutes.pdf')).toEqual([404, 'not-found']);
  });

  it('say who sat there, what was on the agenda, what was decided and who owes what; signed by the one in office', async () => {
    await province.does('governor', 'session', 'facilitation-1', 'SignMinutes');
    await eventually(province, 'resolutions/facilitation-1-1');
    const { type, text } = await printed('secretary', MINUTES);
    expect(type).toBe('application/pdf');
    for (const part of [
      'صورتجلسه کارگروه تسهیل',
      'مدیرعامل شرکت گاز',
      'کارخانه آرد (شعبه',
      'مصوبه',
      '۱/۱',
      'وصل گاز واحد',
      'تقسیط بدهی',
      'روز کاری',
      'استاندار: خانم کریمی',
      'دبیر کارگروه: آقای رضایی',
      'امضا شد',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('are the same to the byte a year and a new governor later', async () => {
    const before = await printed('governor', MINUTES);
    const newcomer = { office: 'governor', person: 'آقای دیگر', from: '2026-01-02' };
    await province.does('admin', 'workingGroup', 'facilitation', 'AppointHolder', newcomer);
    const after = await printed('governor', MINUTES);
    expect(after.bytes.equals(before.bytes)).toBe(true);
    expect(after.text).not.toContain('آقای دیگر');
  });

  it('are the province’s: no agency, unit or administrator reads them', async () => {
    for (const who of [GAS, { role: 'unit', unit: 'u-1' }, 'admin'] as const) {
      expect(await isNotShown(who, `${MINUTES}.pdf`)).toEqual([403, 'forbidden']);
    }
  });

  it('of forty resolutions turn their pages and lose none', async () => {
    const { does } = province;
    await does('secretary', 'workingGroup', 'facilitation', 'ScheduleSession', { date: '2026-12-08' });
    await does('secretary', 'session', 'facilitation-2', 'OpenSession', { attendance: ['استاندار'] });
    for (let n = 1; n <= 40; n++) {
      await does('secretary', 'session', 'facilitation-2', 'AdoptResolution', {
        text: `نشان${n} `.concat('شرکت گاز ظرف ده روز کاری گاز واحد را وصل کند. '.repeat(15)),
        legalBasis: 'ماده ۶۱',
        obligations: [obligation()],
      });
    }
    await does('governor', 'session', 'facilitation-2', 'SignMinutes');
    const { bytes, text } = await printed('governor', 'sessions/facilitation-2/minutes');
    expect(textOf(bytes).length).toBeGreaterThan(10);
    expect(text.match(/نشان/g)).toHaveLength(40);
    expect(text).toContain('۲/۴۰');
  });
});

describe('the letter that communicates a resolution', () => {
  it('does not exist before it is sent', async () => {
    expect(await isNotShown(GAS, `${LETTER}.pdf`)).toEqual([422, 'not-communicated']);
  });

  it('tells each agency its own obligations with their due instants, and nothing of the others’', async () => {
    const letterNumber = '۱۴۰۵/۱۲۳';
    await province.does('secretary', 'resolution', 'facilitation-1-1', 'CommunicateResolution', { letterNumber });
    const { text } = await printed(GAS, LETTER);
    for (const part of ['شرکت گاز', letterNumber, 'وصل گاز واحد', 'صورتجلسه تحویل', 'سررسید', 'آقای رضایی']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('قرارداد تقسیط');
    const bank = words(await province.sees(BANK, 'resolutions/facilitation-1-1/letters/bank'));
    expect(bank).toContain('قرارداد تقسیط');
    expect(bank).toContain('۷۲ ساعت');
    expect(bank).not.toContain('وصل گاز واحد');
  });

  it('is read by its agency, the unit it is about, and the province; to others it does not exist', async () => {
    expect(await isNotShown(BANK, LETTER)).toEqual([404, 'not-found']);
    expect(await isNotShown({ role: 'agency', agency: 'power' }, LETTER)).toEqual([404, 'not-found']);
    expect(await isNotShown({ role: 'unit', unit: 'u-2' }, `${LETTER}.pdf`)).toEqual([404, 'not-found']);
    expect(await isNotShown('governor', 'resolutions/facilitation-1-1/letters/power')).toEqual([404, 'not-found']);
    expect(words(await province.sees({ role: 'unit', unit: 'u-1' }, LETTER))).toContain('وصل گاز واحد');
  });

  it('stays as it was sent when the obligation goes to another agency, which gets a letter of its own', async () => {
    const sent = await printed('governor', 'resolutions/facilitation-1-1/letters/bank');
    const term = { obligation: 'o2', agency: 'power', workingDays: 7, reason: 'به عهده آن شرکت است' };
    await province.does('governor', 'resolution', 'facilitation-1-1', 'ReassignObligation', term);
    expect((await printed('governor', 'resolutions/facilitation-1-1/letters/bank')).bytes.equals(sent.bytes)).toBe(
      true,
    );
    const { text } = await printed({ role: 'agency', agency: 'power' }, 'resolutions/facilitation-1-1/letters/power');
    expect(text).toContain('تقسیط بدهی');
    expect(text).toContain('تاریخ واگذاری');
  });
});

describe('the dossier of an obligation that was not met', () => {
  const sha256 = createHash('sha256').update('صورتجلسه تحویل').digest('hex');

  beforeAll(async () => {
    const evidence = [{ name: 'تحویل (۱).pdf', sha256, mediaType: 'application/pdf', bytes: 26 }];
    await province.remembers([
      say(at('2026-08-29'), 'registrar', 'IssueResolution', 'archive-1-1', {
        session: 'facilitation-1',
        number: '1/1',
        text: 'وصل گاز واحد',
        legalBasis: 'ماده ۶۱',
        obligations: [obligation()],
      }),
      say(at('2026-08-29'), 'secretary', 'CommunicateResolution', 'archive-1-1', { letterNumber: '1' }),
      say(at('2026-08-31'), 'deputy', 'SuspendDeadline', 'archive-1-1', {
        obligation: 'o1',
        ground: 'حکم دادگاه',
        document: 'دادنامه ۴۴',
        reviewAfter: 10,
      }),
      say(at('2026-09-05'), 'deputy', 'ResumeDeadline', 'archive-1-1', {
        obligation: 'o1',
        ground: 'رفع اثر',
        document: 'دادنامه ۴۵',
      }),
      say(at('2026-09-07'), GAS, 'ReportCompliance', 'archive-1-1', { obligation: 'o1', evidence, note: 'وصل شد' }),
      say(at('2026-09-08'), 'expert', 'RefuteCompliance', 'archive-1-1', { obligation: 'o1', note: 'گاز قطع است' }),
    ]);
    const { does } = province;
    await does('governor', 'resolution', 'archive-1-1', 'IssueDirective', { obligation: 'o1', text: 'فوری وصل شود' });
    const referral = { obligation: 'o1', body: 'بازرسی کل کشور', basis: 'ماده ۶۲' };
    await does('governor', 'resolution', 'archive-1-1', 'ReferToOversight', referral);
    await eventually(province, 'referrals/oversightReferral-archive-1-1-o1-1');
  });

  it('tells the whole story, with its evidence, its legal basis and why it was due when it was', async () => {
    const said = words(await province.sees('oversight', DOSSIER));
    for (const part of [
      'مصوبه صادر شد',
      'ابلاغ شد',
      'حکم دادگاه',
      'دادنامه ۴۵',
      'وصل شد',
      sha256,
      'گاز قطع است',
      'مهلت گذشت',
      'به مقام بالاتر گزارش شد',
      'فوری وصل شود',
      'بازرسی کل کشور',
      'پاسخی نیامده است',
      'ماده ۶۲',
      'چرا این سررسید',
      'روز کاری ۱',
      'به دستگاه یادآوری شد',
    ]) {
      expect(said).toContain(part);
    }
    const { text } = await printed('governor', DOSSIER);
    expect(text).toContain('پرونده تخلف از اجرای مصوبه');
    expect(text.replaceAll(/\s/g, '')).toContain('تحویل(۱).pdf'.slice(0, 5));
  });

  it('stands for a position of the log: asked for as of it, it comes out the same to the byte', async () => {
    const { standsFor } = await province.sees('governor', DOSSIER);
    const first = await printed('governor', DOSSIER);
    await province.does('secretary', 'oversightReferral', 'archive-1-1-o1-1', 'RecordOversightAnswer', {
      answer: 'در دست بررسی',
    });
    const now = await province.sees('governor', DOSSIER);
    expect(BigInt(now.standsFor.position)).toBeGreaterThan(BigInt(standsFor.position));
    expect(words(now)).toContain('در دست بررسی');
    const headers = { authorization: `Bearer ${await province.token('governor')}` };
    const then = await fetch(`${province.url}/v1/${DOSSIER}.pdf?position=${standsFor.position}`, { headers });
    expect(Buffer.from(await then.arrayBuffer()).equals(first.bytes)).toBe(true);
  });

  it('is not for the eyes of whom it is about; and what never was has none', async () => {
    expect(await isNotShown(GAS, DOSSIER)).toEqual([403, 'forbidden']);
    expect(await isNotShown({ role: 'unit', unit: 'u-1' }, DOSSIER)).toEqual([403, 'forbidden']);
    expect(await isNotShown('governor', 'obligations/archive-1-1/o9/dossier.pdf')).toEqual([404, 'not-found']);
    expect(await isNotShown('governor', `${DOSSIER}?position=1`)).toEqual([404, 'not-found']);
    expect(await isNotShown('governor', `${DOSSIER}?position=now`)).toEqual([400, 'invalid']);
  });
});

it('every document is in the description of the interface, as JSON and as PDF', async () => {
  const { paths } = (await (await fetch(`${province.url}/docs-json`)).json()) as { paths: Record<string, any> };
  for (const path of [
    'sessions/{id}/minutes',
    'resolutions/{id}/letters/{agency}',
    'obligations/{resolution}/{obligation}/dossier',
    'offices/{office}/handovers/{id}',
  ]) {
    expect(paths[`/v1/${path}`].get.responses['200'].content).toHaveProperty(['application/json']);
    const { parameters, responses } = paths[`/v1/${path}.pdf`].get;
    expect(responses['200'].content).toEqual({ 'application/pdf': {} });
    const inPath = parameters.filter((each: any) => each.in === 'path').map((each: any) => `{${each.name}}`);
    expect(inPath.sort()).toEqual(path.match(/\{\w+\}/g)!.sort());
  }
});

it('a term in a body is described as it is taken: in working days, in a duration, or for a directive not at all', async () => {
  const { paths } = (await (await fetch(`${province.url}/docs-json`)).json()) as { paths: Record<string, any> };
  const schemaOf = (command: string) =>
    paths[`/v1/resolution/{id}/${command}`].post.requestBody.content['application/json'].schema;
  for (const command of ['RequestExtension', 'GrantExtension', 'IssueDirective', 'ReassignObligation']) {
    const { required, properties } = schemaOf(command);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['workingDays', 'duration']));
    expect(properties.workingDays).toMatchObject({ type: 'integer', minimum: 1, maximum: 750 });
    expect(required).toContain('obligation');
    expect(required).not.toEqual(expect.arrayContaining([expect.stringMatching(/workingDays|duration/)]));
  }
});
