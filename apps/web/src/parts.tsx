import { type ReactNode } from 'react';
import type { Status } from '#resolutions';
import { sentence, type Asked } from './api.js';
import { useSpeech, type Speech } from './language.js';
import { nowMs, usePast } from './past.js';

export { at } from './past.js';

export const DAY_MS = 86_400_000;

/** Each status with its words; its colour is in the style sheet, and never the only sign. */
const STATUSES: Record<Status, [string, string]> = {
  issued: ['ابلاغ نشده', 'Not communicated'],
  running: ['در مهلت', 'Running'],
  suspended: ['متوقف', 'Suspended'],
  claimed: ['در انتظار راستی‌آزمایی', 'Claimed'],
  missed: ['مهلت گذشته', 'Missed'],
  met: ['انجام شده', 'Met'],
  'met-late': ['انجام شده با تأخیر', 'Met late'],
  revoked: ['لغو شده', 'Revoked'],
};

/** `waits`: it is communicated, or will be, but its clock starts only when another obligation is met. */
export function Pill({ status, waits = false }: { status: Status; waits?: boolean }) {
  const { t } = useSpeech();
  const words: [string, string] = waits ? ['در انتظار تکلیف دیگر', 'Waits for another'] : STATUSES[status];
  return <span className={`pill is-${status}`}>{t(...words)}</span>;
}

/** Obligations have ids, not names; those that were adopted here are counted. */
export function obligationName(id: string, { t, n }: Speech): string {
  const number = /^o(\d+)$/.exec(id)?.[1];
  return number ? t(`تکلیف ${n(number)}`, `obligation ${number}`) : id;
}

const OFFICES: Record<string, [string, string]> = {
  agency: ['دستگاه اجرایی', 'Agency'],
  deputy: ['معاون استاندار', 'Deputy governor'],
  governor: ['استاندار', 'Governor'],
  inspection: ['بازرسی', 'Inspection'],
  secretary: ['دبیر کارگروه', 'Secretary'],
  expert: ['کارشناس', 'Expert'],
  oversight: ['دستگاه نظارتی', 'Oversight'],
  registrar: ['دبیرخانه', 'Registry'],
  unit: ['واحد تولیدی', 'Production unit'],
  admin: ['مدیر سامانه', 'Administrator'],
  engine: ['سامانه', 'The engine'],
};
export const office = (id: string, { t }: Speech): string => (OFFICES[id] ? t(...OFFICES[id]) : id);

const CALENDARS: Record<string, [string, string]> = { offices: ['ادارات', 'Offices'], banks: ['بانک‌ها', 'Banks'] };
/** Calendars have ids; those that every province has are named. */
export const calendarName = (id: string, { t }: Speech): string => (CALENDARS[id] ? t(...CALENDARS[id]) : id);

/** The page of what was asked for, or a sentence about why it is not there. Old data stays while new is asked for. */
export function Await<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  const speech = useSpeech();
  const { data, error, again } = of;
  const past = usePast();
  if (past && error?.status === 404)
    return <Empty>{speech.t('در این روز هنوز نبود.', 'It was not there yet on this day.')}</Empty>;
  return (
    <>
      {error && (
        <div className="notice is-bad" role="alert">
          <p>{sentence(error, speech)}</p>
          {data !== undefined && <p>{speech.t('آنچه می‌بینید ممکن است کهنه باشد.', 'What you see may be old.')}</p>}
          <button type="button" onClick={again}>
            {speech.t('دوباره', 'Try again')}
          </button>
        </div>
      )}
      {data !== undefined ? children(data) : !error && <Waiting />}
    </>
  );
}

export function Waiting() {
  const { t } = useSpeech();
  return (
    <div className="waiting" role="status">
      <span className="sr">{t('در حال خواندن…', 'Loading…')}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>;
}

/** How long ago an instant was, in whole days, at least one: «۹ روز». */
export function Overdue({ since }: { since: string }) {
  const { t, n } = useSpeech();
  const days = Math.max(1, Math.floor((nowMs() - Date.parse(since)) / DAY_MS));
  return (
    <span className="overdue">{t(`${n(days)} روز گذشته`, `${n(days)} ${days === 1 ? 'day' : 'days'} overdue`)}</span>
  );
}

export function Figure({ value, label, tone = '' }: { value: ReactNode; label: string; tone?: string }) {
  return (
    <div className={`figure ${tone}`}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
