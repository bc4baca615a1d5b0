import { agencyDecider } from '#directory';
import { latinDigits, Refused, sameJson, type AnyDecider, type Asked, type Fact, type FieldError } from '#kernel';
import { DisableWebhookData, SetContactsData, type ChannelData } from './contact.commands.js';
import { addressFault } from './contacts.js';

/** A way to a recipient, as it is used: a number is `+98…`. */
export type Channel =
  | { email: readonly string[]; sms?: undefined; webhook?: undefined }
  | { sms: string; email?: undefined; webhook?: undefined }
  | { webhook: string; key: number; email?: undefined; sms?: undefined };

export interface ContactState {
  /** Absent: never set. */
  channels?: readonly Channel[];
}

/** @returns `+989121234567` of any form in which an Iranian mobile number is written; undefined when it is none. */
export function mobileNumber(text: string): string | undefined {
  const digits = latinDigits(text).replaceAll(/[\s()‌-]/g, '');
  const own = /^(?:\+98|0098|98|0)?(9\d{9})$/.exec(digits)?.[1];
  return own && `+98${own}`;
}

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];
const MAX_URL = 2_000;

/** Why it cannot be a webhook, as the end of a sentence. What is told is confidential, so only this machine is told in the open. */
function urlFault(text: string): string | undefined {
  if (text.length > MAX_URL || /[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) return 'must be a URL without spaces';
  const { protocol, hostname, username, password } = new URL(text);
  if (username || password) return 'must not hold a name or a password';
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname))) return undefined;
  return 'must be https://…, or http:// to this machine';
}

function channelOf(data: ChannelData, at: string, wrong: FieldError[]): Channel | undefined {
  const { email, sms, webhook, key } = data;
  const fault = (path: string, reason: string): undefined => void wrong.push({ path: `${at}${path}`, reason });
  if ([email, sms, webhook].filter((one) => one !== undefined).length !== 1) {
    return fault('', 'must have exactly one of email, sms, webhook');
  }
  if (key !== undefined && webhook === undefined) return fault('.key', 'goes with a webhook only');
  if (email) {
    if (email.length === 0) return fault('.email', 'must not be empty');
    const faults = email.map((address, index) => [index, addressFault(address)] as const).filter(([, why]) => why);
    for (const [index, why] of faults) fault(`.email[${index}]`, why!);
    return faults.length > 0 ? undefined : { email: [...email] };
  }
  if (webhook !== undefined) {
    const why = urlFault(webhook);
    return why ? fault('.webhook', why) : { webhook, key: key ?? 1 };
  }
  const number = mobileNumber(sms!);
  return number ? { sms: number } : fault('.sms', 'must be an Iranian mobile number, such as 0912 123 4567');
}

/** Who is told where is data, set by a command; the last setting counts. Secrets are made, not set: see webhook.ts. */
const contactDecider = (aggregate: string, command: string): AnyDecider<ContactState, { known: boolean }> => ({
  aggregate,
  initial: {},
  evolve(state, { type, data }: Fact): ContactState {
    if (type === 'ContactsSet') return { channels: data.channels };
    if (type !== 'WebhookDisabled') return state;
    return { channels: state.channels?.filter(({ webhook }) => webhook !== data.webhook) };
  },
  async context({ id }, _state, reads) {
    if (aggregate !== AGENCIES) return { known: true };
    return { known: (await reads.state(agencyDecider, id)).state.status === 'registered' };
  },
  commands: {
    [command]: {
      data: SetContactsData,
      roles: ['admin', 'secretary'],
      decide({ id, data }: Asked<SetContactsData>, state, { known }) {
        if (!known) throw Refused.notFound(`There is no agency "${id}"; register it first.`);
        const wrong: FieldError[] = [];
        const channels = data.channels.map((one, index) => channelOf(one, `channels[${index}]`, wrong));
        if (wrong.length > 0) {
          throw new Refused(
            'invalid',
            `${wrong.map(({ path, reason }) => `${path} ${reason}`).join('; ')}.`,
            422,
            wrong,
          );
        }
        return sameJson(state.channels, channels) ? [] : [{ type: 'ContactsSet', data: { channels } }];
      },
    },
    DisableWebhook: {
      data: DisableWebhookData,
      roles: ['engine'],
      decide({ data }: Asked<DisableWebhookData>, { channels = [] }) {
        const there = channels.some(({ webhook }) => webhook === data.webhook);
        return there ? [{ type: 'WebhookDisabled', data: { webhook: data.webhook } }] : [];
      },
    },
  },
});

const AGENCIES = 'agencyContacts';

export const officeContactsDecider = contactDecider('officeContacts', 'SetOfficeContacts');
export const agencyContactsDecider = contactDecider(AGENCIES, 'SetAgencyContacts');
