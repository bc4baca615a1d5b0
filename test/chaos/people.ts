import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Role } from '#kernel';
import { agency, EVIDENCE, isDone, PATIENCE_MS, type Clients } from './clients.js';
import type { Deployment } from './deployment.js';
import type { Dice } from './dice.js';

const DAY = 86_400_000;
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

const WEEK = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30' };
/** Their Thursdays differ. */
const CALENDARS = { offices: null, banks: '07:30-12:30' } as const;
const AGENCIES = { gas: 'offices', power: 'offices', bank: 'banks' } as const;
type Agency = keyof typeof AGENCIES;
const agencies = Object.keys(AGENCIES) as Agency[];

/** Reminds an office, is counted in hours and in days, and does not end. */
const QUICK = {
  rungs: [
    { id: 'before-days', when: { before: { workingDays: 2 } }, action: 'remind', to: 'deputy' },
    { id: 'before-hours', when: { before: { duration: 'PT6H' } }, action: 'remind', to: 'agency' },
    { id: 'after-hours', when: { after: { duration: 'PT20H' } }, action: 'escalate', to: 'deputy' },
    { id: 'after-days', when: { after: { workingDays: 3 } }, action: 'escalate', to: 'agency' },
  ],
  repeat: { workingDays: 4 },
};

const unit = (name: string): Actor => ({ id: `unit ${name}`, role: 'unit', unit: name });

interface Resolution {
  id: string;
  /** Who owes its obligations, in their order. */
  owing: string[];
  about: string;
}

/** Whoever works with the engine: what they want of it, drawn by lot. */
export class People {
  /** Resolutions in force, the latest last. */
  private readonly running: Resolution[] = [];
  private readonly closed: { calendar: string; dates: string[] }[] = [];
  private readonly groups: string[] = [];
  /** Claims, requests and suspensions, which want an answer. */
  private readonly asked: { command: string; of: Resolution; place: number }[] = [];
  /** To a national or an oversight body, by the id of its stream. */
  private readonly referrals: [kind: '' | 'Oversight', id: string][] = [];

  constructor(
    private readonly clients: Clients,
    private readonly world: Deployment,
    private readonly dice: Dice,
  ) {}

  async establish(): Promise<void> {
    for (const calendar of Object.keys(CALENDARS)) {
      await this.clients.say('admin', 'DefineCalendar', calendar, this.calendar(calendar, '2026-01-01'));
    }
    for (const [name, calendar] of Object.entries(AGENCIES)) {
      await this.clients.say('admin', 'RegisterAgency', name, { name, kind: 'utility', calendar });
    }
    await this.clients.say('admin', 'DefineLadder', 'quick', QUICK);
    await this.clients.giveEvidence();
  }

  private calendar(name: string, validFrom: string, more: object = {}): object {
    const thu = CALENDARS[name as keyof typeof CALENDARS];
    const holiday = dateOf(Date.parse(this.world.now()) + this.dice.upTo(20) * DAY);
    const holidays = [{ date: holiday, name: 'تعطیل' }];
    return { zone: 'Asia/Tehran', week: { ...WEEK, thu, fri: null, ...more }, holidays, validFrom };
  }

  /** One working group: sessions that adopt, and everything that happens to what was adopted. */
  async work(group: string, signal: AbortSignal): Promise<void> {
    await this.clients.say('admin', 'EstablishWorkingGroup', group, { name: group, chair: 'c', secretary: 's' });
    await this.clients.say('secretary', 'RegisterUnit', group, {
      name: group,
      size: 'small',
      classes: [],
      sector: 'فلز',
    });
    this.groups.push(group);
    for (let session = 1; !signal.aborted; session++) {
      const adopted = await this.meet(group, session);
      for (let n = 6 + this.dice.upTo(30); n > 0 && !signal.aborted; n--) await this.act();
      if (this.dice.upTo(3) === 0) await this.finish(`${group}-${session}-c`, adopted);
    }
  }

