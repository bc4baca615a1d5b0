import { at, communicated, obligation, say, tell } from '#test/kit/timeline';

/** Tuesday 25 August 2026, 09:00 in Tehran. Weekends are Thursday and Friday: five working days end on Tuesday 1 September. */
const START = at('2026-08-25');
const DUE = at('2026-09-01', '14:30');
const evidence = [{ name: 'letter.pdf', sha256: 'a'.repeat(64), mediaType: 'application/pdf', bytes: 1 }];

const complied = (when: string, more: object = {}) =>
  say(
    when,
    { role: 'agency', agency: 'gas' },
    'ReportCompliance',
    'r',
    { obligation: 'o1', evidence, note: 'انجام شد' },
    more,
  );
const verified = (when: string, role: 'secretary' | 'oversight' | 'expert' = 'secretary') =>
  say(when, role, 'VerifyCompliance', 'r', { obligation: 'o1', note: '' });
const refuted = (when: string) => say(when, 'expert', 'RefuteCompliance', 'r', { obligation: 'o1', note: '' });
const extended = (when: string, workingDays: number, role: 'deputy' | 'governor' = 'deputy') =>
  say(when, role, 'GrantExtension', 'r', { obligation: 'o1', workingDays, reason: 'تأخیر' });
const suspended = (when: string, reviewAfter = 20) =>
  say(when, 'secretary', 'SuspendDeadline', 'r', {
    obligation: 'o1',
    ground: 'دستور موقت',
    document: 'ق-۱',
    reviewAfter,
  });
const resumed = (when: string) =>
  say(when, 'secretary', 'ResumeDeadline', 'r', { obligation: 'o1', ground: 'رفع', document: 'ق-۲' });
const directed = (when: string, term: object = {}) =>
  say(when, 'governor', 'IssueDirective', 'r', { obligation: 'o1', text: 'فوری', ...term });
const reassigned = (when: string, agency = 'power') =>
  say(when, 'secretary', 'ReassignObligation', 'r', { obligation: 'o1', agency, workingDays: 4 });
const revoked = (when: string) => say(when, 'governor', 'RevokeObligation', 'r', { obligation: 'o1', reason: 'منتفی' });

const brief = (events: { type: string; metadata: { occurredAt: string }; data: any }[]) =>
  events.map(({ type, metadata, data }) => [metadata.occurredAt, type, data.rung ?? data.duty ?? '']);
const ALARMS = ['AgencyReminded', 'DeadlineMissed', 'ObligationEscalated', 'DeadlineMoved', 'MissRetracted'];

describe('an obligation that nobody answers', () => {
  it('climbs the standard ladder, each rung once, and repeats its last', async () => {
    const told = await tell(communicated(START), at('2026-10-20'));
    expect(brief(told.of(...ALARMS))).toEqual([
      [at('2026-08-29', '07:30'), 'AgencyReminded', 'remind'],
      [DUE, 'DeadlineMissed', 'due'],
      [at('2026-09-05', '07:30'), 'ObligationEscalated', 'deputy'],
      [at('2026-09-08', '07:30'), 'ObligationEscalated', 'governor'],
      [at('2026-09-22', '07:30'), 'ObligationEscalated', 'inspection'],
      [at('2026-10-06', '07:30'), 'ObligationEscalated', 'inspection+1'],
      [at('2026-10-20', '07:30'), 'ObligationEscalated', 'inspection+2'],
    ]);
    expect(told.status()).toBe('missed');
  });

  it('counts the agency on its own calendar and offices on the province’s', async () => {
    // The bank works on Thursdays: five of its working days end on Monday; deputy = two office days later.
    const told = await tell(communicated(START, [obligation({ agency: 'bank' })]), at('2026-09-03'));
    expect(brief(told.of(...ALARMS))).toEqual([
      [at('2026-08-27', '07:30'), 'AgencyReminded', 'remind'],
      [at('2026-08-31', '14:30'), 'DeadlineMissed', 'due'],
      [at('2026-09-02', '07:30'), 'ObligationEscalated', 'deputy'],
    ]);
  });

  it('runs durations through nights and closures', async () => {
    const closed = say(START, 'governor', 'DeclareClosure', 'offices', {
      dates: ['2026-08-26'],
      reason: 'گرما',
      decree: '۱',
    });
    const told = await tell(
      [...communicated(START, [obligation({ term: { duration: 'PT72H' } })]), closed],
      at('2026-08-30'),
    );
    expect(brief(told.of(...ALARMS))).toContainEqual([at('2026-08-28'), 'DeadlineMissed', 'due']);
    expect(told.of('DeadlineMoved')).toEqual([]);
  });
});

