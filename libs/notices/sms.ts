import { asked, NotDelivered } from './channel.js';

export interface Sms {
  /** The same however often it is sent: a gateway that is told it can send it once. */
  id: string;
  /** `+989121234567` */
  to: string;
  text: string;
}

export type Delivery = 'delivered' | 'failed' | 'pending';

/** A gateway that is spoken to by HTTP. */
export interface SmsGateway {
  /** @returns by which the gateway knows it. @throws NotDelivered */
  send(sms: Sms): Promise<string>;
  /** What became of it; absent where the gateway has no reports. @throws NotDelivered */
  report?(messageId: string): Promise<Delivery>;
}

/** A request as data, with placeholders in every text. */
interface Template {
  url: string;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  /** One of them at most: the body as JSON, or as a form. */
  json?: unknown;
  form?: Record<string, string>;
}

/** A value in an answer: the path of its member, and what it must be. */
interface Expected {
  path: string;
  values: unknown[];
}

export interface GatewayConfig extends Template {
  /** Gateways that answer 200 whatever happens: what means that it was taken. */
  accepted?: Expected;
  /** Where the answer has the gateway's own id, such as `entries.0.messageid`; without it our own is used. */
  messageId?: string;
  report?: Template & { status: string; delivered: unknown[]; failed: unknown[] };
}

const TO_SEND = ['to', 'international', 'text', 'id', 'secret'];
const TO_REPORT = ['messageId', 'secret'];
const MEMBERS = ['url', 'method', 'headers', 'json', 'form'];

type Values = Readonly<Record<string, string>>;
const PLACEHOLDER = /\{([A-Za-z]+)\}/g;
const fill = (text: string, values: Values, as: (value: string) => string = (value) => value): string =>
  text.replaceAll(PLACEHOLDER, (_, name: string) => as(values[name]!));

function fillAll(value: unknown, values: Values): unknown {
  if (typeof value === 'string') return fill(value, values);
  if (Array.isArray(value)) return value.map((one) => fillAll(one, values));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fillAll(one, values)]));
}

function requestOf({ url, method, headers, json, form }: Template, values: Values): [string, RequestInit] {
  const body =
    json !== undefined
      ? JSON.stringify(fillAll(json, values))
      : form && new URLSearchParams(fillAll(form, values) as Record<string, string>).toString();
  const type = json !== undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  return [
    fill(url, values, encodeURIComponent),
    {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body !== undefined && { 'content-type': type }), ...(fillAll(headers ?? {}, values) as object) },
      ...(body !== undefined && { body }),
    },
  ];
}