  /** @returns the resolutions that were adopted */
  private async meet(group: string, number: number): Promise<string[]> {
    const { dice } = this;
    const session = `${group}-${number}`;
    await this.clients.say('secretary', 'ScheduleSession', group, { date: '2035-01-01' });
    if (dice.upTo(3) === 0)
      await this.clients.say('secretary', 'RescheduleSession', group, { number, date: '2035-01-08' });
    const about = `${session}-c`;
    const [channel, category] = ['portal', 'gas'];
    const told = { unit: group, channel, category, title: 'گاز', statement: 'گاز قطع است' };
    await this.clients.say(unit(group), 'OpenCase', about, told);
    await this.clients.say('expert', 'ReviewCase', about, {
      technicalNote: 'خط',
      recommendation: 'وصل',
      checklist: [],
    });
    if (dice.upTo(3) === 0) {
      await this.clients.say('secretary', 'TransferCase', about, { workingGroup: dice.of(...this.groups) });
      const visit = `${session}-v`;
      await this.clients.say('secretary', 'PlanVisit', visit, {
        unit: group,
        session,
        date: '2035-01-01',
        reason: 'بازدید',
      });
      const needs = [
        { category: 'gas', statement: 'گاز' },
        { category: 'land', statement: 'زمین' },
      ];
      await this.clients.say('expert', 'RecordFindings', visit, { findings: 'یافته', needs });
    }
    await this.clients.say('secretary', 'TableCase', about, { session });
    await this.clients.say('secretary', 'OpenSession', session, { attendance: ['c'] });
    const owed: string[][] = [];
    for (let n = 1 + dice.upTo(2); n > 0; n--) {
      const owing = Array.from({ length: 1 + dice.upTo(2) }, () => dice.of(...agencies));
      owed.push(owing);
      const obligations = owing.map((agency, o) => ({
        id: `o${o + 1}`,
        agency,
        action: 'وصل گاز',
        acceptance: 'صورتجلسه',
        term: this.term(),
        ladder: dice.of('standard', 'quick'),
        ...(dice.upTo(5) === 0 && { calendar: dice.of('offices', 'banks') }),
        ...(o > 0 && dice.upTo(3) === 0 && { dependsOn: [`o${o}`] }),
      }));
      const text = { text: 'متن', legalBasis: 'ماده ۶۱' };
      await this.clients.say('secretary', 'AdoptResolution', session, { case: about, ...text, obligations });
    }
    await this.clients.say('governor', 'SignMinutes', session, {});
    const ids = owed.map((_, n) => `${session}-${n + 1}`);
    for (const [n, owing] of owed.entries()) {
      // The policy that issues it may be waiting for a worker.
      await this.until(async () => {
        const { refused } = await this.clients.say('secretary', 'CommunicateResolution', ids[n]!, {
          letterNumber: '۱',
        });
        return !refused;
      }, `${ids[n]} to be issued`);
      this.running.push({ id: ids[n]!, owing, about });
    }
    return ids;
  }

  /** What is left of a case is revoked, and the case closed. */
  private async finish(about: string, resolutions: string[]): Promise<void> {
    for (const id of resolutions) await this.clients.say('governor', 'RevokeResolution', id, { reason: 'لغو' });
    await this.clients.say('secretary', 'ConfirmOutcome', about, { note: 'حل شد' });
    // The policy that frees the case may be waiting for a worker, and the unit may object again.
    await this.until(async () => {
      const sent = await this.clients.say('secretary', 'CloseCase', about, { outcome: 'حل شد' });
      if (sent.refused === 'objection-stands')
        await this.clients.say('secretary', 'ConfirmOutcome', about, { note: 'حل شد' });
      return isDone(sent);
    }, `${about} to be closed`);
    if (this.dice.upTo(1)) await this.clients.say('secretary', 'ReopenCase', about, { reason: 'دوباره' });
  }