describe('claims', () => {
  it('made in time and verified after the due instant: met, in time, and nothing fired', async () => {
    const told = await tell(
      [...communicated(START), complied(at('2026-08-26')), verified(at('2026-09-02'))],
      at('2026-12-01'),
    );
    expect(told.status()).toBe('met');
    expect(told.of(...ALARMS)).toEqual([]);
    expect(told.of('ResolutionFulfilled')).toHaveLength(1);
  });

  it('refuted before the due instant: the original clock continues and a reminder that passed meanwhile is skipped', async () => {
    const told = await tell([...communicated(START), complied(at('2026-08-26')), refuted(at('2026-08-30'))], DUE);
    expect(brief(told.of(...ALARMS))).toEqual([[DUE, 'DeadlineMissed', 'due']]);
  });

  it('refuted after the due instant: missed at once, and the ladder is counted from the refutation', async () => {
    const when = at('2026-09-07');
    const told = await tell([...communicated(START), complied(at('2026-08-26')), refuted(when)], at('2026-09-10'));
    expect(brief(told.of(...ALARMS))).toEqual([
      [when, 'DeadlineMissed', 'due'],
      [at('2026-09-09', '07:30'), 'ObligationEscalated', 'deputy'],
    ]);
    expect(told.of('DeadlineMissed')[0]!.data.dueAt).toBe(DUE);
  });

  it('made after the miss holds nothing; verified it is met-late', async () => {
    const lines = [...communicated(START), complied(at('2026-09-02')), complied(at('2026-09-02', '09:01'))];
    const told = await tell([...lines, verified(at('2026-09-12'))], at('2026-12-01'));
    expect(told.codes).toEqual(['claim-pending']);
    expect(told.status()).toBe('met-late');
    expect(brief(told.of('ObligationEscalated')).map(([, , rung]) => rung)).toEqual(['deputy', 'governor']);
  });

  it('by registrar dated before the recorded miss: only oversight verifies, and the miss is taken back', async () => {
    const late = say(
      at('2026-09-06'),
      'registrar',
      'ReportCompliance',
      'r',
      { obligation: 'o1', evidence, note: '' },
      {
        occurredAt: at('2026-08-30'),
        document: 'دبیرخانه ۱۲۳',
      },
    );
    const told = await tell([
      ...communicated(START),
      late,
      verified(at('2026-09-07')),
      verified(at('2026-09-07'), 'oversight'),
    ]);
    expect(told.codes).toEqual(['retraction-needs-oversight']);
    expect(told.status()).toBe('met');
    expect(told.events.slice(-3).map(({ type }) => type)).toEqual([
      'MissRetracted',
      'ComplianceVerified',
      'ResolutionFulfilled',
    ]);
    expect(told.of('MissRetracted')[0]!.data).toMatchObject({ dueAt: DUE, cause: { type: 'AgencyComplied' } });
  });

  it('verify is owed within five working days, and again every five', async () => {
    const told = await tell([...communicated(START), complied(at('2026-08-26'))], at('2026-09-10'));
    expect(told.of('DutyMissed').map(({ data }) => [data.duty, data.count, data.dueAt, data.to])).toEqual([
      ['verify', 1, at('2026-09-02', '14:30'), 'governor'],
      ['verify', 2, at('2026-09-09', '14:30'), 'governor'],
    ]);
  });
});

