import { filled, templateId, type NoticeKind, type NoticeTemplate, type Worded } from './notice-template.js';
import { smsLength, type SmsLength } from './sms-length.js';

/** One thing to tell, as the outbox holds it. */
export interface Item {
  type: string;
  /** Or the case, where it is about one. */
  resolution: string;
  obligation: string;
  /** The rung, the duty, or who is silent. */
  detail: string;
  due_at: string;
  number: string | null;
  /** By name, where it has one. */
  agency: string | null;
  action: string | null;
  /** Who answered for the office when this fell to it; absent for agencies and vacant offices. */
  holder?: string;
}

/** Of each type of item: its kind of notice, and what a digest counts it as. In the order in which they are told. */
const KINDS: Readonly<Record<string, readonly [kind: NoticeKind, count: string]>> = {
  ObligationEscalated: ['ObligationEscalated', 'escalations'],
  DutyMissed: ['DutyMissed', 'duties'],
  'ask-again': ['AskAgain', 'duties'],
  'check-outcome': ['CheckOutcome', 'duties'],
  DeadlineMissed: ['DeadlineMissed', 'missed'],
  AgencyReminded: ['AgencyReminded', 'reminders'],
};
const ORDER = Object.keys(KINDS);

const DUTIES: Readonly<Record<string, string>> = {
  communicate: 'ابلاغ مصوبه',
  verify: 'راستی‌آزمایی',
  'decide-extension': 'تصمیم دربارهٔ تمدید',
  'review-suspension': 'بازبینی توقف',
};

/** A letter stays readable: the rest is counted, and stands in the system. */
const MAX_ITEMS = 200;
/** Of a value in an SMS, so that one long action does not fill ten of them. */
const MAX_SMS_VALUE = 60;

const digits = new Intl.NumberFormat('fa-IR');
const jalali = new Intl.DateTimeFormat('fa-IR-u-ca-persian', {
  timeZone: 'Asia/Tehran',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
});

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const clipped = (text: string): string => (text.length > MAX_SMS_VALUE ? `${text.slice(0, MAX_SMS_VALUE - 1)}…` : text);

function valuesOf(item: Item, channel: Worded): Record<string, string> {
  const { resolution, obligation, detail, due_at: dueUtc, number, agency, action, holder } = item;
  const values = {
    number: number ?? resolution,
    resolution,
    obligation,
    agency: agency ?? '',
    action: action ?? '',
    detail,
    duty: DUTIES[detail] ?? detail,
    holder: holder ?? 'بی‌متصدی',
    due: jalali.format(new Date(dueUtc)),
    dueUtc,
    reference: [resolution, obligation, detail].filter(Boolean).join(' / '),
  };
  const shown = channel === 'sms' ? (text: string) => clipped(oneLine(text)) : oneLine;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shown(value)]));
}

function countsOf(items: readonly Item[]): Record<string, string> {
  const counts: Record<string, number> = { count: items.length, escalations: 0, duties: 0, missed: 0, reminders: 0 };
  for (const { type } of items) counts[KINDS[type]![1]]! += 1;
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, digits.format(count)]));
}

const sorted = (items: readonly Item[]): Item[] =>
  items.toSorted((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type) || (a.due_at < b.due_at ? -1 : 1));

const idOf = ({ type }: Item, channel: Worded): string => templateId(KINDS[type]![0], channel);

/** Ids of the templates that a notice of these items is written with. */
export function templatesFor(items: readonly Item[], channel: Worded): string[] {
  const digest = channel === 'email' || items.length > 1 ? [templateId('Digest', channel)] : [];
  if (channel === 'sms' && digest.length > 0) return digest;
  return [...digest, ...new Set(items.map((item) => idOf(item, channel)))];
}

export type Templates = ReadonlyMap<string, NoticeTemplate>;

/** The letter for these items. The subject holds numbers only, so nothing that was typed gets into a header. */
export function letterOf(items: readonly Item[], templates: Templates): { subject: string; text: string } {
  const digest = templates.get('Digest-email')!;
  const told = sorted(items)
    .slice(0, MAX_ITEMS)
    .map((item) => filled(templates.get(idOf(item, 'email'))!.text, valuesOf(item, 'email')));
  const rest = items.length - told.length;
  if (rest > 0) told.push(`… و ${digits.format(rest)} مورد دیگر / and ${rest} more`);
  const counts = countsOf(items);
  return {
    subject: filled(digest.subject!, counts),
    text: filled(digest.text, { ...counts, items: told.join('\n\n') }),
  };
}

/** The SMS for these items, and how long it is. */
export function smsOf(items: readonly Item[], templates: Templates): SmsLength & { text: string } {
  const [only, ...more] = items;
  const text =
    more.length > 0
      ? filled(templates.get('Digest-sms')!.text, countsOf(items))
      : filled(templates.get(idOf(only!, 'sms'))!.text, valuesOf(only!, 'sms'));
  return { text, ...smsLength(text) };
}

/** A template filled with what usually stands there, to show how it looks and, of an SMS, how long it becomes. */
export function sampleOf(id: string, template: NoticeTemplate): { text: string; sms?: SmsLength } {
  const type = ORDER.find((each) => id.startsWith(`${KINDS[each]![0]}-`)) ?? 'ObligationEscalated';
  const item: Item = {
    type,
    resolution: 'facilitation-9-3',
    obligation: 'o1',
    detail: type === 'DutyMissed' ? 'verify' : type === 'ask-again' ? 'وزارت نفت' : 'governor',
    due_at: '2026-09-10T11:00:00.000Z',
    number: '9/3',
    agency: 'شرکت گاز استان',
    action: 'افزایش ظرفیت انشعاب گاز واحد',
    holder: 'خانم کریمی',
  };
  const channel = id.endsWith('-sms') ? 'sms' : 'email';
  const many = Array.from({ length: 12 }, () => item);
  const text = filled(template.text, { ...valuesOf(item, channel), ...countsOf(many), items: '…' });
  return { text, ...(channel === 'sms' && { sms: smsLength(text) }) };
}
