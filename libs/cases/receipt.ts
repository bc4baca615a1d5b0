import { spokenInstant, spokenNumber } from '#calendar';
import { Id, kinds, query, sql, type Instant } from '#kernel';
import type { OpenCaseData } from './case.commands.js';

class ReceiptParams {
  @Id() id!: string;
}

const CHANNELS_FA: Record<OpenCaseData['channel'], string> = {
  desk: 'میز خدمت',
  phone: 'تلفن',
  visit: 'بازدید',
  portal: 'درگاه',
  chamber: 'اتاق بازرگانی',
  agency: 'دستگاه اجرایی',
};
interface Row {
  id: string;
  tracking_code: string;
  opened_at: Instant;
  intake: OpenCaseData;
  unit_name: string | null;
}

/** What whoever brought the matter is given in the hand, whichever way it came. */
export const receiptQuery = query({
  path: 'cases/:id/receipt',
  summary: 'The receipt of a case: its tracking code, and the same as a text to print or to send.',
  params: ReceiptParams,
  projections: ['cases', 'directory'],
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`
      select r.id, r.tracking_code, r.opened_at, r.doc->'state'->'intake' as intake,
        (select u.name from ${kinds.unitNames} u where u.id = r.unit) as unit_name
      from ${kinds.cases} r where r.id = ${id}`);
    if (!row) return undefined;
    const { tracking_code: trackingCode, opened_at: openedAt, intake, unit_name: unitName } = row;
    const { channel, category, title } = intake;
    const text = [
      `رسید ثبت پرونده`,
      `کد رهگیری: ${spokenNumber(trackingCode, 'fa')}`,
      ...(unitName === null ? [] : [`واحد تولیدی: ${unitName}`]),
      `موضوع: ${title}`,
      `از راه: ${CHANNELS_FA[channel]}`,
      `زمان ثبت: ${spokenInstant(openedAt, 'Asia/Tehran', 'fa')}`,
      'با این کد می‌توانید هر زمان از وضعیت پرونده باخبر شوید.',
    ].join('\n');
    return { case: id, trackingCode, channel, category, title, unitName, openedAt, text };
  },
});
