import { createHmac } from 'node:crypto';
import { asked, NotDelivered } from './channel.js';

/** Of one receiver, in base64 after `whsec_`, as the Standard Webhooks convention writes secrets. */
export type SecretOf = (recipient: string, key: number) => Promise<string>;

export interface Call {
  url: string;
  /** `webhook-id`: the same however often it is sent. */
  id: string;
  body: string;
  /** All that sign it; more than one while a receiver changes secrets. */
  secrets: readonly string[];
}

/** The signatures of a call by standardwebhooks.com: HMAC-SHA-256 over id, seconds and body. */
export const signatures = ({ id, body, secrets }: Omit<Call, 'url'>, seconds: number): string =>
  secrets
    .map((secret) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
    })
    .join(' ');

const GONE = 410;

/** @throws NotDelivered `gone` when the receiver answers 410; `unreachable` for whatever else is not a 2xx */
export async function callWebhook(call: Call, patienceMs?: number): Promise<void> {
  const { url, id, body } = call;
  const seconds = Math.floor(Date.now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'peygir',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures(call, seconds),
  };
  const { status } = await asked(url, { method: 'POST', headers, body }, patienceMs);
  if (status >= 200 && status < 300) return;
  throw new NotDelivered(status === GONE ? 'gone' : 'unreachable', new Error(`the receiver answers ${status}`));
}