/** `entries.0.status` of an answer in JSON; undefined when it has none. */
function valueAt(text: string, path: string): unknown {
  try {
    return path.split('.').reduce<any>((value, key) => value?.[key], JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Who asked wrongly is told so again: not what a gateway says while it is busy, misconfigured or not paid. */
const FOR_EVER = [400, 413, 422];

/** @param secret fills `{secret}`, so that the file that describes the gateway need hold none */
export function smsGateway(config: GatewayConfig, secret = '', patienceMs?: number): SmsGateway {
  const { accepted, messageId, report } = config;
  const ask = async (template: Template, values: Values): Promise<string> => {
    const { status, text } = await asked(...requestOf(template, { ...values, secret }), patienceMs);
    if (status >= 200 && status < 300) return text;
    throw new NotDelivered(
      FOR_EVER.includes(status) ? 'rejected' : 'unreachable',
      new Error(`the gateway answers ${status}`),
    );
  };
  return {
    async send({ id, to, text }) {
      const answer = await ask(config, { id, international: to, to: to.replace('+98', '0'), text });
      if (accepted && !accepted.values.includes(valueAt(answer, accepted.path))) {
        const found = JSON.stringify(valueAt(answer, accepted.path));
        throw new NotDelivered('unreachable', new Error(`the gateway says ${accepted.path} = ${found}`));
      }
      const theirs = messageId === undefined ? undefined : valueAt(answer, messageId);
      return typeof theirs === 'string' || typeof theirs === 'number' ? String(theirs).slice(0, 200) : id;
    },
    ...(report && {
      async report(known: string) {
        const status = valueAt(await ask(report, { messageId: known }), report.status);
        if (report.delivered.includes(status)) return 'delivered';
        return report.failed.includes(status) ? 'failed' : 'pending';
      },
    }),
  };
}

/**
 * The description of a gateway, as data.
 * @param name names the source in errors, such as the file's path.
 * @throws Error that lists everything that is wrong, each with its place.
 */
export function gatewayFrom(value: unknown, name: string): GatewayConfig {
  const wrong: string[] = [];
  const isObject = (of: unknown): of is Record<string, unknown> =>
    of !== null && typeof of === 'object' && !Array.isArray(of);
  const texts = (of: unknown, at: string, known: readonly string[]): void => {
    if (typeof of === 'string') {
      const unknown = [...of.matchAll(PLACEHOLDER)].map(([, each]) => each!).find((each) => !known.includes(each));
      if (unknown)
        wrong.push(`${at}: {${unknown}} is not known here; known are ${known.map((k) => `{${k}}`).join(', ')}`);
    } else if (isObject(of) || Array.isArray(of)) {
      for (const [key, one] of Object.entries(of)) texts(one, `${at}.${key}`, known);
    }
  };
  const request = (of: unknown, at: string, known: readonly string[], more: readonly string[]): void => {
    if (!isObject(of)) return void wrong.push(`${at || 'gateway'}: must be an object`);
    const place = (key: string) => (at ? `${at}.${key}` : key);
    for (const [key, one] of Object.entries(of)) {
      if (MEMBERS.includes(key)) texts(one, place(key), known);
      else if (!more.includes(key))
        wrong.push(`${place(key)}: is not known here; known are ${[...MEMBERS, ...more].join(', ')}`);
    }
    const { url, method = 'GET', headers = {}, json, form } = of;
    if (typeof url !== 'string' || !/^https?:\/\/[^\s{}]+[^\s]*$/.test(url)) {
      wrong.push(`${place('url')}: must be a URL that begins with https:// or http://`);
    }
    if (method !== 'GET' && method !== 'POST') wrong.push(`${place('method')}: must be GET or POST`);
    if (json !== undefined && form !== undefined) wrong.push(`${place('form')}: cannot stand beside json`);
    for (const [key, group] of Object.entries({ headers, ...(form !== undefined && { form }) })) {
      if (!isObject(group) || Object.values(group).some((one) => typeof one !== 'string' || /[\r\n]/.test(one))) {
        wrong.push(`${place(key)}: must be an object of texts without line breaks`);
      }
    }
  };
  const path = (of: unknown, at: string) => {
    if (typeof of !== 'string' || !/^[\w-]+(\.[\w-]+)*$/.test(of))
      wrong.push(`${at}: must be a path such as entries.0.status`);
  };
  const values = (of: unknown, at: string) => {
    if (!Array.isArray(of) || of.length === 0) wrong.push(`${at}: must be a list of values`);
  };
  request(value, '', TO_SEND, ['accepted', 'messageId', 'report']);
  if (isObject(value)) {
    const { accepted, messageId, report } = value;
    if (accepted !== undefined) {
      const { path: at, values: them } = isObject(accepted) ? accepted : {};
      path(at, 'accepted.path');
      values(them, 'accepted.values');
    }
    if (messageId !== undefined) path(messageId, 'messageId');
    if (report !== undefined) {
      request(report, 'report', TO_REPORT, ['status', 'delivered', 'failed']);
      const { status, delivered, failed } = isObject(report) ? report : {};
      path(status, 'report.status');
      values(delivered, 'report.delivered');
      values(failed, 'report.failed');
    }
  }
  if (wrong.length > 0) throw new Error(`${name}: ${wrong.join('; ')}`);
  return value as GatewayConfig;
}
