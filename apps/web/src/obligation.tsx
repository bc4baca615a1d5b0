import { useState, type ReactNode } from 'react';
import type { ObligationRow, Why } from '#resolutions';
import { Clock, Ladder } from './clock.js';
import { Deeds } from './deeds.js';
import { useRead, type Me } from './api.js';
import { useSpeech } from './language.js';
import { at, Await, obligationName, office, Overdue, Pill } from './parts.js';
import { Referrals } from './referrals.js';

export type Owed = ObligationRow & {
  agencyName: string | null;
  category: string | null;
  /** What has to be met before its clock starts. */
  waitsOn?: { obligation: string; agencyName: string | null }[];
};

/** For what an obligation waits; what was revoked is never met, so that somebody has to decide. */
export function Waits({ of: { waitsOn = [], blockedBy = [] } }: { of: Owed }) {
  const speech = useSpeech();
  const { t } = speech;
  if (waitsOn.length === 0) return null;
  const blocked = waitsOn.filter(({ obligation }) => blockedBy.includes(obligation));
  const names = (blocked.length > 0 ? blocked : waitsOn)
    .map(({ obligation, agencyName }) => obligationName(obligation, speech) + (agencyName ? ` (${agencyName})` : ''))
    .join(t(' و ', ' and '));
  if (blocked.length > 0) {
    return (
      <strong className="overdue">
        {t(
          `بن‌بست: ${names} لغو شده است؛ دستور استاندار یا سپردن به دستگاهی دیگر باید مهلت تازه بدهد.`,
          `Blocked: ${names} was revoked; a directive or a reassignment has to give it a term.`,
        )}
      </strong>
    );
  }
  return <small>{t(`مهلت با انجام ${names} آغاز می‌شود.`, `Its clock starts when ${names} is met.`)}</small>;
}

/** One obligation: in a line who owes what since when; opened, its clock, its ladder, and what can be done. */
export function Obligation({ of, me, open = false, left }: { of: Owed; me: Me; open?: boolean; left?: ReactNode }) {
  const [shown, setShown] = useState(open);
  const { n, t, moment } = useSpeech();
  const { resolution, obligation, number, action, agencyName, agency, status, missedAt, dueAt, claimed } = of;
  return (
    <details className={`card is-${status}`} open={open} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <span className="number">{n(number)}</span>
        <span className="what">
          <b>{action}</b>
          <span>{agencyName ?? agency}</span>
          <Waits of={of} />
        </span>
        <span className="when">
          {missedAt ? <Overdue since={missedAt} /> : left}
          {!missedAt && dueAt && <small>{moment(dueAt)}</small>}
          <Pill status={status} waits={of.waitsOn !== undefined} />
          {claimed && status === 'missed' && <small>{t('اعلام انجام، در انتظار راستی‌آزمایی', 'claimed since')}</small>}
        </span>
      </summary>
      {shown && (
        <div className="inside">
          <Account resolution={resolution} obligation={obligation} />
          <Deeds of={of} me={me} />
        </div>
      )}
    </details>
  );
}

export function Account({ resolution, obligation }: { resolution: string; obligation: string }) {
  const { language } = useSpeech();
  const why = useRead<Why & { story: string[] }>(`obligations/${resolution}/${obligation}/why?language=${language}`);
  return (
    <Await of={why}>
      {(found) => (
        <>
          <div className="account">
            <Clock why={found} />
            <Ladder why={found} />
          </div>
          <Story lines={found.story} />
        </>
      )}
    </Await>
  );
}

/** In words: who decided what, and every day that was counted or skipped. */
export function Story({ lines }: { lines: readonly string[] }) {
  const { t } = useSpeech();
  return (
    <details className="story">
      <summary>{t('روز به روز', 'Day by day')}</summary>
      <ol>
        {lines.map((line, index) => (
          <li key={index} className={line.startsWith('  ') ? 'inner' : ''}>
            {line.trim()}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** The page of one obligation: an address to send to somebody. */
export function ObligationPage({ resolution, obligation, me }: { resolution: string; obligation: string; me: Me }) {
  const speech = useSpeech();
  const { t, n } = speech;
  const found = useRead<Owed>(`obligations/${resolution}/${obligation}`);
  return (
    <Await of={found}>
      {(of) => (
        <article>
          <header className="head">
            <p className="crumb">
              {of.case && <a href={at('cases', of.case)}>{t('پروندهٔ این تکلیف', 'The case of this obligation')}</a>}
              {of.case && ' · '}
              <a href={at('resolutions', of.resolution)}>{t('مصوبهٔ آن', 'Its resolution')}</a>
            </p>
            <h1>
              {n(of.number)} · {of.action}
            </h1>
            <p>
              {of.agencyName ?? of.agency} · <Pill status={of.status} waits={of.waitsOn !== undefined} />{' '}
              {of.missedAt && <Overdue since={of.missedAt} />}
              {of.escalatedTo && ` · ${t('تا', 'up to')} ${office(of.escalatedTo, speech)}`}
            </p>
            <Waits of={of} />
            <p className="about">{t(`معیار پذیرش: ${of.acceptance}`, `Counts as done: ${of.acceptance}`)}</p>
          </header>
          <section className="panel" aria-labelledby="why">
            <h2 id="why">{t('چرا این تاریخ؟', 'Why this date?')}</h2>
            <Account resolution={resolution} obligation={obligation} />
            <Deeds of={of} me={me} />
          </section>
          <Referrals resolution={resolution} obligation={obligation} me={me} />
        </article>
      )}
    </Await>
  );
}
