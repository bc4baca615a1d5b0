import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Role } from '#kernel';
import { issueToken } from '#apps/api/auth';
import { aggregateOf } from '#apps/province';
import { SECRET } from '#test/kit/nodes';
import type { Deployment } from './deployment.js';
import type { Dice } from './dice.js';

/** A command that somebody sent, and what came of it: its events, or the code of its refusal. */
export interface Sent {
  as: Actor;
  command: string;
  id: string;
  data: object;
  commandId: string;
  events?: { id: string; type: string }[];
  refused?: string;
}

interface Reply {
  status: number;
  body: any;
}

/** Nobody waits for ever, but longer than the worst minute. */
const PATIENCE_MS = 120_000;

const AGENCIES = ['gas', 'power'] as const;
const agency = (name: string): Actor => ({ id: name, role: 'agency', agency: name });
const unit = (name: string): Actor => ({ id: `unit ${name}`, role: 'unit', unit: name });

const PAPER = '%PDF-1.7\nصورتجلسه\n%%EOF\n';
const EVIDENCE = {
  name: 'صورتجلسه.pdf',
  sha256: createHash('sha256').update(PAPER).digest('hex'),
  mediaType: 'application/pdf',
  bytes: Buffer.byteLength(PAPER),
};

/** Whoever works with the engine: sends every command twice, through any api, until each is answered. */
export class People {
  readonly sent: Sent[] = [];
  /** Answers that contradict each other. */
  readonly faults: string[] = [];
  /** Resolutions in force, with who owes their obligations, and the case they are about. */
  private readonly running: { id: string; agencies: string[]; about: string }[] = [];
  private readonly tokens = new Map<string, Promise<string>>();
  private inHand = 0;
  private alone = false;

  constructor(
    private readonly world: Deployment,
    private readonly dice: Dice,
  ) {}

  async establish(): Promise<void> {
    const week = { sat: '07:30-14:30', sun: '07:30-14:30', mon: '07:30-14:30', tue: '07:30-14:30', wed: '07:30-14:30' };
    await this.say('admin', 'DefineCalendar', 'offices', {
      zone: 'Asia/Tehran',
      week: { ...week, thu: null, fri: null },
      holidays: [],
      validFrom: '2026-01-01',
    });
    for (const agency of AGENCIES) {
      await this.say('admin', 'RegisterAgency', agency, { name: agency, kind: 'utility', calendar: 'offices' });
    }
    await this.giveEvidence();
  }

  /** One working group: sessions that adopt, and everything that happens to what was adopted. */
  async work(group: string, signal: AbortSignal): Promise<void> {
    await this.say('admin', 'EstablishWorkingGroup', group, { name: group, chair: 'c', secretary: 's' });
    await this.say('secretary', 'RegisterUnit', group, { name: group, size: 'small', classes: [], sector: 'فلز' });
    for (let session = 1; !signal.aborted; session++) {
      await this.meet(group, session);
      for (let n = this.dice.upTo(12); n > 0 && !signal.aborted; n--) await this.act();
    }
  }

  private async meet(group: string, number: number): Promise<void> {
    const { dice } = this;
    const session = `${group}-${number}`;
    await this.say('secretary', 'ScheduleSession', group, { date: '2035-01-01' });
    const about = `${session}-c`;
    const [channel, category] = ['portal', 'gas'];
    const told = { unit: group, channel, category, title: 'گاز', statement: 'گاز قطع است' };
    await this.say(unit(group), 'OpenCase', about, told);
    await this.say('expert', 'ReviewCase', about, { technicalNote: 'خط', recommendation: 'وصل', checklist: [] });
    await this.say('secretary', 'TableCase', about, { session });
    await this.say('secretary', 'OpenSession', session, { attendance: ['c'] });
    const adopted = 1 + dice.upTo(2);
    const owing: string[][] = [];
    for (let n = 0; n < adopted; n++) {
      owing.push(Array.from({ length: 1 + dice.upTo(2) }, () => dice.of(...AGENCIES)));
      const obligations = owing[n]!.map((agency, o) => ({
        id: `o${o + 1}`,
        agency,
        action: 'وصل گاز',
        acceptance: 'صورتجلسه',
        term: this.term(),
      }));
      const text = { text: 'متن', legalBasis: 'ماده ۶۱' };
      await this.say('secretary', 'AdoptResolution', session, { case: about, ...text, obligations });
    }
    await this.say('governor', 'SignMinutes', session, {});
    for (const [n, agencies] of owing.entries()) {
      const id = `${session}-${n + 1}`;
      // The policy that issues it may be waiting for a worker.
      for (const until = Date.now() + PATIENCE_MS; ;) {
        const { refused } = await this.say('secretary', 'CommunicateResolution', id, { letterNumber: '۱' });
        if (!refused) break;
        if (Date.now() > until) throw new Error(`${id} was signed and never issued (${refused})`);
        await sleep(500);
      }
      this.running.push({ id, agencies, about });
    }
  }

  private term(): object {
    const { dice } = this;
    return dice.upTo(3) ? { workingDays: 1 + dice.upTo(9) } : { duration: `PT${1 + dice.upTo(71)}H` };
  }

