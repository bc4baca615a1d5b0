import { spokenDate, spokenInstant, spokenNumber, type CountedDay, type Language } from '#calendar';
import type { Status } from './state.js';
import type { Chapter, RungStory, Step, Why } from './why.js';

type Said = Record<Language, string>;

const OFFICES: Record<string, Said> = {
  agency: { fa: 'دستگاه', en: 'the agency' },
  deputy: { fa: 'معاون استاندار', en: 'the deputy governor' },
  governor: { fa: 'استاندار', en: 'the governor' },
  inspection: { fa: 'بازرسی', en: 'the inspection' },
  secretary: { fa: 'دبیر کارگروه', en: 'the secretary' },
  expert: { fa: 'کارشناس', en: 'an expert' },
  oversight: { fa: 'دستگاه نظارتی', en: 'an oversight body' },
  registrar: { fa: 'دبیرخانه', en: 'the registry' },
  unit: { fa: 'واحد تولیدی', en: 'the production unit' },
  admin: { fa: 'مدیر سامانه', en: 'the administrator' },
  engine: { fa: 'سامانه', en: 'the engine' },
};

const STATUSES: Record<string, Said> = {
  issued: { fa: 'صادر شده و ابلاغ نشده', en: 'issued, not communicated' },
  running: { fa: 'در مهلت', en: 'running' },
  suspended: { fa: 'متوقف', en: 'suspended' },
  claimed: { fa: 'در انتظار راستی‌آزمایی', en: 'claimed, waiting for verification' },
  missed: { fa: 'مهلت گذشته', en: 'missed' },
  met: { fa: 'انجام شده', en: 'met' },
  'met-late': { fa: 'انجام شده با تأخیر', en: 'met late' },
  revoked: { fa: 'لغو شده', en: 'revoked' },
};

/** How each event is told; `{…}` are members of its data. Of the rest only the name is said. */
const TOLD: Record<string, Said> = {
  ResolutionIssued: { fa: 'مصوبه صادر شد', en: 'the resolution was issued' },
  ResolutionCommunicated: { fa: 'مصوبه با نامهٔ {letterNumber} ابلاغ شد', en: 'communicated by letter {letterNumber}' },
  ObligationAcknowledged: { fa: 'دستگاه دریافت را اعلام کرد', en: 'the agency acknowledged it' },
  ProgressReported: { fa: 'دستگاه پیشرفت را گزارش کرد {note}', en: 'the agency reported progress {note}' },
  ObligationDisputed: { fa: 'دستگاه اعتراض کرد: {reason}', en: 'the agency disputed it: {reason}' },
  ObligationReassigned: { fa: 'تکلیف به {agency} سپرده شد', en: 'it was reassigned to {agency}' },
  AgencyComplied: { fa: 'دستگاه اعلام انجام کرد', en: 'the agency claimed compliance' },
  ComplianceVerified: { fa: 'انجام آن تأیید شد', en: 'compliance was verified' },
  ComplianceRefuted: { fa: 'ادعای انجام رد شد: {note}', en: 'the claim was refuted: {note}' },
  ExtensionRequested: { fa: 'دستگاه تمدید خواست: {reason}', en: 'the agency asked for an extension: {reason}' },
  ExtensionGranted: { fa: 'مهلت تمدید شد: {reason}', en: 'an extension was granted: {reason}' },
  ExtensionRefused: { fa: 'تمدید پذیرفته نشد: {reason}', en: 'an extension was refused: {reason}' },
  DeadlineSuspended: { fa: 'مهلت متوقف شد به استناد {ground} (سند {document})', en: 'suspended on the ground: {ground} (document {document})' }, // prettier-ignore
  DeadlineResumed: { fa: 'مهلت ادامه یافت به استناد {ground} (سند {document})', en: 'resumed on the ground: {ground} (document {document})' }, // prettier-ignore
  DeadlineStarted: { fa: 'با انجام {after} مهلت آغاز شد', en: 'the clock started, because {after} is met' },
  GovernorDirected: { fa: 'دستور استاندار: {text}', en: 'the governor directed: {text}' },
  DeadlineMissed: { fa: 'مهلت گذشت و انجام نشده بود', en: 'the deadline was missed' },
  MissRetracted: { fa: 'ثبت گذشتن مهلت پس گرفته شد', en: 'the recorded miss was taken back' },
  ObligationRevoked: { fa: 'تکلیف لغو شد: {reason}', en: 'the obligation was revoked: {reason}' },
  ResolutionRevoked: { fa: 'مصوبه لغو شد: {reason}', en: 'the resolution was revoked: {reason}' },
  AgencyReminded: { fa: 'به دستگاه یادآوری شد', en: 'the agency was reminded' },
  ObligationEscalated: { fa: 'به مقام بالاتر گزارش شد', en: 'it was escalated' },
  ResolutionFulfilled: { fa: 'مصوبه به سرانجام رسید', en: 'the resolution was fulfilled' },
  ReferredToOversight: { fa: 'به {body} ارجاع شد', en: 'it was referred to {body}' },
  ReferredToNational: { fa: 'به {body} (ملی) ارجاع شد', en: 'it was referred to {body} (national)' },
  DutyMissed: { fa: 'وظیفهٔ رسیدگی «{duty}» انجام نشد', en: 'the duty “{duty}” was not done in time' },
};

