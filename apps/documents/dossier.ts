import { Refused, streamOf, type EventStore, type Position } from '#kernel';
import { calendarDecider } from '#directory';
import type { Block, PrintedDocument } from '#documents';
import { nationalReferralDecider, oversightReferralDecider } from '#referrals';
import { officeName, statusName, story, told, type Step } from '#resolutions';
import { accountOf } from './account.js';
import { instant, Known, number, term } from './known.js';

interface Evidence {
  name: string;
  sha256: string;
  mediaType: string;
  bytes: number;
}

/**
 * The sanction dossier (پرونده تخلف) of one obligation: all that happened to it, with its evidence and its legal basis.
 * It stands for the latest event that any of its streams had at `asOf`.
 * @throws Refused `not-found` when there was no such obligation then
 */
export async function dossier(
  store: Pick<EventStore, 'readStream'>,
  resolution: string,
  obligation: string,
  asOf?: Position,
): Promise<PrintedDocument> {
  const known = new Known(store, asOf);
  const events = await known.events(streamOf('resolution', resolution));
  const issued = events[0];
  const owed = issued?.data.obligations.find(({ id }: { id: string }) => id === obligation);
  if (!owed) throw Refused.notFound(`There was no obligation "${obligation}" in "${resolution}" then.`);
  const calendarOf = (id: string) => known.state(calendarDecider, id);
  const account = await accountOf(resolution, obligation, events, calendarOf, () => known.standsFor.at);
  const { steps, agency, status, dueAt, ladder, rungs } = account;
  const of = (...types: string[]) => steps.filter(({ type }) => types.includes(type));
  const { session, case: matter, text, legalBasis, number: official } = issued!.data;
  const { name, number: ordinal } = await known.groupOf(session, issued!.metadata.occurredAt);

  const blocks: Block[] = [
    {
      facts: [
        ['مصوبه', `${number(official)} از جلسه ${ordinal} ${name}`],
        ['تکلیف', obligation],
        ['دستگاه اجرایی', await known.agencyName(agency)],
        ['اقدام', account.action],
        ['معیار پذیرش', owed.acceptance],
        ['مهلت', term(owed.term)],
        ['وضعیت', statusName(status, 'fa')],
        ...(dueAt ? [['سررسید', instant(dueAt)] as [string, string]] : []),
        ['نردبان پیگیری', `${ladder.id}، نسخه ${number(ladder.version)}`],
      ],
    },
  ];
  if (matter) {
    const { title, unit, trackingCode } = await known.caseName(matter);
    blocks.push({ facts: [['پرونده', `${title}، ${unit} (کد رهگیری ${trackingCode})`]] });
  }
  blocks.push({ heading: 'متن مصوبه' }, { text });

  section(blocks, 'شرح وقایع', ['زمان', 'رویداد', 'به دست'], [5, 8, 3], steps.map((step) => [instant(step.at), told(step, 'fa'), by(step)])); // prettier-ignore

  const escalations: string[][] = [];
  for (const { at, data } of of('ObligationEscalated')) {
    const { holder } = await known.groupOf(session, at);
    escalations.push([data['rung'], holder(data['to']), instant(at), data['legalBasis'] ?? '—']);
  }
  section(blocks, 'گزارش به مقامات', ['پله', 'مقام و متصدی آن روز', 'زمان', 'مستند'], [2, 5, 5, 4], escalations);
  section(blocks, 'توقف و ادامه مهلت', ['رویداد', 'زمان', 'مبنا', 'سند', 'به دست'], [2, 5, 4, 3, 3], of('DeadlineSuspended', 'DeadlineResumed').map((step) => [step.type === 'DeadlineSuspended' ? 'توقف' : 'ادامه', instant(step.at), step.data['ground'], step.data['document'], by(step)])); // prettier-ignore

  const claims = of('AgencyComplied', 'ComplianceVerified', 'ComplianceRefuted', 'MissRetracted');
  if (claims.length > 0) blocks.push({ heading: 'اعلام انجام و راستی‌آزمایی' });
  for (const step of claims) {
    const { note, late, evidence } = step.data as { note?: string; late?: boolean; evidence?: Evidence[] };
    const tail = [note, late ? '(پس از سررسید)' : ''].filter(Boolean).join(' ');
    blocks.push({ lines: [`${instant(step.at)}: ${told({ type: step.type, data: { ...step.data, note: '' } }, 'fa')} ${tail} — ${by(step)}`] }); // prettier-ignore
    if (!evidence?.length) continue;
    const rows = evidence.map((one) => [one.name, one.mediaType, number(one.bytes), one.sha256]);
    blocks.push({ table: { columns: ['مدرک', 'نوع', 'بایت', 'SHA-256'], shares: [4, 3, 2, 7], rows } });
  }

  section(blocks, 'دستور استاندار', ['زمان', 'متن', 'سررسید تازه'], [4, 7, 4], of('GovernorDirected').map(({ at, data }) => [instant(at), data['text'], data['dueAt'] ? instant(data['dueAt']) : '—'])); // prettier-ignore

  const referrals: string[][] = [];
  for (const { type, at, data } of of('ReferredToNational', 'ReferredToOversight')) {
    const decider = type === 'ReferredToNational' ? nationalReferralDecider : oversightReferralDecider;
    const referral = await known.state(decider, `${resolution}-${obligation}-${data['n']}`);
    const answers = referral.status === 'none' ? [] : referral.answers.map(({ answer }) => answer);
    const end = referral.status === 'closed' ? [`پایان: ${referral.outcome}`] : [];
    const answered = [...answers, ...end].join('؛ ') || 'پاسخی نیامده است';
    referrals.push([number(data['n']), data['body'], instant(at), data['basis'], answered]);
  }
  section(blocks, 'ارجاع', ['شماره', 'مرجع', 'زمان', 'مستند', 'پاسخ'], [1, 3, 4, 3, 4], referrals);

  const bases = [
    legalBasis,
    ...rungs.map((rung) => rung.legalBasis),
    ...of('ReferredToNational', 'ReferredToOversight').map(({ data }) => data['basis']),
  ];
  blocks.push(
    { heading: 'مستندات قانونی' },
    { lines: [...new Set(bases.filter((basis) => basis !== undefined))] },
    { heading: 'چرا این سررسید' },
    { lines: story(account, 'fa') },
    { heading: 'گواهی' },
    { text: `این پرونده همه رویدادهای این تکلیف را تا رویداد ${number(known.standsFor.position)} دفتر رویدادها در بر دارد و با همان رویدادها باز ساخته می‌شود.` }, // prettier-ignore
  );
  return {
    title: 'پرونده تخلف از اجرای مصوبه',
    number: `${number(official)}، ${obligation}`,
    standsFor: known.standsFor,
    blocks,
  };
}

const by = ({ by: { id, role } }: Step): string => (role === 'engine' ? officeName(role, 'fa') : `${officeName(role, 'fa')} (${id})`); // prettier-ignore

/** A table under its heading; nothing when there is nothing to tell. */
function section(blocks: Block[], heading: string, columns: string[], shares: number[], rows: string[][]): void {
  if (rows.length > 0) blocks.push({ heading }, { table: { columns, shares, rows } });
}
