import { factOf, Refused, streamOf, type EventStore, type Position } from '#kernel';
import type { Block, PrintedDocument } from '#documents';
import { evolve, isFinal, type State } from '#resolutions';
import { instant, Known, number, term } from './known.js';

/**
 * The letter (نامه ابلاغ) that makes a resolution binding on one agency: its own obligations and nobody else's. It stands
 * for the event that bound this agency last: the communication, or the reassignment that gave it an obligation.
 * Undefined when the resolution has nothing for it.
 * @throws Refused `not-communicated` while there is no letter
 */
export async function letter(
  store: Pick<EventStore, 'readStream'>,
  resolution: string,
  agency: string,
  asOf?: Position,
): Promise<PrintedDocument | undefined> {
  const stream = streamOf('resolution', resolution);
  const events = await new Known(store, asOf).events(stream);
  let state: State;
  let bound: { state: NonNullable<State>; position: Position; at: string } | undefined;
  let letterNumber: string | undefined;
  let communicatedAt = '';
  for (const event of events) {
    state = evolve(state, factOf(event), event);
    const { type, data, position, metadata } = event;
    if (type === 'ResolutionCommunicated') {
      letterNumber = data.letterNumber;
      communicatedAt = metadata.occurredAt;
    }
    const binds =
      type === 'ResolutionCommunicated'
        ? state?.obligations.some((o) => o.agency === agency && !isFinal(o))
        : type === 'ObligationReassigned' && data.agency === agency;
    if (state && binds) bound = { state, position, at: metadata.occurredAt };
  }
  if (!bound && !state?.obligations.some((o) => o.agency === agency)) return undefined;
  if (!bound || letterNumber === undefined) {
    throw new Refused(
      'not-communicated',
      `The resolution "${resolution}" has not been communicated; there is no letter.`,
    );
  }
  const known = new Known(store, bound.position);
  const { data: issued } = (await known.events(stream))[0]!;
  const { name, number: session, group, holder } = await known.groupOf(issued.session, bound.at);
  const official = number(issued.number);
  const rows = bound.state.obligations
    .filter((o) => o.agency === agency && !isFinal(o))
    .map(({ action, acceptance, term: within, clock }) => [action, acceptance, term(within), instant(clock!.dueAt)]);
  const to = await known.agencyName(agency);
  const blocks: Block[] = [
    {
      facts: [
        ['شماره نامه', number(letterNumber)],
        ['تاریخ ابلاغ', instant(communicatedAt)],
        ...(bound.at === communicatedAt ? [] : [['تاریخ واگذاری', instant(bound.at)] as [string, string]]),
        ['گیرنده', to],
        ['موضوع', `ابلاغ مصوبه ${official}`],
      ],
    },
    { text: `مصوبه ${official} جلسه ${session} ${name} به شرح زیر ابلاغ می‌شود و برای آن دستگاه لازم‌الاجراست:` },
    { text: issued.text },
  ];
  if (issued.case) {
    const { title, unit, trackingCode } = await known.caseName(issued.case);
    blocks.push({ facts: [['پرونده', `${title}، ${unit} (کد رهگیری ${trackingCode})`]] });
  }
  blocks.push(
    { facts: [['مستند قانونی', issued.legalBasis]] },
    { heading: 'تکالیف آن دستگاه' },
    { table: { columns: ['اقدام', 'معیار پذیرش', 'مهلت', 'سررسید'], shares: [5, 5, 2, 4], rows } },
    {
      text: 'انجام تکلیف را تا سررسید با مدارک آن در سامانه اعلام کنید. گذشتن سررسید طبق نردبان پیگیری مصوبه گزارش می‌شود.',
    },
    { heading: 'امضا' },
    { lines: [holder(group?.secretary ?? 'secretary')] },
  );
  return {
    title: `ابلاغ مصوبه ${official} به ${to}`,
    number: number(letterNumber),
    standsFor: { position: bound.position, at: bound.at },
    blocks,
  };
}
