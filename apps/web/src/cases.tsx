import { useState } from 'react';
import type { Category } from '#directory';
import type { Status } from '#resolutions';
import type { Me } from './api.js';
import { OpenCase } from './board.js';
import { CATEGORIES } from './categories.js';
import { useSpeech } from './language.js';
import { Long } from './long.js';
import { at, Empty, Pill } from './parts.js';

export interface CaseItem {
  id: string;
  trackingCode: string;
  unit?: string;
  unitName: string | null;
  title: string;
  statement: string;
  category: Category;
  channel: string;
  visit?: string;
  status: 'opened' | 'reviewed' | 'tabled' | 'closed';
  openedAt: string;
  closedAt?: string;
  workingGroup?: string;
  session?: { id: string; number?: number; date?: string };
  tabled: { session: string; at: string; until?: string }[];
  review?: { technicalNote: string; recommendation: string; checklist: string[] };
  resolutions: {
    id: string;
    number: string;
    status: string;
    obligations: { obligation: string; agency: string; status: Status }[];
  }[];
  answer?: { type: 'OutcomeConfirmed' | 'OutcomeObjected'; note: string };
  outcome?: string;
  /** How the unit was found each time that the outcome was looked at. */
  checks: { at: string; unitOpen: boolean; jobs?: number; output?: number; note?: string }[];
  /** Once closed: from which day the outcome can be checked, and whether that is still owed. */
  check?: { from: string; owed: boolean };
}

const MAY_OPEN: readonly string[] = ['secretary', 'expert', 'deputy'];

/** All cases that the reader may see, the latest first, however many. */
export function Cases({ me }: { me: Me }) {
  const { t } = useSpeech();
  const [category, setCategory] = useState('');
  return (
    <>
      <header className="head">
        <h1>{t('پرونده‌ها', 'Cases')}</h1>
        {MAY_OPEN.includes(me.role) && <OpenCase />}
        <label className="choose">
          {t('موضوع', 'Subject')}{' '}
          <select value={category} onChange={({ target }) => setCategory(target.value)}>
            <option value="">{t('همه', 'All')}</option>
            {Object.entries(CATEGORIES).map(([id, name]) => (
              <option key={id} value={id}>
                {t(...name)}
              </option>
            ))}
          </select>
        </label>
      </header>
      <Long<CaseItem>
        key={category}
        path={`cases${category && `?category=${category}`}`}
        keyOf={({ id }) => id}
        row={(one) => <CaseRow of={one} />}
        empty={<Empty>{t('پرونده‌ای نیست.', 'There are no cases.')}</Empty>}
      />
    </>
  );
}

/** A case in a line: what it is, whose, on which session, and where its obligations stand. */
export function CaseRow({ of }: { of: CaseItem }) {
  const { t, n, day } = useSpeech();
  const { id, title, openedAt, unit, unitName, session, resolutions } = of;
  return (
    <div className="card case-row">
      <span>
        <a href={at('cases', id)}>{title}</a>
        <small>
          <bdi>{id}</bdi> · {day(openedAt)}
        </small>
      </span>
      <span>{unitName ?? unit ?? t('بی واحد', 'no unit')}</span>
      <small>{session?.number !== undefined && t(`جلسهٔ ${n(session.number)}`, `session ${session.number}`)}</small>
      <span className="pills">
        {resolutions.flatMap((one) =>
          one.obligations.map(({ obligation, status }) => (
            <Pill
              key={`${one.id}/${obligation}`}
              status={status}
              waits={status === 'issued' && one.status !== 'issued'}
            />
          )),
        )}
      </span>
    </div>
  );
}
