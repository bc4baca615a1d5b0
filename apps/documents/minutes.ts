import { Refused, type EventStore, type Position } from '#kernel';
import { quorumOf } from '#directory';
import type { Block, PrintedDocument } from '#documents';
import { officeName } from '#resolutions';
import type { Adopted } from '#sessions';
import { date, instant, Known, number, term } from './known.js';

/**
 * The minutes of a session (صورتجلسه), as they were known when they were signed: they never change again.
 * `agenda`: the cases that stood on it.
 * @throws Refused `not-signed` while there is nothing to print
 */
export async function minutes(
  store: Pick<EventStore, 'readStream'>,
  session: string,
  agenda: readonly string[],
  asOf?: Position,
): Promise<PrintedDocument> {
  const stream = `session-${session}`;
  const events = await new Known(store, asOf).events(stream);
  const opened = events.find(({ type }) => type === 'SessionOpened');
  const signed = events.find(({ type }) => type === 'MinutesSigned');
  if (!opened || !signed) {
    throw new Refused('not-signed', `The minutes of "${session}" are not signed yet; there is nothing to print.`);
  }
  const known = new Known(store, signed.position);
  const at = signed.metadata.occurredAt;
  const { name, group, holder } = await known.groupOf(session, at);
  const { number: ordinal, date: day, attendance } = opened.data;
  const adopted = events.filter(({ type }) => type === 'ResolutionAdopted').map(({ data }) => data as Adopted);
  const quorum = group && quorumOf(group, attendance);
  const blocks: Block[] = [
    {
      facts: [
        ['کارگروه', name],
        ['شماره جلسه', number(ordinal)],
        ['تاریخ جلسه', date(day)],
        ['آغاز جلسه', instant(opened.metadata.occurredAt)],
        ['رئیس کارگروه', holder(group?.chair ?? 'governor')],
        ['دبیر کارگروه', holder(group?.secretary ?? 'secretary')],
      ],
    },
    { heading: 'حاضران' },
    { lines: attendance.map((who: string, index: number) => `${number(index + 1)}. ${who}`) },
  ];
  if (quorum) {
    const met = quorum.met ? 'جلسه رسمیت داشت' : 'جلسه بدون حد نصاب برگزار شد';
    blocks.push({ text: `حد نصاب ${number(quorum.needed)} نفر، حاضر ${number(quorum.present)} نفر؛ ${met}.` });
  }
  blocks.push({ heading: 'دستور جلسه' });
  const rows: string[][] = [];
  for (const id of agenda) {
    const tabled = (await known.events(`case-${id}`)).some(
      ({ type, data }) => type === 'CaseTabled' && data.session === session,
    );
    if (!tabled) continue;
    const { trackingCode, unit, title } = await known.caseName(id);
    rows.push([number(rows.length + 1), trackingCode, unit, title]);
  }
  if (rows.length === 0) blocks.push({ text: 'پرونده‌ای در دستور جلسه نبود.' });
  else blocks.push({ table: { columns: ['ردیف', 'کد رهگیری', 'واحد', 'موضوع'], shares: [1, 3, 4, 7], rows } });
  blocks.push({ heading: `مصوبات (${number(adopted.length)} مصوبه)` });
  for (const one of adopted) blocks.push(...(await resolution(known, one)));
  const { actor } = signed.metadata;
  const signer = actor.onBehalfOf ?? actor;
  blocks.push(
    { heading: 'امضا' },
    {
      lines: [
        `این صورتجلسه با ${number(adopted.length)} مصوبه در ${instant(at)} امضا شد.`,
        `${holder(signer.role)} — ${officeName(signer.role, 'fa')} با شناسه کاربری ${signer.id}`,
        'مصوبات این جلسه لازم‌الاجراست و پس از امضا چیزی به آن افزوده نمی‌شود.',
      ],
    },
  );
  return {
    title: `صورتجلسه ${name}`,
    number: number(ordinal),
    standsFor: { position: signed.position, at },
    blocks,
  };
}

async function resolution(known: Known, { number: official, case: of, text, legalBasis, obligations }: Adopted) {
  const blocks: Block[] = [{ heading: `مصوبه ${number(official)}` }];
  if (of) {
    const { title, unit, trackingCode } = await known.caseName(of);
    blocks.push({ facts: [['پرونده', `${title}، ${unit} (کد رهگیری ${trackingCode})`]] });
  }
  const rows: string[][] = [];
  for (const { agency, action, acceptance, term: within } of obligations) {
    rows.push([await known.agencyName(agency!), action, acceptance!, term(within!)]);
  }
  blocks.push(
    { text },
    { facts: [['مستند قانونی', legalBasis]] },
    { table: { columns: ['دستگاه اجرایی', 'اقدام', 'معیار پذیرش', 'مهلت'], shares: [3, 5, 5, 2], rows } },
  );
  return blocks;
}
