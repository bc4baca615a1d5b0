import { useState, type ReactNode } from 'react';
import type { ObligationRow, Why } from '#resolutions';
import { Clock, Ladder } from './clock.js';
import { Deeds } from './deeds.js';
import { useRead, type Me } from './api.js';
import { useSpeech } from './language.js';
import { at, Await, office, Overdue, Pill } from './parts.js';

export type Owed = ObligationRow & { agencyName: string | null; category: string | null };

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
        </span>
        <span className="when">
          {missedAt ? <Overdue since={missedAt} /> : left}
          {!missedAt && dueAt && <small>{moment(dueAt)}</small>}
          <Pill status={status} />
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
            </p>
            <h1>
              {n(of.number)} · {of.action}
            </h1>
            <p>
              {of.agencyName ?? of.agency} · <Pill status={of.status} />{' '}
              {of.missedAt && <Overdue since={of.missedAt} />}
              {of.escalatedTo && ` · ${t('تا', 'up to')} ${office(of.escalatedTo, speech)}`}
            </p>
            <p className="about">{t(`معیار پذیرش: ${of.acceptance}`, `Counts as done: ${of.acceptance}`)}</p>
          </header>
          <section className="panel" aria-labelledby="why">
            <h2 id="why">{t('چرا این تاریخ؟', 'Why this date?')}</h2>
            <Account resolution={resolution} obligation={obligation} />
            <Deeds of={of} me={me} />
          </section>
        </article>
      )}
    </Await>
  );
}
