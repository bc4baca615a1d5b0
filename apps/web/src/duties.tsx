import { useState } from 'react';
import { send, useRead, type Asked, type Me } from './api.js';
import { Deed, Schedule } from './board.js';
import { useSpeech, type Speech } from './language.js';
import { at, Await, Empty, obligationName, office } from './parts.js';

/** What an office owes to the process itself, as `/v1/offices/{office}/duties` has it. */
interface Duty {
  duty: string;
  resolution?: string;
  obligation?: string;
  case?: string;
  referral?: string;
  dueAt?: string;
  /** When it is asked for, or missed, the next time. */
  nextAt?: string;
  overdue: boolean;
  missed?: number;
  /** How often it was asked for so far, and of these how often somebody was told. */
  asked?: number;
  told?: number;
  notice?: string;
  recipient?: string;
  reason?: string;
  session?: string;
  workingGroup?: string;
  number?: number;
  proposal?: { date: string; reason: string };
}
export interface Duties {
  items: Duty[];
  next?: string;
}

const NAMES: Record<string, [string, string]> = {
  communicate: ['ابلاغ مصوبه', 'Communicate'],
  verify: ['راستی‌آزمایی', 'Verify a claim'],
  'decide-extension': ['پاسخ به درخواست تمدید', 'Decide on an extension'],
  'review-suspension': ['بازنگری توقف', 'Review a suspension'],
  'decide-dependency': ['تکلیف بن‌بست', 'Unblock an obligation'],
  'check-outcome': ['سنجش نتیجه', 'Check the outcome'],
  'ask-again': ['پیگیری ارجاع', 'Ask again about a referral'],
  'undelivered-notice': ['اطلاع‌رسانی ناموفق', 'A notice was not delivered'],
  'confirm-session-day': ['روز تازهٔ جلسه', 'A new day for a session'],
};
/** Why a notice did not arrive. */
const REASONS: Record<string, [string, string]> = {
  'no-address': ['نشانی ندارد', 'no address'],
  rejected: ['پذیرفته نشد', 'rejected'],
  gone: ['نشانی از میان رفته', 'the address is gone'],
  unreachable: ['در دسترس نیست', 'unreachable'],
  undelivered: ['به دست گیرنده نرسید', 'undelivered'],
};
const SHOWN = 8;

/** The page on which a duty is done. */
function placeOf({ resolution, obligation, referral, session, case: of }: Duty): string | undefined {
  if (referral) return at('referrals', referral);
  if (resolution) return obligation ? at('obligations', resolution, obligation) : at('resolutions', resolution);
  if (session) return at('sessions', session);
  return of && at('cases', of);
}

/** What a duty is about, in a few words. */
function subjectOf(one: Duty, speech: Speech): string {
  const { t, n } = speech;
  const { resolution, obligation, recipient, reason = '', number } = one;
  if (recipient) {
    const [role = '', agency] = recipient.split(':');
    return [office(role, speech), agency, REASONS[reason] ? t(...REASONS[reason]) : reason].filter(Boolean).join(' · ');
  }
  if (resolution) {
    const owed = obligation && obligationName(obligation, speech);
    return [n(resolution.replace(/^.*?-(\d+)-(\d+)$/, '$1/$2')), owed].filter(Boolean).join(' · ');
  }
  return number === undefined ? n(one.case ?? '') : t(`جلسهٔ ${n(number)}`, `session ${number}`);
}

/** Answers that the office owes to the process itself, the most urgent first, each with where it is given. */
export function Answers({ duties, me }: { duties: Asked<Duties>; me: Me }) {
  const { t, n } = useSpeech();
  const [all, setAll] = useState(false);
  return (
    <section className="panel" aria-labelledby="duties">
      <h2 id="duties">{t('پاسخ‌هایی که بدهکارید', 'Answers owed')}</h2>
      <Await of={duties}>
        {({ items }) => {
          // Letters to send have a list of their own.
          const answers = items
            .filter(({ duty }) => duty !== 'communicate')
            .toSorted((a, b) => (a.dueAt ?? '').localeCompare(b.dueAt ?? ''));
          if (answers.length === 0) return <Empty>{t('پاسخی بدهکار نیستید.', 'No answer is owed.')}</Empty>;
          return (
            <>
              <ul className="rows">
                {answers.slice(0, all ? undefined : SHOWN).map((one) => (
                  <Row key={`${one.duty} ${placeOf(one) ?? one.notice}`} of={one} me={me} />
                ))}
              </ul>
              {answers.length > SHOWN && !all && (
                <button type="button" onClick={() => setAll(true)}>
                  {t(`و ${n(answers.length - SHOWN)} پاسخ دیگر`, `and ${answers.length - SHOWN} more`)}
                </button>
              )}
            </>
          );
        }}
      </Await>
    </section>
  );
}

function Row({ of, me }: { of: Duty; me: Me }) {
  const speech = useSpeech();
  const { t, n, day, moment } = speech;
  const { duty, dueAt, nextAt, overdue, missed = 0, asked = 0, told = 0, proposal } = of;
  const name = `${NAMES[duty] ? t(...NAMES[duty]) : duty} · ${subjectOf(of, speech)}`;
  const place = placeOf(of);
  return (
    <li className="row">
      <span>
        {place ? <a href={place}>{name}</a> : name}{' '}
        {overdue ? (
          <b className="overdue">
            {missed > 0 ? t('دیر شده؛ استاندار می‌داند', 'late; the governor knows') : t('دیر شده', 'late')}
          </b>
        ) : (
          dueAt && <small>{t(`تا ${moment(dueAt)}`, `by ${moment(dueAt)}`)}</small>
        )}{' '}
        {asked > 0 && (
          <small>
            {t(`${n(asked)} بار یادآوری شده`, `asked ${asked === 1 ? 'once' : `${asked} times`}`)}
            {told < asked && t(`، ${n(asked - told)} بار نرسیده`, `, ${asked - told} not delivered`)}
            {nextAt && t(`؛ بار دیگر ${moment(nextAt)}`, `; again ${moment(nextAt)}`)}
          </small>
        )}
        {proposal && <small>{`${proposal.reason} · ${day(proposal.date)}`}</small>}
      </span>
      {me.role === 'secretary' && <Here of={of} about={name} />}
    </li>
  );
}

/** What has no page of its own is answered in its line. */
function Here({ of: { notice, workingGroup, number, proposal }, about }: { of: Duty; about: string }) {
  const { t } = useSpeech();
  if (workingGroup && number !== undefined) return <Schedule group={workingGroup} move={number} day={proposal?.date} />;
  if (!notice) return null;
  return (
    <span className="deeds">
      <Deed
        main={false}
        title={t('دوباره فرستاده شود', 'Send again')}
        about={about}
        action={t('فرستاده شود', 'Send')}
        fields={[]}
        submit={(_, key) => send(['notice', notice], 'ResendNotice', {}, key)}
      />
      <Deed
        main={false}
        title={t('جور دیگر گفته شد', 'Told otherwise')}
        about={about}
        action={t('ثبت شود', 'Record')}
        fields={[{ name: 'note', label: t('چگونه گفته شد', 'How it was told'), kind: 'long' }]}
        submit={(values, key) => send(['notice', notice], 'AcknowledgeNotice', values, key)}
      />
    </span>
  );
}

/** What an office owes, on a page that is not about it: nothing when it owes nothing. */
export function OwnAnswers({ me }: { me: Me }) {
  const duties = useRead<Duties>(`offices/${me.role}/duties?limit=100`);
  return duties.data?.items.length ? <Answers duties={duties} me={me} /> : null;
}
