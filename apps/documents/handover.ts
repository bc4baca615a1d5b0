import { factOf, splitStream, streamOf, type EventStore, type Position } from '#kernel';
import type { Block, PrintedDocument } from '#documents';
import type { DrawHandoverData, SignHandoverData } from '#handovers';
import { evolve, officeName, statusName, type State } from '#resolutions';
import { date, instant, Known, number } from './known.js';

const PARTY: Record<SignHandoverData['party'], string> = { outgoing: 'تحویل‌دهنده', incoming: 'تحویل‌گیرنده' };
const DUTY: Record<string, string> = {
  communicate: 'ابلاغ مصوبه',
  verify: 'راستی‌آزمایی',
  'decide-extension': 'تصمیم درباره تمدید',
  'review-suspension': 'بازبینی توقف',
  'ask-again': 'پیگیری پاسخ',
  'check-outcome': 'بررسی نتیجه',
};

/**
 * The hand-over list (صورت تحویل) of an office, told as things stood when it was drawn. Undefined when there is none of
 * this office.
 */
export async function handover(
  store: Pick<EventStore, 'readStream'>,
  office: string,
  id: string,
  position?: Position,
): Promise<PrintedDocument | undefined> {
  const signedUntil = new Known(store, position);
  const [drawn, ...later] = await signedUntil.events(streamOf('handover', id));
  const list = drawn?.data as (DrawHandoverData & { sha256: string }) | undefined;
  if (!drawn || list?.office !== office) return undefined;
  const known = new Known(store, list.asOf);
  const { name } = await known.groupOf(`${list.workingGroup}-1`, drawn.metadata.occurredAt);
  const blocks: Block[] = [
    {
      facts: [
        ['مقام', officeName(office, 'fa')],
        ['کارگروه', name],
        [PARTY.outgoing, list.outgoing],
        [PARTY.incoming, list.incoming],
        ['از تاریخ', date(list.from)],
        ['زمان تهیه', instant(drawn.metadata.occurredAt)],
        ['بر پایه', `رویدادها تا شماره ${number(list.asOf)}`],
      ],
    },
  ];
  const section = (heading: string, columns: string[], shares: number[], rows: string[][]) => {
    if (rows.length === 0) return;
    const numbered = rows.map((row, index) => [number(index + 1), ...row]);
    blocks.push({ heading: `${heading} (${number(rows.length)})` }, { table: { columns: ['ردیف', ...columns], shares: [1, ...shares], rows: numbered } }); // prettier-ignore
  };

  const escalations: string[][] = [];
  for (const each of list.escalations) escalations.push(await obligation(known, each));
  const duties: string[][] = [];
  for (const each of list.duties) {
    const [duty, about = ''] = each.split(' ');
    const [official = about, , action = ''] = about.includes('/') ? await obligation(known, about) : [];
    duties.push([DUTY[duty!] ?? duty!, official, action]);
  }
  const referrals: string[][] = [];
  for (const stream of list.referrals) {
    const opened = (await known.events(stream))[0];
    const at = opened ? instant(opened.metadata.occurredAt) : '—';
    referrals.push([opened?.data.addressee ?? splitStream(stream)[1], opened?.data.resolution ?? '—', at]);
  }
  section(
    'جلسه‌های در انتظار امضا',
    ['جلسه'],
    [8],
    list.sessions.map((session) => [session]),
  );
  section('تکالیف گزارش‌شده به این مقام', ['مصوبه', 'دستگاه', 'اقدام', 'وضعیت'], [3, 3, 6, 2], escalations);
  section('وظایف رسیدگی', ['وظیفه', 'درباره', 'اقدام'], [3, 4, 6], duties);
  section('ارجاع‌های باز', ['مرجع', 'مصوبه', 'زمان ارجاع'], [4, 4, 4], referrals);
  if (blocks.length === 1) blocks.push({ text: 'در آن زمان چیزی در دست این مقام باز نبود.' });
  if (list.omitted > 0)
    blocks.push({ text: `${number(list.omitted)} مورد دیگر نیز باز بود که در این فهرست نیامده است.` });

  const signatures = later
    .filter(({ type }) => type === 'HandoverSigned')
    .map(({ data, metadata }) => {
      const { party, inPlace } = data as SignHandoverData & { inPlace: boolean };
      const { id: signer, role } = metadata.actor;
      const stead = inPlace ? `، به جای ایشان ${officeName(role, 'fa')}` : '';
      return `${PARTY[party]}: ${list[party]} — ${instant(metadata.occurredAt)} (شناسه کاربری ${signer}${stead})`;
    });
  blocks.push(
    { heading: 'اثر انگشت فهرست' },
    { facts: [['SHA-256', list.sha256]] },
    { heading: 'امضا' },
    { lines: signatures.length > 0 ? signatures : ['هنوز کسی امضا نکرده است.'] },
  );
  return { title: `صورت تحویل ${officeName(office, 'fa')}`, number: id, standsFor: signedUntil.standsFor, blocks };
}

/** `facilitation-9-3/o1` → its official number, agency, action and status, as they were known. */
async function obligation(known: Known, about: string): Promise<string[]> {
  const [resolution = '', which] = about.split('/');
  const events = await known.events(streamOf('resolution', resolution));
  const state = events.reduce<State>((s, event) => evolve(s, factOf(event), event), undefined);
  const o = state?.obligations.find(({ id }) => id === which);
  if (!state || !o) return [about, '—', '—', '—'];
  return [`${number(state.number)}، ${o.id}`, await known.agencyName(o.agency), o.action, statusName(o.status, 'fa')];
}