describe('suspension', () => {
  it('keeps the working days that are left', async () => {
    const told = await tell([...communicated(START), suspended(at('2026-08-30')), resumed(at('2026-09-14'))]);
    expect(told.of('DeadlineSuspended')[0]!.data.remaining).toEqual({ workingDays: 2 });
    expect(told.of('DeadlineResumed')[0]!.data.dueAt).toBe(at('2026-09-16', '14:30'));
    expect(told.simulation.resolutions.get('resolution-r')!.state.obligations[0]!.epoch).toBe(2);
  });

  it('on the due day keeps one day', async () => {
    const told = await tell([...communicated(START), suspended(at('2026-09-01')), resumed(at('2026-09-01', '10:00'))]);
    expect(told.of('DeadlineSuspended')[0]!.data.remaining).toEqual({ workingDays: 1 });
    expect(told.of('DeadlineResumed')[0]!.data.dueAt).toBe(at('2026-09-02', '14:30'));
  });

  it('keeps the exact rest of a duration', async () => {
    const told = await tell([
      ...communicated(START, [obligation({ term: { duration: 'PT72H' } })]),
      suspended(at('2026-08-25', '10:00')),
      resumed(at('2026-09-01', '10:00')),
    ]);
    expect(told.of('DeadlineResumed')[0]!.data.dueAt).toBe(at('2026-09-04', '09:00'));
  });

  it('after a miss silences the ladder; what has not fired is counted from the resumption', async () => {
    const told = await tell(
      [...communicated(START), suspended(at('2026-09-06')), resumed(at('2026-09-20'))],
      at('2026-09-27'),
    );
    expect(told.of('DeadlineSuspended')[0]!.data.remaining).toBeNull();
    expect(told.of('DeadlineResumed')[0]!.data.dueAt).toBe(DUE);
    expect(told.status()).toBe('missed');
    expect(brief(told.of('ObligationEscalated'))).toEqual([
      [at('2026-09-05', '07:30'), 'ObligationEscalated', 'deputy'],
      [at('2026-09-27', '07:30'), 'ObligationEscalated', 'governor'],
    ]);
  });

  it('renewed starts its review anew and keeps what remains', async () => {
    const told = await tell(
      [...communicated(START), suspended(at('2026-08-30'), 3), suspended(at('2026-09-01'), 3)],
      at('2026-09-07', '14:30'),
    );
    expect(told.of('DeadlineSuspended').map(({ data }) => data.remaining)).toEqual([
      { workingDays: 2 },
      { workingDays: 2 },
    ]);
    expect(brief(told.of('DutyMissed'))).toEqual([[at('2026-09-06', '14:30'), 'DutyMissed', 'review-suspension']]);
  });

  it('of one who claims: in time whenever it comes, and refuted it is suspended again, its review anew', async () => {
    const told = await tell(
      [...communicated(START), suspended(at('2026-08-30'), 2), complied(at('2026-09-01')), refuted(at('2026-09-05'))],
      at('2026-09-07', '14:30'),
    );
    expect(told.of('AgencyComplied')[0]!.data.late).toBe(false);
    expect(told.status()).toBe('suspended');
    expect(brief(told.of('DutyMissed'))).toEqual(
      [
        // The reminder of 29 August came before the suspension; the review is owed two days after the refutation.
        [at('2026-09-01', '14:30'), 'DutyMissed', 'review-suspension'],
        [at('2026-09-07', '14:30'), 'DutyMissed', 'review-suspension'],
      ].slice(1),
    );
  });
});

