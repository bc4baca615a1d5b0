import { Refused, sameJson, type AnyDecider, type Asked, type Fact, type FieldError } from '#kernel';
import { DefineNoticeTemplateData } from './notice-template.commands.js';

/**
 * What is said, by kind of notice and channel, as data: the template `ObligationEscalated-sms` says an escalation by SMS.
 * A letter is a `Digest` of whatever there is to tell; an SMS is one only when there is more than one thing. Webhooks
 * carry data, not words. Each definition is a version; a notice names the versions that it was written with.
 */
const ON_OBLIGATION = ['number', 'resolution', 'obligation', 'agency', 'action', 'due', 'dueUtc', 'reference'];
const DUTY = ['number', 'resolution', 'obligation', 'duty', 'holder', 'due', 'dueUtc', 'reference'];
const ON_WATCH = ['number', 'due', 'dueUtc', 'reference'];
const COUNTS = ['count', 'escalations', 'duties', 'missed', 'reminders'];

/** The placeholders of each kind. */
export const PLACEHOLDERS = {
  AgencyReminded: ON_OBLIGATION,
  DeadlineMissed: ON_OBLIGATION,
  ObligationEscalated: [...ON_OBLIGATION, 'holder'],
  DutyMissed: DUTY,
  AskAgain: [...ON_WATCH, 'detail'],
  CheckOutcome: ON_WATCH,
  Digest: COUNTS,
} as const satisfies Record<string, readonly string[]>;
export type NoticeKind = keyof typeof PLACEHOLDERS;
export const NOTICE_KINDS = Object.keys(PLACEHOLDERS) as NoticeKind[];
export type Worded = 'email' | 'sms';
export const templateId = (kind: NoticeKind, channel: Worded): string => `${kind}-${channel}`;

export interface NoticeTemplate {
  version: number;
  text: string;
  subject?: string;
}

/** Version 1 of each, built in. */
const BUILT_IN: Readonly<Record<string, Omit<NoticeTemplate, 'version'>>> = {
  'AgencyReminded-email': {
    text: '• یادآوری — مصوبهٔ {number} — {agency}: {action}\n  سررسید {due}\n  reminder: {reference}, due {dueUtc}',
  },
  'DeadlineMissed-email': {
    text: '• مهلت گذشت — مصوبهٔ {number} — {agency}: {action}\n  سررسید {due}\n  deadline missed: {reference}, due {dueUtc}',
  },
  'ObligationEscalated-email': {
    text: '• ارجاع به شما — مصوبهٔ {number} — {agency}: {action}\n  سررسید {due} — در تصدی {holder}\n  escalated to you: {reference}, due {dueUtc}',
  },
  'DutyMissed-email': {
    text: '• وظیفهٔ انجام‌نشده: {duty} — مصوبهٔ {number}\n  سررسید {due} — در تصدی {holder}\n  duty not done: {reference}, due {dueUtc}',
  },
  'AskAgain-email': {
    text: '• ارجاع بی‌پاسخ؛ دوباره بپرسید — مصوبهٔ {number} — {detail}\n  سررسید {due}\n  no answer yet, ask again: {reference}, due {dueUtc}',
  },
  'CheckOutcome-email': {
    text: '• نتیجه را بررسی کنید — پروندهٔ {number}\n  سررسید {due}\n  check the outcome: {reference}, due {dueUtc}',
  },
  'Digest-email': {
    subject: 'پیگیر: {count} مورد برای پیگیری (Peygir)',
    text: '{items}\n',
  },
  'AgencyReminded-sms': { text: 'پیگیر: یادآوری مصوبهٔ {number}: {action}\nسررسید {due}' },
  'DeadlineMissed-sms': { text: 'پیگیر: مهلت مصوبهٔ {number} گذشت: {action}\nسررسید {due}' },
  'ObligationEscalated-sms': { text: 'پیگیر: مصوبهٔ {number} به شما ارجاع شد: {agency}، {action}\nسررسید {due}' },
  'DutyMissed-sms': { text: 'پیگیر: انجام‌نشده: {duty}، مصوبهٔ {number}\nسررسید {due}' },
  'AskAgain-sms': { text: 'پیگیر: {detail} به مصوبهٔ {number} پاسخ نداده است؛ دوباره بپرسید' },
  'CheckOutcome-sms': { text: 'پیگیر: نتیجهٔ پروندهٔ {number} را بررسی کنید' },
  'Digest-sms': {
    text: 'پیگیر: {count} مورد برای پیگیری: {escalations} ارجاع، {duties} وظیفه، {missed} مهلت گذشته، {reminders} یادآوری',
  },
};
export const TEMPLATE_IDS = Object.keys(BUILT_IN);

/** As it stands, with the built-in version 1 behind it. */
export const templateInForce = (id: string, state: NoticeTemplate | undefined): NoticeTemplate =>
  state ?? { version: 1, ...BUILT_IN[id]! };

const PLACEHOLDER = /\{([A-Za-z]+)\}/g;

/** A text with its placeholders filled; which there are was checked when it was defined. */
export const filled = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(PLACEHOLDER, (_, name: string) => values[name] ?? '');

function faultOf(text: string, known: readonly string[]): string | undefined {
  const unknown = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name!).find((name) => !known.includes(name));
  const all = known.map((name) => `{${name}}`).join(', ');
  if (unknown) return `names {${unknown}}, which is not known here; known are ${all}`;
  if (/[{}]/.test(text.replaceAll(PLACEHOLDER, '')))
    return `has a brace that belongs to no placeholder; known are ${all}`;
  return undefined;
}

export const placeholdersOf = (id: string): readonly string[] => {
  const [kind, channel] = id.split('-') as [NoticeKind, Worded];
  return id === 'Digest-email' ? [...COUNTS, 'items'] : channel && PLACEHOLDERS[kind];
};

export const noticeTemplateDecider: AnyDecider<NoticeTemplate | undefined, undefined> = {
  aggregate: 'noticeTemplate',
  initial: undefined,
  evolve: (_, { data }: Fact) => data as NoticeTemplate,
  commands: {
    DefineNoticeTemplate: {
      data: DefineNoticeTemplateData,
      roles: ['admin', 'secretary'],
      decide({ id, data }: Asked<DefineNoticeTemplateData>, state) {
        if (!TEMPLATE_IDS.includes(id)) {
          throw Refused.notFound(`There is no notice template "${id}"; there are ${TEMPLATE_IDS.join(', ')}.`);
        }
        const wrong: FieldError[] = [];
        const check = (path: 'text' | 'subject', fault: string | undefined) => {
          if (fault) wrong.push({ path, reason: fault });
        };
        check('text', faultOf(data.text, placeholdersOf(id)));
        if (id !== 'Digest-email') check('subject', data.subject && 'belongs to Digest-email only');
        else if (!data.subject) check('subject', 'is missing');
        // What others typed never gets into a header: counts only.
        else check('subject', /[\r\n]/.test(data.subject) ? 'must be one line' : faultOf(data.subject, COUNTS));
        if (id === 'Digest-email' && !data.text.includes('{items}')) check('text', 'must have {items} somewhere');
        if (wrong.length > 0) {
          throw new Refused(
            'invalid',
            `${wrong.map(({ path, reason }) => `${path} ${reason}`).join('; ')}.`,
            422,
            wrong,
          );
        }
        const { version, ...before } = templateInForce(id, state);
        return sameJson(before, data)
          ? []
          : [{ type: 'NoticeTemplateDefined', data: { ...data, version: version + 1 } }];
      },
    },
  },
};
