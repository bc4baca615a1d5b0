/** The ten stages, in order: what each shows when it passes. Its exit code is 10 + its number; 10 is an unreadable folder. */
export const STAGES = [
  ['signature', 'The log signed this.', 'دفتر این را امضا کرده است.'],
  ['root', 'The entries give the signed root.', 'ریشهٔ امضاشده از همین رویدادها به دست می‌آید.'],
  ['consistency', 'It contains what was seen and signed before.', 'آنچه پیش‌تر دیده و امضا شده در آن هست.'],
  ['witnesses', 'The witnesses that the policy asks for swore to it.', 'شاهدانی که خط‌مشی می‌خواهد گواهی داده‌اند.'],
  ['numbering', 'No version and no number is missing.', 'هیچ نسخه و هیچ شماره‌ای کم نیست.'],
  [
    'evidence',
    'The evidence is what was handed in, and disclosed texts are what was sealed.',
    'مدارک همان است که تحویل شده و متن‌های نشان‌داده‌شده همان که مهروموم شده.',
  ],
  ['people', 'Who acted was allowed to, that day.', 'هر که اقدام کرده در آن روز اختیار داشته است.'],
  [
    'clocks',
    'Every deadline and verdict, counted again, is the recorded one.',
    'همهٔ مهلت‌ها و حکم‌ها، از نو شمرده، همان است که ثبت شده.',
  ],
  ['claims', 'The claimed numbers are those of the log.', 'آمار اعلام‌شده همان آمار دفتر است.'],
  ['receipts', "Others' receipts are honoured.", 'رسیدهایی که دیگران دارند با این دفتر می‌خواند.'],
] as const;

/** Everything that can be wrong: its stage (0: the folder cannot be read), and a sentence in English and Persian. */
export const CODES = {
  unreadable: [0, 'The folder cannot be read as an export.', 'این پوشه به عنوان خروجی خواندنی نیست.'],
  'other-log': [1, 'It is the checkpoint of another log.', 'این مهر از دفتر دیگری است.'],
  'other-key': [1, 'It is signed with another key, or not at all.', 'با کلید دیگری امضا شده یا اصلاً امضا نشده است.'],
  'signature-forged': [1, "The log's signature does not hold.", 'امضای دفتر معتبر نیست.'],
  'entry-changed': [2, 'An entry was changed.', 'رویدادی دست‌کاری شده است.'],
  root: [2, 'The entries do not give the signed root.', 'رویدادها ریشهٔ امضاشده را نمی‌دهند.'],
  shrunk: [3, 'Entries that you have seen are gone.', 'رویدادهایی که پیش‌تر دیده‌اید حذف شده است.'],
  'history-changed': [3, 'What you have seen was changed.', 'آنچه پیش‌تر دیده‌اید تغییر کرده است.'],
  'split-view': [
    3,
    'You were shown another log of the same size.',
    'دفتر دیگری با همین اندازه به شما نشان داده شده بود.',
  ],
  'kept-checkpoint': [
    3,
    'The log contradicts a checkpoint that it signed itself.',
    'دفتر با مهری که خود زده ناسازگار است.',
  ],
  'witness-missing': [4, 'Too few witnesses.', 'شاهدان کافی نیستند.'],
  'witness-forged': [4, "A witness's line is forged.", 'گواهی یک شاهد جعلی است.'],
  'entry-malformed': [5, 'An entry is not an event in its canonical form.', 'یک ردیف، رویدادی با نگارش معیار نیست.'],
  'stream-gap': [
    5,
    'An event is missing from its stream, or twice in it.',
    'رویدادی از رشتهٔ خود افتاده یا تکرار شده است.',
  ],
  order: [5, 'Events stand in another order than they were recorded.', 'ترتیب رویدادها با ترتیب ثبت آن‌ها نمی‌خواند.'],
  'number-gap': [5, 'A number of a session or resolution is missing.', 'شمارهٔ جلسه یا مصوبه‌ای افتاده است.'],
  'look-alike': [5, 'A name is written so that it reads as another.', 'نامی چنان نوشته شده که نام دیگری خوانده شود.'],
  'opening-false': [
    6,
    'A disclosed text is not what was sealed.',
    'متنی که نشان داده شده همان نیست که مهروموم شده بود.',
  ],
  'evidence-missing': [6, 'A piece of evidence is missing.', 'مدرکی نیست.'],
  'evidence-changed': [6, 'A piece of evidence was changed.', 'مدرکی عوض شده است.'],
  'no-such-power': [7, 'Somebody did what the role does not allow.', 'کسی کاری کرده که در اختیار سمت او نیست.'],
  'not-in-office': [
    7,
    'Somebody acted in an office that another held.',
    'کسی در سمتی اقدام کرده که در آن روز با دیگری بوده است.',
  ],
  'own-judge': [7, 'Somebody judged their own agency.', 'کسی دربارهٔ دستگاه خود داوری کرده است.'],
  'not-its-own': [7, 'An agency spoke for what another owes.', 'دستگاهی به جای دستگاه دیگر سخن گفته است.'],
  clock: [8, 'A deadline or verdict is not what the calendars give.', 'مهلت یا حکمی با تقویم‌ها نمی‌خواند.'],
  'back-dated': [8, 'Somebody gave an earlier date who may not.', 'کسی تاریخ پیش‌تری زده که اجازهٔ آن را نداشته است.'],
  claims: [9, 'The claimed numbers are not those of the log.', 'آمار اعلام‌شده با دفتر نمی‌خواند.'],
  'receipt-broken': [10, 'A receipt proves nothing.', 'رسیدی چیزی را ثابت نمی‌کند.'],
  'receipt-other-history': [10, 'A receipt tells of another log.', 'رسیدی از دفتر دیگری می‌گوید.'],
} as const satisfies Record<string, readonly [number, string, string]>;
export type Code = keyof typeof CODES;

export interface Finding {
  code: Code;
  detail: string;
}

export interface Report {
  /** The first twenty of each kind. */
  findings: Finding[];
  notes: string[];
  /** How many stages were gone through; 0 when it broke off. */
  stages: number;
  /** For the next visit. */
  checkpoint?: { note: string; size: number; root: string; entries: number };
}

/** 0 when nothing is wrong; else of the first stage at which something is. */
export function exitCode({ findings }: Report): number {
  if (findings.length === 0) return 0;
  return 10 + Math.min(...findings.map(({ code }) => CODES[code][0]));
}

/** The report as it is read: stage by stage, English and Persian. */
export function* sentences(report: Report): Generator<string> {
  for (const { code, detail } of report.findings.filter((one) => CODES[one.code][0] === 0)) {
    yield `✗  ${CODES[code][1]} ${CODES[code][2]}\n     ${detail}`;
  }
  for (const [index, [, english, persian]] of STAGES.entries()) {
    const wrong = report.findings.filter(({ code }) => CODES[code][0] === index + 1);
    if (wrong.length === 0) {
      if (report.stages > index) yield `✓ ${String(index + 1).padStart(2)} ${english}  ${persian}`;
      continue;
    }
    for (const code of new Set(wrong.map((one) => one.code))) {
      yield `✗ ${String(index + 1).padStart(2)} ${code}: ${CODES[code][1]}  ${CODES[code][2]}`;
      for (const { detail } of wrong.filter((one) => one.code === code)) yield `     ${detail}`;
    }
  }
  for (const note of report.notes) yield `   ${note}`;
}