  private async until(done: () => Promise<boolean>, what: string): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; !(await done()); await sleep(500)) {
      if (Date.now() > until) throw new Error(`waited too long for ${what}`);
    }
  }

  private term(): { workingDays: number } | { duration: string } {
    const { dice } = this;
    return dice.upTo(3) ? { workingDays: 1 + dice.upTo(9) } : { duration: `PT${1 + dice.upTo(71)}H` };
  }

  private async act(): Promise<void> {
    const { dice } = this;
    if (dice.upTo(20) === 0) return this.changeCalendar();
    // Mostly what is new, so that much happens to the same few; and often what somebody waits for.
    const asked = dice.upTo(2) ? undefined : dice.of(undefined, ...this.asked.slice(-6));
    const { id, owing, about } = asked?.of ?? dice.of(...this.running.slice(dice.upTo(3) ? -4 : 0));
    const place = asked?.place ?? dice.upTo(owing.length - 1);
    const obligation = `o${place + 1}`;
    const owner = agency(owing[place]!);
    const itsUnit = unit(about.replace(/-\d+-c$/, ''));
    const colleague: Actor = { id: `deputy of ${owing[place]}`, role: 'deputy', agency: owing[place] };
    const ground = { obligation, ground: 'ماده ۱', document: 'نامه' };
    const claim = { obligation, evidence: [EVIDENCE], note: 'انجام شد' };
    const suspension = { ...ground, reviewAfter: 1 + dice.upTo(9) };
    const longer = { obligation, reason: 'مهلت', ...this.term() };
    const order = { obligation, text: 'دستور' };
    const referral = { obligation, body: 'وزارت', basis: 'ماده ۶۲' };
    const heir = dice.of(...agencies);
    const [kind, referred] = dice.of(...this.referrals.slice(-4), ['', 'nowhere'] as const);
    type Said = [Role | Actor, string, string, object];
    const answers: Record<string, Said[]> = {
      ReportCompliance: [
        ['expert', 'VerifyCompliance', id, { obligation }],
        ['oversight', 'VerifyCompliance', id, { obligation }],
        [colleague, 'VerifyCompliance', id, { obligation }],
        [itsUnit, 'RefuteCompliance', id, { obligation, note: 'نشد' }],
        ['oversight', 'RefuteCompliance', id, { obligation, note: 'نه' }],
      ],
      RequestExtension: [
        ['secretary', 'RefuseExtension', id, { obligation, reason: 'نه' }],
        ['deputy', 'GrantExtension', id, longer],
        ['governor', 'GrantExtension', id, longer],
        [colleague, 'GrantExtension', id, longer],
      ],
      SuspendDeadline: [
        ['secretary', 'ResumeDeadline', id, ground],
        ['governor', 'SuspendDeadline', id, suspension],
        [owner, 'ReportCompliance', id, claim],
      ],
    };
    const all: Said[] = [
      ...Object.values(answers).flat(),
      [owner, 'AcknowledgeObligation', id, { obligation }],
      [owner, 'ReportProgress', id, { obligation, percent: dice.upTo(100) }],
      [owner, 'DisputeObligation', id, { obligation, reason: 'با ما نیست' }],
      [owner, 'RequestExtension', id, longer],
      [owner, 'ReportCompliance', id, claim],
      [owner, 'ReportCompliance', id, claim],
      ['registrar', 'ReportCompliance', id, claim],
      ['registrar', 'AcknowledgeObligation', id, { obligation }],
      ['registrar', 'ReportProgress', id, { obligation, percent: dice.upTo(100) }],
      ['secretary', 'SuspendDeadline', id, suspension],
      ['governor', 'IssueDirective', id, order],
      ['governor', 'IssueDirective', id, { ...order, ...this.term() }],
      ['governor', 'ReassignObligation', id, { obligation, agency: heir, reason: 'واگذاری', ...this.term() }],
      ['governor', 'ReferToNational', id, referral],
      ['governor', 'ReferToOversight', id, referral],
      ['secretary', `Record${kind}Answer`, referred, { answer: 'پاسخ' }],
      ['secretary', `Close${kind}Referral`, referred, { outcome: 'پاسخ' }],
      [itsUnit, dice.of('ConfirmOutcome', 'ObjectToOutcome'), about, { note: 'پاسخ' }],
      ['governor', 'RevokeObligation', id, { obligation, reason: 'لغو' }],
    ];
    const [as, command, to, data] = dice.of(...(asked ? answers[asked.command]! : all));
    const { events } = await this.clients.say(as, command, to, data, as === 'registrar' && dice.upTo(4) > 0);
    if (!events?.length) return;
    if (answers[command]) this.asked.push({ command, of: this.running.find((each) => each.id === id)!, place });
    if (command === 'ReassignObligation') owing[place] = heir;
    if (command.startsWith('ReferTo')) {
      const n = this.referrals.filter(([, each]) => each.startsWith(`${id}-${obligation}-`)).length + 1;
      this.referrals.push([command === 'ReferToOversight' ? 'Oversight' : '', `${id}-${obligation}-${n}`]);
    }
  }

  private async changeCalendar(): Promise<void> {
    const { dice, closed } = this;
    const calendar = dice.of('offices', 'offices', 'banks');
    const today = Date.parse(this.world.now());
    const dates = [dateOf(today + dice.upTo(9) * DAY)];
    const reason = { reason: 'آلودگی هوا', decree: 'م' };
    const undone = dice.of(undefined, ...closed);
    const version = this.calendar(calendar, dateOf(today + (dice.upTo(20) - 10) * DAY), {
      mon: dice.of('07:30-14:30', '07:00-13:00', null),
    });
    const [who, command, id, data] = dice.of<[Role, string, string, object]>(
      ['governor', 'DeclareClosure', calendar, { dates, ...reason }],
      ['governor', 'DeclareClosure', calendar, { dates, ...reason }],
      ['deputy', 'DeclareHours', calendar, { dates, hours: dice.of('09:00-11:00', '08:00-18:00'), ...reason }],
      undone
        ? ['governor', 'CancelClosure', undone.calendar, { dates: undone.dates, ...reason }]
        : ['admin', 'DefineCalendar', calendar, version],
    );
    const sent = await this.clients.sayAlone(who, command, id, data);
    if (sent && command === 'DeclareClosure') closed.push({ calendar: id, dates });
  }
}
