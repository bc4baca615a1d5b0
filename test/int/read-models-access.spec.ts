import { ROLES, type Actor, type RecordedEvent } from '#kernel';
import { as } from '#test/kit/given';
import { queries, readModels, type ReadModels } from '#test/kit/read-models';
import { at, obligation, say, tell } from '#test/kit/timeline';

/**
 * Who may read what (CONTRACT section 7): every query × every reader, on a province with two agencies and two units.
 * Every text that somebody wrote is a word that says whose it is, so a leak is seen by looking for words in answers.
 */
const UNITS = ['mill', 'bakery'] as const;
const evidence = (name: string) => [{ name, sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];

/** Words of the case of one unit, of each obligation, and of what only the province may see. */
const words = {
  case: (unit: string) => [`TITLE-${unit}`, `STATEMENT-${unit}`, `NOTE-${unit}`, `TEXT-${unit}`],
  obligation: (unit: string, agency: string) => [
    `ACTION-${unit}-${agency}`,
    `ACCEPTANCE-${unit}-${agency}`,
    `FILE-${unit}-${agency}`,
  ],
  visit: (unit: string) => [`FINDINGS-${unit}`, `REASON-${unit}`],
};
const ALL = [
  ...UNITS.flatMap((unit) => [...words.case(unit), ...words.visit(unit)]),
  ...words.obligation('mill', 'gas'),
  ...words.obligation('mill', 'power'),
  ...words.obligation('bakery', 'power'),
];

const owed = (unit: string, id: string, agency: string) =>
  obligation({ id, agency, action: `ACTION-${unit}-${agency}`, acceptance: `ACCEPTANCE-${unit}-${agency}` });

/** The mill's case binds gas and power, the bakery's power alone. */
const CASES = [
  { unit: 'mill', obligations: [owed('mill', 'o1', 'gas'), owed('mill', 'o2', 'power')] },
  { unit: 'bakery', obligations: [owed('bakery', 'o1', 'power')] },
];
const TIMELINE = [
  ...['gas', 'power'].map((agency) =>
    say(at('2026-08-02'), 'admin', 'SetAgencyContacts', agency, { channels: [{ email: [`${agency}@p.ir`] }] }),
  ),
  say(at('2026-08-02'), 'admin', 'EstablishWorkingGroup', 'tuesday', {
    name: 'Tuesdays',
    chair: 'governor',
    secretary: 'secretary',
  }),
  say(at('2026-08-02'), 'secretary', 'DefineTemplate', 'land', {
    category: 'land',
    title: 'land',
    agency: 'gas',
    action: 'land',
    acceptance: 'deed',
    term: { workingDays: 5 },
    legalBasis: 'law',
  }),
  say(at('2026-08-02'), 'secretary', 'ScheduleSession', 'tuesday', { date: '2026-08-25' }),
  ...CASES.flatMap(({ unit }) => [
    say(at('2026-08-03'), 'secretary', 'RegisterUnit', unit, {
      name: `NAME-${unit}`,
      size: 'small',
      classes: [],
      sector: 'food',
    }),
    say(at('2026-08-03'), 'secretary', 'PlanVisit', `v-${unit}`, {
      unit,
      session: 'tuesday-1',
      date: '2026-08-10',
      reason: `REASON-${unit}`,
    }),
    say(at('2026-08-10'), 'expert', 'RecordFindings', `v-${unit}`, { findings: `FINDINGS-${unit}`, needs: [] }),
    say(at('2026-08-11'), 'secretary', 'OpenCase', `c-${unit}`, {
      unit,
      channel: 'desk',
      category: 'gas',
      title: `TITLE-${unit}`,
      statement: `STATEMENT-${unit}`,
      visit: `v-${unit}`,
    }),
    say(at('2026-08-12'), 'expert', 'ReviewCase', `c-${unit}`, {
      technicalNote: `NOTE-${unit}`,
      recommendation: 'yes',
      checklist: [],
    }),
    say(at('2026-08-13'), 'secretary', 'TableCase', `c-${unit}`, { session: 'tuesday-1' }),
  ]),
  say(at('2026-08-25', '09:00'), 'secretary', 'OpenSession', 'tuesday-1', { attendance: ['governor'] }),
  ...CASES.map(({ unit, obligations }) =>
    say(at('2026-08-25', '10:00'), 'secretary', 'AdoptResolution', 'tuesday-1', {
      case: `c-${unit}`,
      text: `TEXT-${unit}`,
      legalBasis: 'law',
      obligations,
    }),
  ),
  say(at('2026-08-25', '11:00'), 'governor', 'SignMinutes', 'tuesday-1'),
  ...CASES.map((_, i) =>
    say(at('2026-08-25', '12:00'), 'secretary', 'CommunicateResolution', `tuesday-1-${i + 1}`, {
      letterNumber: `${i}`,
    }),
  ),
  say(at('2026-08-25', '13:00'), 'governor', 'ReferToNational', 'tuesday-1-1', {
    obligation: 'o1',
    body: 'ministry',
    basis: 'law',
  }),
  ...CASES.flatMap(({ unit, obligations }, i) =>
    obligations.map(({ id, agency }: any) =>
      say(at('2026-08-26'), { role: 'agency', agency }, 'ReportCompliance', `tuesday-1-${i + 1}`, {
        obligation: id,
        evidence: evidence(`FILE-${unit}-${agency}`),
        note: 'done',
      }),
    ),
  ),
];

/** Every read of CONTRACT section 7, on things of both units and both agencies. A new query has to appear here. */
const URLS = [
  'agencies',
  'agencies/gas',
  'agencies/power',
  'agencies/gas/scorecard',
  'agencies/power/scorecard',
  'scorecards/agencies',
  'calendars',
  'calendars/offices',
  'ladders',
  'calendars/offices/days?from=2026-08-25&to=2026-08-26',
  'visits',
  'visit-list',
  'trace?visit=v-mill',
  'trace?resolution=tuesday-1-2',
  'cases',
  'cases?unit=mill',
  'cases?unit=bakery',
  'cases/c-mill',
  'cases/c-bakery',
  'cases/c-mill/receipt',
  'cases/c-bakery/receipt',
  'sessions',
  'sessions/tuesday-1',
  'resolutions',
  'resolutions/tuesday-1-1',
  'resolutions/tuesday-1-2',
  'obligations',
  'obligations?agency=gas',
  'obligations?agency=power',
  'obligations?category=gas',
  'obligations/tuesday-1-1/o1',
  'obligations/tuesday-1-1/o2',
  'obligations/tuesday-1-2/o1',
  'offices/secretary/duties',
  'working-groups/tuesday/summary',
  'working-groups/tuesday/offices',
  'working-groups/tuesday/letters',
  'offices/governor/escalations',
  'offices/governor/handovers',
  'referrals',
  'referrals/nationalReferral-tuesday-1-1-o1-1',
  'templates',
  'templates/land',
  'contacts',
  'notices',
  'notices?recipient=agency:gas',
  'notices/n-gas',
  'notices/n-power',
  'notice-templates',
  'notice-templates/Digest-sms',
  'scorecards?by=agency',
  'scorecards?by=class',
  'reports/cases?by=cause',
  'erasures',
  'press',
  'numbers',
  'search?q=title',
  'search?q=text',
  'search?q=statement-mill',
  'search?q=name',
];

/** What only a live worker records. */
const told = (agency: string, last: RecordedEvent): RecordedEvent => ({
  ...last,
  stream: `notice-n-${agency}`,
  type: 'NoticeSent',
  data: { recipient: `agency:${agency}`, events: [last.id], channel: 'email', messageId: agency },
});

type Answer = 200 | 403 | 404;
let models: ReadModels;

beforeAll(async () => {
  const { events, codes } = await tell(TIMELINE);
  expect(codes).toEqual([]);
  models = await readModels();
  await models.apply([...events, ...['gas', 'power'].map((agency) => told(agency, events.at(-1)!))]);
});
afterAll(() => models?.close());

async function ask(url: string, reader: Actor): Promise<{ answer: Answer; text: string; body?: any }> {
  try {
    const body = await models.get(url, reader);
    return { answer: body ? 200 : 404, text: JSON.stringify(body ?? ''), body };
  } catch (error) {
    return { answer: (error as { status: Answer }).status, text: String(error) };
  }
}

/** What a reader gets for each URL that is not simply answered, and the words that they may come across. */
async function reads(reader: Actor, others: Partial<Record<string, Answer>>, may: readonly string[]): Promise<void> {
  const seen = new Set<string>();
  const answers: Record<string, Answer> = {};
  for (const url of URLS) {
    const { answer, text } = await ask(url, reader);
    answers[url] = answer;
    for (const word of ALL) if (text.includes(word)) seen.add(word);
  }
  expect(answers).toEqual(Object.fromEntries(URLS.map((url) => [url, others[url] ?? 200])));
  expect([...seen].toSorted()).toEqual([...may].toSorted());
}

const all = (answer: Answer, ...urls: string[]): Partial<Record<string, Answer>> =>
  Object.fromEntries(urls.map((url) => [url, answer]));

it('every query is in the matrix', () => {
  const paths = URLS.map((url) => url.split('?')[0]!.split('/'));
  for (const { path } of queries) {
    const parts = path.split('/');
    const matches = (url: string[]) =>
      url.length === parts.length && parts.every((part, i) => part.startsWith(':') || part === url[i]);
    expect([path, paths.some(matches)]).toEqual([path, true]);
  }
});

describe('the province', () => {
  it.each(['governor', 'deputy', 'secretary', 'expert', 'oversight'] as const)('is read whole by %s', (role) =>
    reads(as(role), {}, ALL),
  );

  it('is read whole by a secretary who belongs to an agency', () => reads(as('secretary', { agency: 'gas' }), {}, ALL));
});

const PROVINCE_ONLY = [
  'numbers',
  'visits',
  'visit-list',
  'sessions',
  'sessions/tuesday-1',
  'offices/secretary/duties',
  'working-groups/tuesday/summary',
  'working-groups/tuesday/offices',
  'working-groups/tuesday/letters',
  'offices/governor/escalations',
  'offices/governor/handovers',
  'referrals',
  'referrals/nationalReferral-tuesday-1-1-o1-1',
  'templates',
  'templates/land',
  'notice-templates',
  'notice-templates/Digest-sms',
  'trace?visit=v-mill',
  'trace?resolution=tuesday-1-2',
  'reports/cases?by=cause',
  'erasures',
];

describe('an agency', () => {
  it('reads what it owes, with its neighbours’ obligations emptied', async () => {
    const gas = as('agency', { agency: 'gas' });
    await reads(
      gas,
      {
        ...all(403, ...PROVINCE_ONLY),
        ...all(
          404,
          'agencies/power',
          'agencies/power/scorecard',
          'cases/c-bakery',
          'cases/c-bakery/receipt',
          'resolutions/tuesday-1-2',
        ),
        ...all(404, 'obligations/tuesday-1-1/o2', 'obligations/tuesday-1-2/o1', 'notices/n-power'),
      },
      [...words.case('mill'), ...words.obligation('mill', 'gas')],
    );
    const { body } = await ask('resolutions/tuesday-1-1', gas);
    expect(body.obligations).toEqual([
      expect.objectContaining({ obligation: 'o1', action: 'ACTION-mill-gas' }),
      { obligation: 'o2', agency: 'power', status: 'claimed' },
    ]);
    expect((await ask('obligations?agency=power', gas)).body.items).toEqual([]);
    expect((await ask('cases?unit=bakery', gas)).body.items).toEqual([]);
    const { body: own } = await ask('agencies/gas/scorecard', gas);
    expect((await ask('scorecards/agencies', gas)).body.items).toEqual([own]);
    expect((await ask('contacts', gas)).body.items).toMatchObject([{ recipient: 'agency:gas' }]);
    expect((await ask('notices', gas)).body.items).toMatchObject([{ id: 'n-gas', recipient: 'agency:gas' }]);
  });

  it('with two resolutions reads both', () =>
    reads(
      as('agency', { agency: 'power' }),
      {
        ...all(403, ...PROVINCE_ONLY),
        ...all(404, 'agencies/gas', 'agencies/gas/scorecard', 'obligations/tuesday-1-1/o1', 'notices/n-gas'),
      },
      [...UNITS.flatMap(words.case), ...words.obligation('mill', 'power'), ...words.obligation('bakery', 'power')],
    ));

  it('that owes nothing reads nothing', async () => {
    const bank = as('agency', { agency: 'bank' });
    for (const url of ['cases', 'resolutions', 'obligations']) expect((await ask(url, bank)).body.items).toEqual([]);
    expect((await ask('agencies/bank/scorecard', bank)).body).toMatchObject({
      agency: 'bank',
      obligations: 0,
      missed: 0,
    });
  });
});

describe('a unit', () => {
  it('reads its own cases and what became of them', () =>
    reads(
      as('unit', { unit: 'mill' }),
      {
        ...all(403, ...PROVINCE_ONLY, ...URLS.filter((url) => /^(agencies|scorecards|notices|contacts)/.test(url))),
        ...all(
          404,
          'cases/c-bakery',
          'cases/c-bakery/receipt',
          'resolutions/tuesday-1-2',
          'obligations/tuesday-1-2/o1',
        ),
      },
      [...words.case('mill'), ...words.obligation('mill', 'gas'), ...words.obligation('mill', 'power')],
    ));
});

describe('the technical side', () => {
  const TECHNICAL = [
    'numbers',
    'calendars',
    'calendars/offices',
    'ladders',
    'calendars/offices/days?from=2026-08-25&to=2026-08-26',
    'agencies',
    'agencies/gas',
    'agencies/power',
    'offices/secretary/duties',
    'working-groups/tuesday/summary',
    'working-groups/tuesday/offices',
    'templates',
    'templates/land',
    'erasures',
    'contacts',
    'notices',
    'notices?recipient=agency:gas',
    'notices/n-gas',
    'notices/n-power',
    'notice-templates',
    'notice-templates/Digest-sms',
    'press',
  ];

  it('is all that admin reads: no word of any case', () =>
    reads(as('admin'), all(403, ...URLS.filter((url) => !TECHNICAL.includes(url))), []));

  it.each(['registrar', 'engine'] as const)('is closed to %s, like everything', (role) =>
    reads(as(role), all(403, ...URLS), []),
  );
});

it.each(['agency', 'unit'] as const)('a token of role %s that names none reads nothing', (role) =>
  reads(as(role), all(403, ...URLS), []),
);

it('no role is forgotten', () => {
  const judged = [
    'governor',
    'deputy',
    'secretary',
    'expert',
    'oversight',
    'agency',
    'unit',
    'admin',
    'registrar',
    'engine',
  ];
  expect([...ROLES].toSorted()).toEqual(judged.toSorted());
});

describe('what is not there and what is not yours', () => {
  it('look the same', async () => {
    const gas = as('agency', { agency: 'gas' });
    expect(await ask('cases/c-bakery', gas)).toEqual(await ask('cases/c-nobody', gas));
    expect(await ask('obligations/tuesday-1-1/o2', gas)).toEqual(await ask('obligations/tuesday-1-1/o9', gas));
  });
});

describe('reassigned', () => {
  it('an obligation goes over to the new owner, and its past stays on the record of the old one', async () => {
    const others = await readModels();
    try {
      const { events } = await tell(
        [
          ...TIMELINE.filter(({ command }) => command !== 'ReportCompliance'),
          say(at('2026-09-20'), 'governor', 'ReassignObligation', 'tuesday-1-1', {
            obligation: 'o1',
            agency: 'bank',
            workingDays: 20,
          }),
        ],
        at('2026-09-21'),
      );
      await others.apply(events);
      const see = (url: string, agency: string) => others.get(url, as('agency', { agency }));
      expect(await see('obligations/tuesday-1-1/o1', 'gas')).toBeUndefined();
      expect(await see('cases/c-mill', 'gas')).toBeUndefined();
      expect(await see('obligations/tuesday-1-1/o1', 'bank')).toMatchObject({ agency: 'bank', status: 'running' });
      expect(await see('agencies/gas/scorecard', 'gas')).toMatchObject({ obligations: 0, missed: 1, overdue: 0 });
      expect(await see('agencies/bank/scorecard', 'bank')).toMatchObject({ obligations: 1, missed: 0, open: 1 });
    } finally {
      await others.close();
    }
  });
});
