import { spokenInstant, spokenNumber } from '#calendar';
import { Id, kinds, query, sql, type Fragment, type Instant } from '#kernel';
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

export interface Duplicate {
  id: string;
  trackingCode: string;
  title: string;
  status: string;
  openedAt: Instant;
}

/** Of the case `r`: other open cases of the same unit in the same category, perhaps one matter that came twice. */
export const DUPLICATES: Fragment = sql`
  (select jsonb_agg(jsonb_build_object('id', d.id, 'trackingCode', d.tracking_code, 'title', d.doc->'state'->'intake'->>'title',
      'status', d.status, 'openedAt', d.opened_at) order by d.opened_at, d.id)
     from ${kinds.cases} d where d.unit = r.unit and d.category = r.category and d.id <> r.id and d.status <> 'closed'
       and r.status <> 'closed')`;

interface Row {
  id: string;
  tracking_code: string;
  opened_at: Instant;
  intake: OpenCaseData;
  unit_name: string | null;
  duplicates: Duplicate[] | null;
}

/** What whoever brought the matter is given in the hand, whichever way it came. */
export const receiptQuery = query({
  path: 'cases/:id/receipt',
  summary:
    'The receipt of a case: its tracking code, what came before in the same matter, and a text to print or send.',
  params: ReceiptParams,
  projections: ['cases', 'directory'],
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`
      select r.id, r.tracking_code, r.opened_at, r.doc->'state'->'intake' as intake,
        (select u.name from ${kinds.unitNames} u where u.id = r.unit) as unit_name,
        ${DUPLICATES} as duplicates
      from ${kinds.cases} r where r.id = ${id}`);
    if (!row) return undefined;
    const { tracking_code: trackingCode, opened_at: openedAt, intake, unit_name: unitName } = row;
    const duplicates = row.duplicates ?? [];
    const { channel, category, title } = intake;
    const text = [
      `رسید ثبت پرونده`,
      `کد رهگیری: ${spokenNumber(trackingCode, 'fa')}`,
      ...(unitName === null ? [] : [`واحد تولیدی: ${unitName}`]),
      `موضوع: ${title}`,
      `از راه: ${CHANNELS_FA[channel]}`,
      `زمان ثبت: ${spokenInstant(openedAt, 'Asia/Tehran', 'fa')}`,
      ...duplicates.map((one) => `پروندهٔ باز دیگری در همین موضوع: ${spokenNumber(one.trackingCode, 'fa')}`),
      'با این کد می‌توانید هر زمان از وضعیت پرونده باخبر شوید.',
    ].join('\n');
    return { case: id, trackingCode, channel, category, title, unitName, openedAt, duplicates, text };
  },
});
