import type { ReactNode } from 'react';
import type { ResolutionRow, Status, Why } from '#resolutions';
import type { CaseItem } from './cases.js';
import { useSpeech, type Speech } from './language.js';
import type { Owed } from './obligation.js';
import { at, Empty } from './parts.js';
import type { Referral } from './referrals.js';
import { told } from './told.js';

export type ResolutionItem = ResolutionRow & {
  id: string;
  obligations: { obligation: string; agency: string; status: Status }[];
};
export interface Visit {
  id: string;
  date: string;
  reason: string;
  findings: { at: string; text: string }[];
}
export interface Session {
  number: number;
  openedAt?: string;
  signedAt?: string;
  date?: string;
}
export type Told = Why & { story: string[] };

/** All that the chain of a case is made of. */
export interface Parts {
  of: CaseItem;
  visit?: Visit;
  session?: Session;
  resolutions: readonly ResolutionItem[];
  owed: readonly Owed[];
  accounts: readonly Told[];
  referrals: readonly Referral[];
}

interface Moment {
  at: string;
  title: ReactNode;
  body?: ReactNode;
  /** How the dot looks: what the engine did by itself, what went wrong, what was met. */
  tone?: 'engine' | 'bad' | 'good';
}

/** Everything that happened, one after another. */
export function Timeline({ of }: { of: Parts }) {
  const speech = useSpeech();
  const { moment, t } = speech;
  const moments = momentsOf(of, speech);
  if (moments.length === 0) return <Empty>{t('هنوز چیزی نیست.', 'Nothing yet.')}</Empty>;
  return (
    <ol className="timeline">
      {moments.map(({ at: when, title, body, tone }, index) => (
        <li key={index} className={tone && `is-${tone}`}>
          <time dateTime={when}>{moment(when)}</time>
          <h3>{title}</h3>
          {body && <p>{body}</p>}
        </li>
      ))}
    </ol>
  );
}

function momentsOf({ of, visit, session, resolutions, owed, accounts, referrals }: Parts, speech: Speech): Moment[] {
  const { t, n, day } = speech;
  const moments: Moment[] = [
    ...(visit?.findings ?? []).map((one) => ({ at: one.at, title: t('بازدید میدانی', 'Field visit'), body: one.text })),
    { at: of.openedAt, title: t('پرونده گشوده شد', 'The case was opened') },
    ...of.tabled.map((one) => ({
      at: one.at,
      title: t('در دستور جلسه نشست', 'Put on the agenda'),
      body: of.review && t(`نظر کارشناسی: ${of.review.technicalNote}`, `Technical note: ${of.review.technicalNote}`),
    })),
  ];
  if (session?.openedAt) {
    moments.push({
      at: session.openedAt,
      title: <a href={at('sessions', of.session!.id)}>{t(`جلسهٔ ${n(session.number)}`, `Session ${session.number}`)}</a>,
      body: session.signedAt && t(`صورتجلسه ${day(session.signedAt)} امضا شد.`, `Minutes signed ${day(session.signedAt)}.`), // prettier-ignore
    });
  }
  for (const one of resolutions) {
    moments.push({
      at: one.issuedAt,
      title: t(`مصوبهٔ ${n(one.number)}`, `Resolution ${one.number}`),
      body: `${one.text} (${one.legalBasis})`,
    });
    if (!one.communicatedAt) continue;
    moments.push({
      at: one.communicatedAt,
      title: t(`ابلاغ با نامهٔ ${n(one.letterNumber ?? '')}`, `Communicated by letter ${one.letterNumber}`),
      body: t('ساعت تکلیف‌ها آغاز شد.', 'The clocks started.'),
    });
  }
  for (const account of accounts) {
    const whose = owed.find((one) => one.resolution === account.resolution && one.obligation === account.obligation);
    for (const step of account.steps) {
      const said = told(step, speech);
      if (!said) continue;
      const [title, body] = said;
      const name = accounts.length > 1 && (whose?.agencyName ?? account.agency);
      // A rung stands where it was due, not where the engine heard of it.
      moments.push({ at: step.at, title: name ? `${title} · ${name}` : title, body, tone: TONES[step.type] });
    }
  }
  for (const one of referrals) {
    const title = one.kind === 'national' ? t('ارجاع ملی', 'National referral') : t('ارجاع به بازرسی', 'Oversight');
    moments.push({ at: one.openedAt, title: `${title}: ${one.addressee}`, body: one.basis });
    for (const { at: when, answer } of one.answers) {
      moments.push({ at: when, title: t(`پاسخ ${one.addressee}`, `Answer of ${one.addressee}`), body: answer });
    }
    if (one.closed) {
      moments.push({
        at: one.closed.at,
        title: t('ارجاع بسته شد', 'The referral was closed'),
        body: one.closed.outcome,
      });
    }
  }
  for (const { at: when, unitOpen, jobs, output, note } of of.checks) {
    moments.push({
      at: when,
      title: unitOpen ? t('سنجش نتیجه: واحد کار می‌کند', 'Checked: the unit works') : t('سنجش نتیجه: واحد کار نمی‌کند', 'Checked: the unit does not work'), // prettier-ignore
      body: [
        jobs !== undefined && t(`${n(jobs)} شاغل`, `${jobs} people`),
        output !== undefined && t(`تولید ${n(output)}٪ ظرفیت`, `output ${output}% of capacity`),
        note,
      ]
        .filter(Boolean)
        .join(' · '),
      tone: unitOpen ? 'good' : 'bad',
    });
  }
  if (of.closedAt) {
    moments.push({
      at: of.closedAt,
      title: t('پرونده بسته شد', 'The case was closed'),
      body: of.outcome,
      tone: 'good',
    });
  }
  return moments.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

const TONES: Record<string, Moment['tone']> = {
  AgencyReminded: 'engine',
  DeadlineMoved: 'engine',
  DeadlineMissed: 'bad',
  ObligationEscalated: 'bad',
  ComplianceRefuted: 'bad',
  DutyMissed: 'bad',
  ComplianceVerified: 'good',
};
