import { ERASED, type AnyDecider, type Instant, type Reads } from '#kernel';
import { agencyDecider, officeDay, officeOn, partsOfSession, workingGroupDecider } from '#directory';
import type { Taken } from './channel.js';
import { agencyContactsDecider, officeContactsDecider, type Channel } from './contact.js';
import { agencyKey, type Contacts } from './contacts.js';
import { letterOf, smsOf, templatesFor, type Item, type Templates } from './letter.js';
import type { Post } from './mail.js';
import { noticeTemplateDecider, templateInForce, type Worded } from './notice-template.js';
import type { ChannelName } from './notice.js';
import type { SmsGateway } from './sms.js';
import { callWebhook, type SecretOf } from './webhook.js';

export interface DeliveryDeps {
  reads: Reads;
  /** For whom no command has set any. */
  contacts: Contacts;
  /** Absent: that nobody was told by e-mail is recorded. */
  post?: Post;
  /** Absent: the same for SMS. */
  sms?: SmsGateway;
  webhookSecret: SecretOf;
}

/** What is put on its way: the same id in every try, another only when the secretary has it sent again. */
export interface Outgoing {
  id: string;
  recipient: string;
  items: readonly (Item & { event_id: string })[];
}

/** Of a resolution, all that a letter to an office asks: whose session it was, and when what fell to an office. */
const escalations: Pick<
  AnyDecider<{ session: string; times: ReadonlyMap<string, Instant> }>,
  'aggregate' | 'initial' | 'evolve'
> = {
  aggregate: 'resolution',
  initial: { session: '', times: new Map() },
  evolve(state, { type, data, at }, event) {
    if (type === 'ResolutionIssued') return { ...state, session: data.session };
    if (data?.to === undefined || !event) return state;
    return { ...state, times: new Map(state.times).set(event.id, at) };
  },
};

export const nameOf = (channel: Channel): ChannelName => (channel.email ? 'email' : channel.sms ? 'sms' : 'webhook');

/** Finds out by which ways a recipient is reached, and puts into words and on its way what he is to be told. */
export class Delivery {
  constructor(private readonly deps: DeliveryDeps) {}

  /** A recipient's channels that can be used here; `known` when a command has set any, whatever became of them. */
  async channelsOf(recipient: string): Promise<{ usable: readonly Channel[]; known: boolean }> {
    const { reads, contacts, post, sms } = this.deps;
    const { decider, id } = contactsStream(recipient);
    const { state } = await reads.state(decider, id);
    const email = contacts.get(recipient);
    const all = state.channels ?? (email ? [{ email }] : []);
    const there = all.filter(({ email, sms: number }) => ![...(email ?? []), number].includes(ERASED));
    const usable = there.filter((one) => (one.email ? post : one.sms ? sms : true));
    return { usable, known: state.channels !== undefined };
  }

  /** @throws NotDelivered */
  async send(
    { id, recipient, items }: Outgoing,
    channel: Channel,
  ): Promise<Taken & { templates?: string[]; segments?: number }> {
    if (channel.webhook !== undefined) {
      const { webhook: url, key } = channel;
      // The one before it signs too, so that a receiver can change secrets without missing a call.
      const keys = key > 1 ? [key, key - 1] : [key];
      const secrets = await Promise.all(keys.map((each) => this.deps.webhookSecret(recipient, each)));
      await callWebhook({ url, id, body: bodyOf({ id, recipient, items }), secrets });
      return { messageId: id, delivered: true };
    }
    const told = await this.described(recipient, items);
    const worded = nameOf(channel) as Worded;
    const texts = await this.templates(told, worded);
    const templates = [...texts].map(([name, { version }]) => `${name}/${version}`);
    if (channel.email) {
      const messageId = `<${id}@notices.peygir>`;
      await this.deps.post!.send({ messageId, to: channel.email, ...letterOf(told, texts) });
      return { messageId, templates };
    }
    const { text, segments } = smsOf(told, texts);
    return { messageId: await this.deps.sms!.send({ id, to: channel.sms!, text }), templates, segments };
  }

  private async templates(items: readonly Item[], channel: Worded): Promise<Templates> {
    const found = templatesFor(items, channel).map(async (id) => {
      const { state } = await this.deps.reads.state(noticeTemplateDecider, id);
      return [id, templateInForce(id, state)] as const;
    });
    return new Map(await Promise.all(found));
  }

  /** Agencies by their names. And offices are told, and persons hold them: who did when each thing fell to the office. */
  private async described(recipient: string, items: Outgoing['items']): Promise<Item[]> {
    const { reads } = this.deps;
    const described = items.map(async (item): Promise<Item> => {
      const owner = item.agency === null ? undefined : (await reads.state(agencyDecider, item.agency)).state;
      const named = owner?.status === 'registered' ? { ...item, agency: owner.name } : item;
      const { session, times } = (await reads.state(escalations, item.resolution)).state;
      const group = partsOfSession(session)?.group;
      const at = times.get(item.event_id);
      if (!group || !at) return named;
      const { state } = await reads.state(workingGroupDecider, group);
      return state.status === 'unknown'
        ? named
        : { ...named, holder: officeOn(state, recipient, officeDay(at)).acting };
    });
    return Promise.all(described);
  }
}

export function contactsStream(recipient: string) {
  const agency = recipient.startsWith(agencyKey(''));
  return {
    decider: agency ? agencyContactsDecider : officeContactsDecider,
    id: agency ? recipient.slice(agencyKey('').length) : recipient,
  };
}

/** What a webhook is told: data, not words. */
const bodyOf = ({ id, recipient, items }: Outgoing): string =>
  JSON.stringify({
    type: 'notice',
    data: {
      notice: id,
      recipient,
      items: items.map(
        ({ event_id: event, type, resolution, obligation, detail, due_at: dueAt, number, agency, action }) => ({
          event,
          type,
          resolution,
          obligation: obligation || undefined,
          detail: detail || undefined,
          dueAt,
          number: number ?? undefined,
          agency: agency ?? undefined,
          action: action ?? undefined,
        }),
      ),
    },
  });