describe('a change of the calendar', () => {
  const close = (when: string, ...dates: string[]) =>
    say(when, 'governor', 'DeclareClosure', 'offices', { dates, reason: 'گرما', decree: 'م/۱' });
  const cancel = (when: string, ...dates: string[]) => say(when, 'governor', 'CancelClosure', 'offices', { dates });

  it('moves a running deadline with its cause; a cancelled one never brings it back', async () => {
    const told = await tell([
      ...communicated(START),
      close(at('2026-08-26'), '2026-08-31'),
      cancel(at('2026-08-27'), '2026-08-31'),
    ]);
    expect(told.of('DeadlineMoved').map(({ data }) => data)).toEqual([
      {
        obligation: 'o1',
        from: DUE,
        to: at('2026-09-02', '14:30'),
        cause: { stream: 'calendar-offices', revision: 1, type: 'ClosureDeclared' },
      },
    ]);
  });

  it('recorded after the due instant moves nothing: verdicts are frozen', async () => {
    const told = await tell([...communicated(START), close(at('2026-09-01', '14:30'), '2026-09-01')]);
    expect(told.of('DeadlineMoved')).toEqual([]);
    expect(told.status()).toBe('missed');
  });

  it('recorded after the due instant does not move what a claim holds either', async () => {
    const told = await tell([
      ...communicated(START),
      complied(at('2026-08-26')),
      close(at('2026-09-01', '16:00'), '2026-09-01'),
      refuted(at('2026-09-05')),
    ]);
    expect(told.of('DeadlineMoved')).toEqual([]);
    expect(told.of('DeadlineMissed')[0]!.data.dueAt).toBe(DUE);
  });

  it('moves what a claim holds, and the miss after its refutation names the moved instant', async () => {
    const told = await tell([
      ...communicated(START),
      complied(at('2026-08-26')),
      close(at('2026-08-27'), '2026-08-31'),
      refuted(at('2026-09-05')),
    ]);
    expect(told.of('DeadlineMissed')[0]!.data.dueAt).toBe(at('2026-09-02', '14:30'));
  });

  it('moves rungs that have not fired; one that is moved into the past fires at the change', async () => {
    const lines = [
      ...communicated(START),
      close(at('2026-09-02'), '2026-09-06'),
      cancel(at('2026-09-05', '10:00'), '2026-09-06'),
    ];
    const told = await tell([...lines, close(at('2026-09-05', '11:00'), '2026-09-07')], at('2026-09-09', '07:30'));
    expect(brief(told.of('ObligationEscalated'))).toEqual([
      [at('2026-09-05', '07:30'), 'ObligationEscalated', 'deputy'],
      [at('2026-09-09', '07:30'), 'ObligationEscalated', 'governor'],
    ]);
  });

  it('at the very instant of a rung counts the same for whoever settles next', async () => {
    // Declared at the opening of the 29th, it moves the due from 31 August to 1 September, and the reminder to the 27th,
    // before the epoch began. Counted without it, the reminder of the moved due would be the 29th: at this very instant.
    const lines = [
      ...communicated(at('2026-08-26'), [obligation({ agency: 'bank', term: { workingDays: 4 } })]),
      say(at('2026-08-27', '08:00'), 'secretary', 'SuspendDeadline', 'r', { obligation: 'o1', ground: 'x', document: 'y', reviewAfter: 9 }), // prettier-ignore
      say(at('2026-08-27', '14:30'), 'secretary', 'ResumeDeadline', 'r', { obligation: 'o1', ground: 'x', document: 'y' }), // prettier-ignore
      say(at('2026-08-29', '07:30'), 'governor', 'DeclareClosure', 'banks', { dates: ['2026-08-30'], reason: 'x', decree: 'y' }), // prettier-ignore
      extended(at('2026-08-29', '12:30'), 4),
    ];
    const told = await tell([...lines]);
    expect(told.of('DeadlineMoved')).toHaveLength(1);
    expect(brief(told.of('AgencyReminded')).filter(([when]) => when! > at('2026-08-28'))).toEqual([]);
  });

  it('revives a reminder that a claim had let pass, when it moves it to later', async () => {
    const told = await tell(
      [
        ...communicated(START),
        complied(at('2026-08-26')),
        refuted(at('2026-08-29', '09:00')),
        close(at('2026-08-29', '10:00'), '2026-08-29'),
      ],
      at('2026-08-30', '08:00'),
    );
    expect(brief(told.of('AgencyReminded'))).toEqual([[at('2026-08-30', '07:30'), 'AgencyReminded', 'remind']]);
  });
});

