import { useEffect, useRef } from 'react';
import type { CountedDay } from '#calendar';
import type { Chapter, RungStory, Why } from '#resolutions';
import { useSpeech, type Speech } from './language.js';
import { office } from './parts.js';

const offName = ({ off }: CountedDay, { t }: Speech): string => {
  if (!off) return '';
  if (off.kind === 'weekend') return t('تعطیل هفتگی', 'weekend');
  if (off.kind === 'holiday') return off.name;
  return t(`تعطیلی: ${off.reason} (${off.decree})`, `closed: ${off.reason} (${off.decree})`);
};

/** One epoch of a clock as a bar: a cell a day, counted ones numbered, skipped ones hatched with their reason. */
function Bar({ chapter }: { chapter: Chapter }) {
  const speech = useSpeech();
  const { t, n, day, moment } = speech;
  const { days, startedBy, suspended, endedBy, dueAt, epoch, moves } = chapter;
  const counted = days?.filter(({ off }) => !off).length ?? 0;
  const skipped = (days?.length ?? 0) - counted;
  const missed = endedBy?.type === 'DeadlineMissed';
  return (
    <figure className="bar">
      <figcaption>
        <b>{t(`دورهٔ ${n(epoch)}`, `Period ${n(epoch)}`)}</b> {t(`از ${day(startedBy.at)}`, `from ${day(startedBy.at)}`)}
        {days &&
          ` · ${t(`${n(counted)} روز شمرده شد، ${n(skipped)} روز نه`, `${n(counted)} days counted, ${n(skipped)} not`)}`}
        {moves.length > 0 &&
          ` · ${t(`${n(moves.length)} بار با تقویم جابه‌جا شد`, `moved ${moves.length === 1 ? 'once' : `${moves.length} times`} by the calendar`)}`}
      </figcaption>
      {days && (
        <ol className="days" aria-hidden="true">
          {days.map((one) => (
            <li
              key={one.date}
              className={one.off ? `off is-${one.off.kind}` : 'counts'}
              title={`${day(one.date)} — ${one.off ? offName(one, speech) : t(`روز کاری ${n(one.counts)}`, `working day ${n(one.counts)}`)}`}
            >
              {one.off ? '' : n(one.counts)}
            </li>
          ))}
          {suspended ? <li className="end is-suspended">❚❚</li> : missed && <li className="end is-missed">✕</li>}
        </ol>
      )}
      <p className="bar-end">
        {suspended
          ? t(`متوقف شد: ${suspended.data['ground']}`, `Suspended: ${suspended.data['ground']}`)
          : t(`پایان مهلت: ${moment(dueAt)}`, `Due ${moment(dueAt)}`)}
      </p>
    </figure>
  );
}

export function Clock({ why }: { why: Why }) {
  const { t } = useSpeech();
  const offs = new Set(why.chapters.flatMap(({ days }) => days?.flatMap(({ off }) => (off ? [off.kind] : [])) ?? []));
  return (
    <section className="clock">
      <h3>{t('ساعت مهلت', 'The clock')}</h3>
      {why.chapters.length === 0 && (
        <p>
          {why.waitsFor?.length
            ? t('ساعت هنوز آغاز نشده است.', 'The clock has not started.')
            : t('ساعت با ابلاغ آغاز می‌شود.', 'The clock starts with communication.')}
        </p>
      )}
      {why.chapters.map((chapter) => (
        <Bar key={chapter.epoch} chapter={chapter} />
      ))}
      {offs.size > 0 && (
        <ul className="legend" aria-hidden="true">
          <li className="counts">{t('روز کاری', 'working day')}</li>
          {offs.has('weekend') && <li className="is-weekend">{t('آخر هفته', 'weekend')}</li>}
          {offs.has('holiday') && <li className="is-holiday">{t('تعطیل رسمی', 'holiday')}</li>}
          {offs.has('closure') && <li className="is-closure">{t('تعطیلی استان', 'closure')}</li>}
        </ul>
      )}
    </section>
  );
}

const rungName = ({ action, to }: RungStory, speech: Speech): string => {
  if (action === 'miss') return speech.t('پایان مهلت', 'Deadline');
  if (action === 'remind') return speech.t('یادآوری به دستگاه', 'Reminder to the agency');
  return speech.t(`به ${office(to ?? '', speech)}`, `To the ${office(to ?? '', speech).toLowerCase()}`);
};

/** The ladder as a ladder: climbed from below; rungs that were reached are solid, those to come are open. */
export function Ladder({ why }: { why: Why }) {
  const speech = useSpeech();
  const { t, day } = speech;
  const epoch = why.chapters.at(-1)?.epoch;
  const rungs = why.rungs.filter((one) => one.epoch === epoch).slice(-8);
  const top = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (top.current) top.current.scrollTop = 0;
  }, [why]);
  if (rungs.length === 0) return null;
  return (
    <section className="ladder">
      <h3>{t('نردبان پیگیری', 'The ladder')}</h3>
      <ol ref={top}>
        {rungs.map((one) => {
          const reached = one.at !== undefined;
          const when = day(one.at ?? one.plannedAt);
          return (
            <li key={one.rung} className={`${reached ? 'reached' : 'ahead'} is-${one.action}`} title={one.legalBasis}>
              <b>{rungName(one, speech)}</b>
              <span>{reached ? when : t(`در راه: ${when}`, `ahead: ${when}`)}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
