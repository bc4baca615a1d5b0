import { send, useRead, type Me } from './api.js';
import { Deed } from './board.js';
import { useSpeech } from './language.js';
import { at, Await } from './parts.js';

export interface Referral {
  /** The whole stream: `nationalReferral-facilitation-9-3-o1-1`. */
  id: string;
  kind: 'national' | 'oversight';
  addressee: string;
  basis: string;
  status: 'open' | 'answered' | 'closed';
  openedAt: string;
  closed?: { at: string; outcome: string };
  resolution: string;
  obligation: string;
  answers: { at: string; answer: string; letterNumber?: string }[];
  /** How often it was asked again; null once somebody has answered. */
  chases: { rounds: number; nextAt?: string } | null;
}

const STATUSES: Record<Referral['status'], [string, string]> = {
  open: ['در انتظار پاسخ', 'Not answered'],
  answered: ['پاسخ داده شده', 'Answered'],
  closed: ['بسته', 'Closed'],
};

/** Where an obligation was referred to, what was answered, and the forms for the next answer and for the end. */
export function Referrals({ resolution, obligation, me }: { resolution: string; obligation: string; me: Me }) {
  const { t } = useSpeech();
  // The province's own; an agency or a unit sees on the obligation that it was referred.
  const province = me.role !== 'agency' && me.role !== 'unit';
  const found = useRead<{ items: Referral[] }>(province ? `referrals?resolution=${resolution}&limit=500` : undefined);
  const items = found.data?.items.filter((one) => one.obligation === obligation) ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-labelledby="referrals">
      <h2 id="referrals">{t('ارجاع‌ها', 'Referrals')}</h2>
      {items.map((one) => (
        <ReferralCard key={one.id} of={one} me={me} heading="h3" />
      ))}
    </section>
  );
}

export function ReferralPage({ id, me }: { id: string; me: Me }) {
  const { t, n } = useSpeech();
  const found = useRead<Referral>(`referrals/${id}`);
  return (
    <Await of={found}>
      {(of) => (
        <article>
          <header className="head">
            <p className="crumb">
              <a href={at('obligations', of.resolution, of.obligation)}>
                {t(`تکلیف ارجاع‌شده (${n(of.resolution)})`, `The obligation that was referred (${of.resolution})`)}
              </a>
            </p>
            <h1>{t(`ارجاع به ${of.addressee}`, `Referral to ${of.addressee}`)}</h1>
          </header>
          <ReferralCard of={of} me={me} heading="h2" />
        </article>
      )}
    </Await>
  );
}

function ReferralCard({ of, me, heading: Heading }: { of: Referral; me: Me; heading: 'h2' | 'h3' }) {
  const { t, n, day, moment } = useSpeech();
  const { id, kind, addressee, basis, status, openedAt, answers, closed, chases } = of;
  const stream: [string, string] = [id.slice(0, id.indexOf('-')), id.slice(id.indexOf('-') + 1)];
  const command = (verb: string, noun: string) => verb + (kind === 'oversight' ? 'Oversight' : '') + noun;
  return (
    <div className="panel referral">
      <Heading>
        {addressee} <span className="pill">{t(...STATUSES[status])}</span>
      </Heading>
      <p className="about">
        {kind === 'national' ? t('ارجاع ملی', 'National') : t('ارجاع به بازرسی', 'Oversight')} · {day(openedAt, true)} ·{' '}
        {basis}
      </p>
      {chases?.nextAt && (
        <p>
          {chases.rounds > 0 && t(`${n(chases.rounds)} بار پیگیری شده؛ `, `Asked again ${chases.rounds} times; `)}
          {t(`پیگیری بعدی ${moment(chases.nextAt)}`, `to be asked again ${moment(chases.nextAt)}`)}
        </p>
      )}
      {answers.length > 0 && (
        <ul className="rows">
          {answers.map(({ at: when, answer, letterNumber }) => (
            <li key={`${when} ${answer}`}>
              {answer}{' '}
              <small>
                {moment(when)}
                {letterNumber && ` · ${t(`نامهٔ ${n(letterNumber)}`, `letter ${letterNumber}`)}`}
              </small>
            </li>
          ))}
        </ul>
      )}
      {closed && <p>{t(`بسته شد: ${closed.outcome}`, `Closed: ${closed.outcome}`)}</p>}
      {me.role === 'secretary' && status !== 'closed' && (
        <div className="deeds">
          <Deed
            main={status === 'open'}
            title={t('ثبت پاسخ', 'Record an answer')}
            about={addressee}
            action={t('ثبت شود', 'Record')}
            fields={[
              { name: 'answer', label: t('پاسخ', 'The answer'), kind: 'long' },
              { name: 'letterNumber', label: t('شمارهٔ نامه', 'Number of the letter'), optional: true },
            ]}
            submit={(values, key) => send(stream, command('Record', 'Answer'), values, key)}
          />
          <Deed
            main={false}
            title={t('بستن ارجاع', 'Close the referral')}
            about={addressee}
            action={t('بسته شود', 'Close')}
            note={t('تکلیف دستگاه با آن بسته نمی‌شود.', "The agency's obligation is not closed by it.")}
            fields={[{ name: 'outcome', label: t('نتیجه', 'Outcome'), kind: 'long' }]}
            submit={(values, key) => send(stream, command('Close', 'Referral'), values, key)}
          />
        </div>
      )}
    </div>
  );
}