describe('late truth', () => {
  it('is dated long ago, but what is due is still judged by the calendar of today', async () => {
    // The closure of 6 September moves the governor's rung from the 8th to the 9th; a claim of the past must not bring it back.
    const closure = { dates: ['2026-09-06'], reason: 'گرما', decree: 'م/۱' };
    const told = await tell([
      ...communicated(START),
      say(at('2026-09-05', '12:00'), 'governor', 'DeclareClosure', 'offices', closure),
      say(
        at('2026-09-08', '12:00'),
        'registrar',
        'ReportCompliance',
        'r',
        { obligation: 'o1', evidence, note: '' },
        { occurredAt: at('2026-08-30'), document: 'دبیرخانه ۱' },
      ),
    ]);
    expect(brief(told.of('ObligationEscalated')).map(([, , rung]) => rung)).toEqual(['deputy']);
  });
});

describe('new terms', () => {
  it('an extension counts from the present due date, in a new epoch whose reminder comes again', async () => {
    const told = await tell([...communicated(START), extended(at('2026-08-30'), 3)], at('2026-09-06', '14:30'));
    expect(told.of('ExtensionGranted')[0]!.data).toMatchObject({
      dueAt: at('2026-09-06', '14:30'),
      basis: { calendar: 'offices', revision: 0 },
    });
    expect(brief(told.of(...ALARMS)).map(([when, , rung]) => [when, rung])).toEqual([
      [at('2026-08-29', '07:30'), 'remind'],
      [at('2026-09-01', '07:30'), 'remind'],
      [at('2026-09-06', '14:30'), 'due'],
    ]);
  });

  it('from the third extension on only the governor grants', async () => {
    const three = [1, 2, 3].map((n) => extended(at('2026-08-26', `09:0${n}`), 1));
    const told = await tell([...communicated(START), ...three, extended(at('2026-08-26', '09:04'), 1, 'governor')]);
    expect(told.codes).toEqual(['governor-only']);
    expect(told.of('ExtensionGranted')).toHaveLength(3);
  });

  it('a directive with a term clears the miss and a pending claim', async () => {
    const told = await tell([
      ...communicated(START),
      complied(at('2026-09-02')),
      directed(at('2026-09-05'), { workingDays: 2 }),
      verified(at('2026-09-05', '10:00')),
    ]);
    expect(told.codes).toEqual(['no-claim']);
    expect(told.status()).toBe('running');
    expect(told.of('GovernorDirected')[0]!.data.dueAt).toBe(at('2026-09-07', '14:30'));
  });

  it('a new owner is counted on its own calendar', async () => {
    const told = await tell([...communicated(START), reassigned(at('2026-08-26'), 'bank')]);
    expect(told.of('ObligationReassigned')[0]!.data).toMatchObject({
      calendar: 'banks',
      dueAt: at('2026-08-31', '14:30'),
    });
  });
});

describe('settling', () => {
  it('a refused command still records what was due', async () => {
    const told = await tell([...communicated(START), extended(at('2026-09-02'), 1)]);
    expect(told.codes).toEqual(['deadline-missed']);
    expect(told.status()).toBe('missed');
  });

  it('duty communicate: owed within three working days of issuing', async () => {
    const [issue] = communicated(START);
    const told = await tell([issue!], at('2026-09-06', '14:30'));
    expect(told.of('DutyMissed').map(({ metadata, data }) => [metadata.occurredAt, data.duty, data.count])).toEqual([
      [at('2026-08-30', '14:30'), 'communicate', 1],
      [at('2026-09-06', '14:30'), 'communicate', 2],
    ]);
  });
});