  private async act(): Promise<void> {
    const { dice } = this;
    if (dice.upTo(25) === 0) return this.closeOffices();
    const { id, agencies, about } = dice.of(...this.running);
    const place = dice.upTo(agencies.length - 1);
    const obligation = `o${place + 1}`;
    const owner = agency(agencies[place]!);
    const itsUnit = unit(about.replace(/-\d+-c$/, ''));
    if (dice.upTo(15) === 0) {
      const answer = dice.of('ConfirmOutcome', 'ObjectToOutcome');
      await this.say(itsUnit, answer, about, { note: 'پاسخ' });
      return;
    }
    const ground = { obligation, ground: 'ماده ۱', document: 'نامه' };
    const [as, command, data] = dice.of<[Role | Actor, string, object]>(
      [owner, 'AcknowledgeObligation', { obligation }],
      [owner, 'ReportProgress', { obligation, percent: dice.upTo(100) }],
      [owner, 'DisputeObligation', { obligation, reason: 'با ما نیست' }],
      [owner, 'RequestExtension', { obligation, reason: 'مهلت', ...this.term() }],
      [owner, 'ReportCompliance', { obligation, evidence: [EVIDENCE], note: 'انجام شد' }],
      ['registrar', 'ReportCompliance', { obligation, evidence: [EVIDENCE] }],
      [itsUnit, 'RefuteCompliance', { obligation, note: 'نشد' }],
      ['secretary', 'RefuseExtension', { obligation, reason: 'نه' }],
      ['expert', 'VerifyCompliance', { obligation }],
      ['oversight', 'RefuteCompliance', { obligation, note: 'نه' }],
      ['deputy', 'GrantExtension', { obligation, reason: 'مهلت', ...this.term() }],
      ['governor', 'GrantExtension', { obligation, reason: 'مهلت', ...this.term() }],
      ['secretary', 'SuspendDeadline', { ...ground, reviewAfter: 1 + dice.upTo(9) }],
      ['secretary', 'ResumeDeadline', ground],
      ['governor', 'IssueDirective', { obligation, text: 'دستور', ...(dice.upTo(1) && this.term()) }],
      ['governor', 'ReassignObligation', { obligation, agency: 'power', reason: 'واگذاری', ...this.term() }],
      ['governor', 'RevokeObligation', { obligation, reason: 'لغو' }],
    );
    const { events } = await this.say(as, command, id, data);
    if (command === 'ReassignObligation' && events?.length) agencies[place] = 'power';
  }

  /** What every claim shows; nobody can claim with what is not there. */
  private async giveEvidence(): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(200)) {
      const response = await fetch(`${this.dice.of(...this.world.apis())}/v1/evidence/${EVIDENCE.sha256}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${await this.token(agency('gas'))}`, 'content-type': EVIDENCE.mediaType },
        body: PAPER,
      }).catch(() => undefined);
      if (response?.ok) return;
    }
    throw new Error('evidence was not taken');
  }

  /**
   * While everybody else waits: of two commands to different streams at the same time no model could say which was first.
   */
  private async closeOffices(): Promise<void> {
    if (this.alone) return;
    this.alone = true;
    while (this.inHand > 0) await sleep(20);
    const day = Date.parse(this.world.now()) + (1 + this.dice.upTo(9)) * 86_400_000;
    const dates = [new Date(day).toISOString().slice(0, 10)];
    await this.send('governor', 'DeclareClosure', 'offices', { dates, reason: 'آلودگی هوا', decree: 'م' });
    this.alone = false;
  }

  private async say(who: Role | Actor, command: string, id: string, data: object): Promise<Sent> {
    while (this.alone) await sleep(20);
    this.inHand++;
    try {
      return await this.send(who, command, id, data);
    } finally {
      this.inHand--;
    }
  }

  private async send(who: Role | Actor, command: string, id: string, data: object): Promise<Sent> {
    const as = typeof who === 'string' ? { id: who, role: who } : who;
    const sent: Sent = { as, command, id, data, commandId: randomUUID() };
    this.sent.push(sent);
    const atOnce = this.dice.upTo(1) === 1;
    const twice = atOnce
      ? await Promise.all([this.answered(sent), this.answered(sent)])
      : [await this.answered(sent), await this.answered(sent)];
    const done = twice.find(({ status, body }) => status === 200 && body.events.length > 0);
    sent.events = done?.body.events;
    if (!done) sent.refused = twice[1]!.body.code ?? 'no effect';
    // What appended nothing is decided afresh, so only after an effect must the second answer be the first.
    const [first, second] = twice.map(({ status, body }) => JSON.stringify(status === 200 ? body.events : body.code));
    const bound = atOnce ? twice.every(({ body }) => body.events?.length > 0) : done === twice[0];
    if (bound && first !== second) this.faults.push(`${command} ${id} ${sent.commandId}: ${first}, then ${second}`);
    return sent;
  }

  /** Until an answer comes that is one. */
  private async answered({ as, command, id, data, commandId }: Sent): Promise<Reply> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(100 + this.dice.upTo(300))) {
      const url = this.dice.of(...this.world.apis());
      try {
        const response = await fetch(`${url}/v1/${aggregateOf.get(command)}/${id}/${command}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${await this.token(as)}`,
            'content-type': 'application/json',
            'idempotency-key': commandId,
          },
          body: JSON.stringify(data),
          signal: AbortSignal.timeout(4_000),
        });
        const { status } = response;
        const body: unknown = await response.json();
        if (status < 500 && status !== 409 && status !== 429) return { status, body };
        if (status === 500) this.faults.push(`${command} ${id}: 500 ${JSON.stringify(body)}`);
      } catch {
        // Killed, stopped or cut off while it answered: whether it was done is known to the log alone.
      }
    }
    throw new Error(`${command} ${id} was not answered within ${PATIENCE_MS / 1_000} s`);
  }

  private token({ id: sub, ...who }: Actor): Promise<string> {
    const made = this.tokens.get(sub) ?? issueToken('', { sub, ...who, province: 'IR-03' }, 86_400, SECRET);
    this.tokens.set(sub, made);
    return made;
  }
}
