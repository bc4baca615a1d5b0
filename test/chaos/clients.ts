import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Instant, Role } from '#kernel';
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
  /** Late truth: when it happened, and the document that says so. */
  occurredAt?: Instant;
  document?: string;
  events?: { id: string; type: string }[];
  refused?: string;
  /** An attempt was not answered, so it may have been done, or be done yet, whatever the next one was told. */
  unsure?: boolean;
}

interface Reply {
  status: number;
  body: any;
}

/** Done by this command, or by an earlier one that was not answered. */
export const isDone = ({ refused }: Sent): boolean => !refused || refused === 'no effect';

/** Nobody waits for ever, but longer than the worst minute. */
export const PATIENCE_MS = 120_000;

export const agency = (name: string): Actor => ({ id: name, role: 'agency', agency: name });

const PAPER = '%PDF-1.7\nصورتجلسه\n%%EOF\n';
/** What every claim shows. */
export const EVIDENCE = {
  name: 'صورتجلسه.pdf',
  sha256: createHash('sha256').update(PAPER).digest('hex'),
  mediaType: 'application/pdf',
  bytes: Buffer.byteLength(PAPER),
};

/** Sends every command twice, through one api and the other, until each is answered. */
export class Clients {
  readonly sent: Sent[] = [];
  /** Answers that contradict each other. */
  readonly faults: string[] = [];
  private readonly tokens = new Map<string, Promise<string>>();
  private inHand = 0;
  private alone = false;

  constructor(
    private readonly world: Deployment,
    private readonly dice: Dice,
  ) {}

  /** Nobody can claim with what is not there. */
  async giveEvidence(): Promise<void> {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(200)) {
      const response = await fetch(`${this.dice.of(...this.world.apis)}/v1/evidence/${EVIDENCE.sha256}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${await this.token(agency('gas'))}`, 'content-type': EVIDENCE.mediaType },
        body: PAPER,
      }).catch(() => undefined);
      if (response?.ok) return;
    }
    throw new Error('evidence was not taken');
  }

  /** @param early whether it is said to have happened some days ago */
  async say(who: Role | Actor, command: string, id: string, data: object, early = false): Promise<Sent> {
    while (this.alone) await sleep(20);
    this.inHand++;
    try {
      return await this.send(who, command, id, data, early);
    } finally {
      this.inHand--;
    }
  }

  /**
   * While everybody else waits: of two commands to different streams at the same time no model could say which was first.
   * @returns undefined when somebody else is alone already
   */
  async sayAlone(...said: Parameters<Clients['say']>): Promise<Sent | undefined> {
    if (this.alone) return undefined;
    this.alone = true;
    while (this.inHand > 0) await sleep(20);
    const sent = await this.send(...said);
    this.alone = false;
    return sent;
  }

  private async send(who: Role | Actor, command: string, id: string, data: object, early = false): Promise<Sent> {
    const as = typeof who === 'string' ? { id: who, role: who } : who;
    const before = Date.parse(this.world.now()) - this.dice.upTo(5 * 24) * 3_600_000;
    const late = early && { occurredAt: new Date(before).toISOString(), document: 'نامهٔ ۱' };
    const sent: Sent = { as, command, id, data, commandId: randomUUID(), ...late };
    this.sent.push(sent);
    const atOnce = this.dice.upTo(1) === 1;
    const door = this.dice.upTo(1);
    const twice = atOnce
      ? await Promise.all([this.answered(sent, door), this.answered(sent, 1 - door)])
      : [await this.answered(sent, door), await this.answered(sent, 1 - door)];
    const done = twice.find(({ status, body }) => status === 200 && body.events.length > 0);
    sent.events = done?.body.events;
    if (!done) sent.refused = twice[1]!.body.code ?? 'no effect';
    // What appended nothing is decided afresh, so only after an effect must the second answer be the first.
    const [first, second] = twice.map(({ status, body }) => JSON.stringify(status === 200 ? body.events : body.code));
    const bound = atOnce ? twice.every(({ body }) => body.events?.length > 0) : done === twice[0];
    if (bound && first !== second) this.faults.push(`${command} ${id} ${sent.commandId}: ${first}, then ${second}`);
    return sent;
  }

  /** Until an answer comes that is one, by this door or another. */
  private async answered(sent: Sent, door: number): Promise<Reply> {
    const { as, command, id, data, commandId, occurredAt, document = '' } = sent;
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(100 + this.dice.upTo(300))) {
      const url = this.world.apis[door++ % 2]!;
      try {
        const response = await fetch(`${url}/v1/${aggregateOf.get(command)}/${id}/${command}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${await this.token(as)}`,
            'content-type': 'application/json',
            'idempotency-key': commandId,
            ...(occurredAt && { 'occurred-at': occurredAt, document: encodeURIComponent(document) }),
          },
          body: JSON.stringify(data),
          signal: AbortSignal.timeout(4_000),
        });
        const { status } = response;
        const body: unknown = await response.json();
        if (status < 500 && status !== 409 && status !== 429) return { status, body };
        sent.unsure ||= status >= 500;
        if (status === 500) this.faults.push(`${command} ${id}: 500 ${JSON.stringify(body)}`);
      } catch {
        // Killed, stopped or cut off while it answered: whether it was done is known to the log alone.
        sent.unsure = true;
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