describe('the state table of the contract: what each status answers', () => {
  const noon = (date: string) => at(date, '12:00');
  const claimPending = [complied(at('2026-09-02'))];
  const states: Record<string, [when: string, lines: ReturnType<typeof say>[]]> = {
    issued: [noon('2026-08-25'), communicated(START).slice(0, 1)],
    running: [noon('2026-08-25'), communicated(START)],
    suspended: [noon('2026-08-26'), [...communicated(START), suspended(at('2026-08-26'))]],
    claimed: [noon('2026-08-26'), [...communicated(START), complied(at('2026-08-26'))]],
    missed: [noon('2026-09-02'), communicated(START)],
    'missed, claim pending': [noon('2026-09-02'), [...communicated(START), ...claimPending]],
    'suspended after a miss': [noon('2026-09-02'), [...communicated(START), suspended(at('2026-09-02'))]],
    met: [noon('2026-08-26'), [...communicated(START), complied(at('2026-08-26')), verified(at('2026-08-26'))]],
    revoked: [noon('2026-08-26'), [...communicated(START), revoked(at('2026-08-26'))]],
  };
  const commands: Record<string, (when: string) => ReturnType<typeof say>> = {
    ReportCompliance: complied,
    VerifyCompliance: (when) => verified(when),
    RefuteCompliance: refuted,
    GrantExtension: (when) => extended(when, 2),
    SuspendDeadline: (when) => suspended(when),
    ResumeDeadline: resumed,
    'IssueDirective with a term': (when) => directed(when, { workingDays: 2 }),
    'IssueDirective without a term': (when) => directed(when),
    ReassignObligation: (when) => reassigned(when),
    RevokeObligation: revoked,
  };
  /** Rows in the order of `commands`: the new status, or the refusal's code. */
  const table: Record<keyof typeof states, string[]> = {
    issued: ['not-communicated', 'no-claim', 'no-claim', 'not-communicated', 'not-communicated', 'not-suspended', 'not-communicated', 'not-communicated', 'not-communicated', '→ revoked'], // prettier-ignore
    running: ['→ claimed', 'no-claim', 'no-claim', '→ running', '→ suspended', 'not-suspended', '→ running', '→ running', '→ running', '→ revoked'], // prettier-ignore
    suspended: ['→ claimed', 'no-claim', 'no-claim', 'suspended', '→ suspended', '→ running', 'suspended', '→ suspended', 'suspended', '→ revoked'], // prettier-ignore
    claimed: ['claim-pending', '→ met', '→ running', 'claim-pending', 'claim-pending', 'not-suspended', 'claim-pending', '→ claimed', 'claim-pending', '→ revoked'], // prettier-ignore
    missed: ['→ missed', 'no-claim', 'no-claim', 'deadline-missed', '→ suspended', 'not-suspended', '→ running', '→ missed', '→ running', '→ revoked'], // prettier-ignore
    'missed, claim pending': ['claim-pending', '→ met-late', '→ missed', 'deadline-missed', '→ suspended', 'not-suspended', '→ running', '→ missed', '→ running', '→ revoked'], // prettier-ignore
    'suspended after a miss': ['→ suspended', 'no-claim', 'no-claim', 'suspended', '→ suspended', '→ missed', 'suspended', '→ suspended', 'suspended', '→ revoked'], // prettier-ignore
    met: Array<string>(10).fill('closed'),
    revoked: Array<string>(10).fill('closed'),
  };
  const cases = Object.entries(table).flatMap(([state, row]) =>
    Object.keys(commands).map((command, index) => [command, state, row[index]!] as const),
  );

  it.each(cases)('%s when %s: %s', async (command, state, expected) => {
    const [when, lines] = states[state]!;
    const told = await tell([...lines, commands[command]!(when)]);
    expect(told.codes.length > 0 ? told.codes.join() : `→ ${told.status()}`).toBe(expected);
  });
});