const CHANGES: Record<string, Said> = {
  ClosureDeclared: { fa: 'تعطیلی', en: 'a closure' },
  ClosureCancelled: { fa: 'لغو تعطیلی', en: 'a cancelled closure' },
  HoursDeclared: { fa: 'تغییر ساعت کار', en: 'changed hours' },
  CalendarDefined: { fa: 'نسخهٔ تازهٔ تقویم', en: 'a new version of the calendar' },
};

/** A role or a recipient as people call it; an office that is none of them by its own name. */
export const officeName = (role: string, language: Language): string => OFFICES[role]?.[language] ?? role;
export const statusName = (status: Status, language: Language): string => STATUSES[status]![language];

/** What happened, in words: «مهلت تمدید شد: …». */
export const told = ({ type, data }: Pick<Step, 'type' | 'data'>, language: Language): string =>
  (TOLD[type]?.[language] ?? type).replace(/\{(\w+)\}/g, (_, key: string) => String(data[key] ?? '')).trim();

/** The account of a clock in sentences, one a line: Persian with Jalali dates and Persian digits, or English. */
export function story(account: Why, language: Language): string[] {
  const fa = language === 'fa';
  const date = (day: string) => spokenDate(day, language);
  const instant = (at: string) => spokenInstant(at, account.zone, language);
  const n = (value: number | string) => spokenNumber(value, language);

  const step = (happened: Step): string =>
    `${instant(happened.at)}: ${told(happened, language)} — ${officeName(happened.by.role, language)}`;

  const day = ({ date: on, counts, off }: CountedDay): string => {
    if (counts !== undefined)
      return fa ? `  ${date(on)}: روز کاری ${n(counts)}` : `  ${date(on)}: working day ${n(counts)}`;
    if (off.kind === 'weekend') return fa ? `  ${date(on)}: تعطیل هفتگی` : `  ${date(on)}: weekend`;
    if (off.kind === 'holiday')
      return fa ? `  ${date(on)}: تعطیل رسمی، ${off.name}` : `  ${date(on)}: holiday, ${off.name}`;
    const { reason, decree } = off;
    return fa
      ? `  ${date(on)}: تعطیلی به سبب ${reason} (${decree})`
      : `  ${date(on)}: closed, ${reason} (decree ${decree})`;
  };

  const chapter = (c: Chapter): string[] => {
    const lines = [fa ? `دورهٔ ${n(c.epoch)}: ${step(c.startedBy)}` : `Epoch ${n(c.epoch)}: ${step(c.startedBy)}`];
    if (c.anchor) {
      const { calendar, revision } = c.basis!;
      lines.push(
        fa
          ? `شمارش ${n(c.anchor.days)} روز کاری پس از ${date(c.anchor.date)} با تقویم ${calendar} (ویرایش ${n(revision)}):`
          : `${n(c.anchor.days)} working days are counted after ${date(c.anchor.date)} on calendar ${calendar} (revision ${n(revision)}):`,
      );
    }
    lines.push(...(c.days ?? []).map(day));
    for (const { at, data } of c.moves) {
      const cause = CHANGES[data['cause'].type]?.[language] ?? data['cause'].type;
      const { stream, revision } = data['cause'];
      lines.push(
        fa
          ? `${instant(at)}: ${cause} (${stream}، ویرایش ${n(revision)}) مهلت را از ${instant(data['from'])} به ${instant(data['to'])} برد`
          : `${instant(at)}: ${cause} (${stream}, revision ${n(revision)}) moved the deadline from ${instant(data['from'])} to ${instant(data['to'])}`,
      );
    }
    if (c.countWouldGive) {
      lines.push(
        fa
          ? `شمارش تازه ${instant(c.countWouldGive)} می‌شد؛ هیچ شمارش تازه‌ای مهلت را جلو نمی‌اندازد.`
          : `Counting afresh would give ${instant(c.countWouldGive)}; no recount ever gives an earlier instant.`,
      );
    }
    lines.push(fa ? `پایان مهلت: ${instant(c.dueAt)}` : `Due: ${instant(c.dueAt)}`);
    if (c.suspended?.remaining) {
      const { remaining } = c.suspended;
      const left = 'workingDays' in remaining ? remaining.workingDays : Math.round(remaining.milliseconds / 60_000);
      const unit = 'workingDays' in remaining ? { fa: 'روز کاری', en: 'working days' } : { fa: 'دقیقه', en: 'minutes' };
      lines.push(
        fa ? `هنگام توقف ${n(left)} ${unit.fa} مانده بود` : `When it was suspended, ${n(left)} ${unit.en} were left`,
      );
    }
    return lines;
  };

  const rung = ({ rung: id, action, to, legalBasis, plannedAt, at }: RungStory): string => {
    const what = {
      remind: { fa: 'یادآوری به', en: 'reminder to' },
      escalate: { fa: 'گزارش به', en: 'escalation to' },
      miss: { fa: 'گذشتن مهلت', en: 'the miss' },
    }[action][language];
    const whom = action === 'miss' ? '' : ` ${officeName(to ?? 'agency', language)}`;
    const basis = legalBasis ? (fa ? `، به استناد ${legalBasis}` : `, on the basis of ${legalBasis}`) : '';
    if (at === undefined) return fa ? `  ${id}: ${what}${whom} در ${instant(plannedAt)} خواهد بود${basis}` : `  ${id}: ${what}${whom} comes at ${instant(plannedAt)}${basis}`; // prettier-ignore
    const real = at === plannedAt ? '' : fa ? ` (برنامه: ${instant(plannedAt)})` : ` (planned: ${instant(plannedAt)})`;
    return `  ${id}: ${what}${whom}, ${instant(at)}${real}${basis}`.replace(', ', fa ? '، ' : ', ');
  };

  const waits = ({ dependsOn = [], waitsFor = [], blockedBy = [] }: Why): string[] => {
    if (dependsOn.length === 0) return [];
    const names = (ids: readonly string[]) => ids.join(fa ? '، ' : ', ');
    if (blockedBy.length > 0) {
      return [
        fa
          ? `مهلت آغاز نمی‌شود: در انتظار ${names(blockedBy)} است که لغو شده؛ دستور یا واگذاری با مهلت تازه لازم است.`
          : `Its clock cannot start: it waits for ${names(blockedBy)}, which was revoked; a directive or a reassignment has to give it a term.`,
      ];
    }
    if (waitsFor.length > 0) {
      return [
        fa
          ? `مهلت هنوز آغاز نشده است: پس از انجام ${names(waitsFor)} آغاز می‌شود.`
          : `Its clock has not started: it starts when ${names(waitsFor)} is met.`,
      ];
    }
    return [fa ? `وابسته به انجام ${names(dependsOn)}.` : `It depended on ${names(dependsOn)}.`];
  };

  const { number, obligation, agency, action, status, ladder, legalBasis } = account;
  const settled = account.chapters.map(({ startedBy }) => startedBy);
  const chaptered = new Set([...settled, ...account.chapters.flatMap(({ moves }) => moves)]);
  const others = account.steps.filter((s) => !chaptered.has(s) && s.data['rung'] === undefined);
  return [
    fa
      ? `مصوبهٔ ${n(number)}، تکلیف ${obligation} بر عهدهٔ ${agency}: ${action}`
      : `Resolution ${number}, obligation ${obligation}, owed by ${agency}: ${action}`,
    fa
      ? `وضعیت: ${statusName(status, 'fa')}. مبنا: ${legalBasis}`
      : `Status: ${statusName(status, 'en')}. Legal basis: ${legalBasis}`,
    ...waits(account),
    ...account.chapters.flatMap(chapter),
    ...(others.length > 0 ? [fa ? 'آنچه گذشت:' : 'What happened:', ...others.map((s) => `  ${step(s)}`)] : []),
    fa ? `نردبان ${ladder.id} (نسخهٔ ${n(ladder.version)}):` : `Ladder ${ladder.id} (version ${n(ladder.version)}):`,
    ...account.rungs.map(rung),
  ];
}
