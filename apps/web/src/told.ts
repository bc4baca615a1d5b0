import type { Step } from '#resolutions';
import type { Speech } from './language.js';
import { obligationName, office } from './parts.js';

/** A step of an obligation as a heading and what was said with it; undefined for what the chain tells elsewhere. */
export function told({ type, data, by }: Step, speech: Speech): [string, string?] | undefined {
  const { t, n, moment } = speech;
  const who = office(by.role, speech);
  const due = data['dueAt'] && t(`مهلت: ${moment(data['dueAt'])}`, `Due ${moment(data['dueAt'])}`);
  const reason: string | undefined = data['reason'] ?? data['ground'] ?? data['note'];
  const lines = (...parts: (string | undefined | false)[]) => parts.filter(Boolean).join(' · ') || undefined;
  switch (type) {
    case 'ResolutionIssued':
    case 'ResolutionCommunicated':
      return undefined;
    case 'ObligationAcknowledged':
      return [t('دستگاه دریافت را اعلام کرد', 'The agency acknowledged it')];
    case 'ProgressReported':
      return [t(`پیشرفت ${n(data['percent'] ?? '')}٪`, `Progress ${data['percent'] ?? ''}%`), reason];
    case 'AgencyComplied':
      return [
        data['late'] ? t('دستگاه با تأخیر انجام را اعلام کرد', 'Compliance reported, late') : t('دستگاه انجام را اعلام کرد', 'Compliance reported'), // prettier-ignore
        lines(reason, t(`${n(data['evidence']?.length ?? 0)} مدرک`, `${data['evidence']?.length ?? 0} pieces of evidence`)), // prettier-ignore
      ];
    case 'ComplianceVerified':
      return [data['late'] ? t('انجام با تأخیر تأیید شد', 'Verified, late') : t('انجام تأیید شد', 'Verified'), lines(who, reason)]; // prettier-ignore
    case 'ComplianceRefuted':
      return [t('اعلام انجام رد شد', 'The claim was refuted'), lines(who, reason)];
    case 'ExtensionRequested':
      return [t('دستگاه تمدید خواست', 'An extension was asked for'), reason];
    case 'ExtensionGranted':
      return [t('مهلت تمدید شد', 'The term was extended'), lines(who, reason, due)];
    case 'ExtensionRefused':
      return [t('تمدید رد شد', 'The extension was refused'), lines(who, reason)];
    case 'DeadlineSuspended':
      return [t('مهلت متوقف شد', 'The clock was suspended'), lines(who, reason, data['document'])];
    case 'DeadlineResumed':
      return [t('مهلت ادامه یافت', 'The clock goes on'), lines(who, reason, due)];
    case 'DeadlineStarted': {
      const names = (data['after'] as string[]).map((id) => obligationName(id, speech)).join(t(' و ', ' and '));
      return [t('مهلت آغاز شد', 'The clock started'), lines(t(`پس از انجام ${names}`, `${names} is met`), due)];
    }
    case 'DeadlineMoved':
      return [
        t('تقویم مهلت را جابه‌جا کرد', 'The calendar moved the deadline'),
        t(
          `از ${moment(data['from'])} به ${moment(data['to'])}`,
          `from ${moment(data['from'])} to ${moment(data['to'])}`,
        ),
      ];
    case 'AgencyReminded':
      return [t('به دستگاه یادآوری شد', 'The agency was reminded'), due];
    case 'DeadlineMissed':
      return [t('مهلت گذشت', 'The deadline was missed')];
    case 'MissRetracted':
      return [t('حکم گذشتن مهلت پس گرفته شد', 'The miss was taken back'), reason];
    case 'ObligationEscalated':
      return [t(`به ${office(data['to'], speech)} رسید`, `Escalated to ${office(data['to'], speech)}`), data['legalBasis']]; // prettier-ignore
    case 'DutyMissed':
      return [
        t(`پاسخ ${office(data['owner'], speech)} نیامد`, `No answer from: ${office(data['owner'], speech)}`),
        t(`به ${office(data['to'], speech)} گفته شد`, `told to ${office(data['to'], speech)}`),
      ];
    case 'GovernorDirected':
      return [t('دستور استاندار', "The governor's directive"), lines(data['text'], due)];
    case 'ReferredToNational':
    case 'ReferredToOversight':
      return [t(`به ${data['body']} ارجاع شد`, `Referred to ${data['body']}`), data['basis']];
    case 'ObligationReassigned':
      return [t('به دستگاه دیگری سپرده شد', 'Given to another agency'), lines(data['agency'], due)];
    case 'ObligationDisputed':
      return [t('دستگاه آن را از خود ندانست', 'The agency disputes it'), reason];
    case 'ObligationRevoked':
    case 'ResolutionRevoked':
      return [t('لغو شد', 'Revoked'), lines(who, reason)];
    case 'ResolutionFulfilled':
      return [t('همهٔ تکلیف‌های مصوبه انجام شد', 'Everything that was resolved is done')];
    default:
      return [type, reason];
  }
}