describe('what is already so', () => {
  it('a second letter, acknowledgement or revocation changes nothing, also when all is over', async () => {
    const acknowledged = (when: string) =>
      say(when, { role: 'agency', agency: 'gas' }, 'AcknowledgeObligation', 'r', { obligation: 'o1' });
    const all = (when: string) => say(when, 'governor', 'RevokeResolution', 'r', { reason: 'منتفی' });
    const [issue, letter] = communicated(START);
    const once = [issue!, letter!, acknowledged(START), all(START)];
    const { codes, events } = await tell([...once, letter!, acknowledged(START), all(START)]);
    expect(codes).toEqual([]);
    expect(events).toHaveLength((await tell(once)).events.length);
    // What was revoked before any letter can have none.
    expect((await tell([issue!, all(START), letter!])).codes).toEqual(['closed']);
  });
});

describe('what cannot be', () => {
  const issue = (more: object) => communicated(START, [obligation(more)])[0]!;
  const dated = (when: string, occurredAt: string, document?: string) =>
    say(
      when,
      'registrar',
      'ReportCompliance',
      'r',
      { obligation: 'o1', evidence, note: '' },
      { occurredAt, ...(document && { document }) },
    );

  it.each([
    ['no owner', { agency: undefined }],
    ['no term', { term: undefined }],
    ['no acceptance', { acceptance: ' ' }],
    ['a term of 0 days', { term: { workingDays: 0 } }],
    ['a term of 751 days', { term: { workingDays: 751 } }],
    ['a term of nothing', { term: { duration: 'PT0S' } }],
    ['two terms', { term: { workingDays: 1, duration: 'P1D' } }],
    ['an unknown agency', { agency: 'nobody' }],
    ['an unknown calendar', { calendar: 'lunar' }],
    ['an unknown ladder', { ladder: 'rope' }],
  ])('an obligation with %s', async (_, wrong) => {
    const { codes, refusals } = await tell([JSON.parse(JSON.stringify(issue(wrong)))]);
    expect(codes).toEqual(['invalid']);
    expect(refusals[0]!.message).toContain('obligations[0].');
  });

  it('a date before the stream’s beginning, one that has not come, one without its document', async () => {
    const { codes } = await tell([
      ...communicated(START),
      dated(at('2026-08-26'), at('2026-08-20'), 'د'),
      dated(at('2026-08-26'), at('2026-08-27'), 'د'),
      dated(at('2026-08-26'), at('2026-08-25', '10:00')),
    ]);
    expect(codes).toEqual(['invalid', 'invalid', 'invalid']);
  });

  it('an earlier date from anybody but the registrar', async () => {
    const { codes } = await tell([
      ...communicated(START),
      complied(at('2026-08-26'), { occurredAt: at('2026-08-25', '10:00'), document: 'د' }),
    ]);
    expect(codes).toEqual(['forbidden']);
  });
});

describe('who may', () => {
  it('an agency speaks only for itself, and nobody judges the agency he belongs to', async () => {
    const told = await tell([
      ...communicated(START),
      say(START, { role: 'agency', agency: 'power' }, 'ReportCompliance', 'r', {
        obligation: 'o1',
        evidence,
        note: '',
      }),
      say(START, { role: 'secretary', agency: 'gas' }, 'GrantExtension', 'r', {
        obligation: 'o1',
        workingDays: 1,
        reason: 'x',
      }),
      say(START, 'expert', 'GrantExtension', 'r', { obligation: 'o1', workingDays: 1, reason: 'x' }),
      say(START, 'engine', 'FireRung', 'r', {}),
      say(START, 'unit', 'VerifyCompliance', 'r', { obligation: 'o1', note: '' }),
      say(START, 'governor', 'RevokeObligation', 'r', { obligation: 'nope', reason: 'x' }),
      say(START, 'deputy', 'GrantExtension', 'r', { obligation: 'o1', duration: 'P1D', reason: 'x' }),
      say(START, 'deputy', 'GrantExtension', 'r', { obligation: 'o1', workingDays: 751, reason: 'x' }),
    ]);
    expect(told.codes).toEqual([
      'forbidden',
      'own-agency',
      'forbidden',
      'forbidden',
      'forbidden',
      'not-found',
      'term-mismatch',
      'invalid',
    ]);
  });
});
