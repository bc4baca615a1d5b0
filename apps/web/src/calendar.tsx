import { useState } from 'react';
import type { CalendarChange, CalendarVersion, Weekday } from '#calendar';
import { useRead, type Me } from './api.js';
import { Change } from './closing.js';
import { jalali, jalaliYear, today, useDays, weekday, type CalendarDay } from './days.js';
import { useSpeech, type Speech } from './language.js';
import { at, Await, Empty, calendarName } from './parts.js';

const MAY_CLOSE = ['governor', 'deputy', 'admin'];
const WEEK: [Weekday, string, string, string][] = [
  ['sat', 'ش', 'Sa', 'شنبه'],
  ['sun', 'ی', 'Su', 'یکشنبه'],
  ['mon', 'د', 'Mo', 'دوشنبه'],
  ['tue', 'س', 'Tu', 'سه‌شنبه'],
  ['wed', 'چ', 'We', 'چهارشنبه'],
  ['thu', 'پ', 'Th', 'پنجشنبه'],
  ['fri', 'ج', 'Fr', 'جمعه'],
];

/** The province's own comes before those of others. */
const provinceFirst = (a: { id: string }, b: { id: string }): number =>
  Number(b.id === 'offices') - Number(a.id === 'offices');

interface Calendar {
  version: CalendarVersion;
  changes: CalendarChange[];
  warning?: string;
}

/** A Jalali year of a calendar; days can be closed, opened again, and given other hours, after a look at what that would move. */
export default function CalendarPage({ me, id = 'offices' }: { me: Me; id?: string }) {
  const speech = useSpeech();
  const { t, n } = speech;
  const [year, setYear] = useState(() => jalali(today()).year);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const dates = jalaliYear(year);
  const all = useRead<{ items: { id: string }[] }>('calendars?limit=500');
  const calendar = useRead<Calendar>(`calendars/${id}`);
  const days = useDays(id, dates[0]!, dates.at(-1)!);
  const may = MAY_CLOSE.includes(me.role);
  const toggle = (date: string) =>
    setChosen((before) =>
      before.includes(date) ? before.filter((one) => one !== date) : [...before, date].toSorted(),
    );
  const closed = new Set(days.data?.items.filter(({ off }) => off?.kind === 'closure').map(({ date }) => date));
  const declared = new Map(calendar.data?.changes.flatMap((one) => one.type === 'HoursDeclared' ? one.data.dates.map((date) => [date, one.data.hours] as const) : [])); // prettier-ignore
  return (
    <>
      <header className="head">
        <h1>{t('تقویم کاری', 'Working calendar')}</h1>
        <div className="row">
          <div className="tabs" role="group" aria-label={t('کدام تقویم', 'Which calendar')}>
            {all.data?.items.toSorted(provinceFirst).map((one) => (
              <a key={one.id} href={at('calendar', one.id)} aria-current={id === one.id ? 'page' : undefined}>
                <bdi>{calendarName(one.id, speech)}</bdi>
              </a>
            ))}
          </div>
          <div className="tabs">
            <button type="button" onClick={() => setYear(year - 1)} aria-label={t('سال پیش', 'Previous year')}>
              {t('→', '←')}
            </button>
            <output>{n(year)}</output>
            <button type="button" onClick={() => setYear(year + 1)} aria-label={t('سال بعد', 'Next year')}>
              {t('←', '→')}
            </button>
          </div>
        </div>
        <Week of={calendar.data?.version} />
        <ul className="legend">
          <li className="is-weekend">{t('تعطیل هفتگی', 'weekend')}</li>
          <li className="is-holiday">{t('تعطیل رسمی', 'holiday')}</li>
          <li className="is-closure">{t('تعطیلی اعلام‌شده', 'declared closure')}</li>
          <li className="is-hours">{t('ساعت دیگر', 'other hours')}</li>
          {may && <li className="is-chosen">{t('برگزیده', 'chosen')}</li>}
        </ul>
        {calendar.data?.warning && <p className="notice">{calendar.data.warning}</p>}
        {may && (
          <p className="about">
            {t(
              'روزهای پیش رو را برای تعطیلی یا ساعت دیگر، و روزهای تعطیل‌شده را برای لغو تعطیلی برگزینید.',
              'Choose days from today on to close them or to change their hours; choose closed ones to open them again.',
            )}
          </p>
        )}
      </header>
      <div className={may ? 'beside' : ''}>
        <Await of={days}>
          {({ items }) => (
            <div className="year">
              {Array.from({ length: 12 }, (_, index) => (
                <Month
                  key={index}
                  days={items.filter(({ date }) => jalali(date).month === index + 1)}
                  hours={declared}
                  chosen={chosen}
                  toggle={may ? toggle : undefined}
                />
              ))}
            </div>
          )}
        </Await>
        {may && <Change key={id} calendar={id} dates={chosen} closed={closed} clear={() => setChosen([])} />}
      </div>
      <div className="two">
        <Holidays days={days.data?.items ?? []} />
        <Changes of={calendar.data?.changes ?? []} dates={dates} />
      </div>
    </>
  );
}

const span = (hours: string, { n }: Speech): string => n(hours.replace('-', '–'));

/** The hours of an ordinary week, days of equal hours together. */
function Week({ of }: { of?: CalendarVersion }) {
  const speech = useSpeech();
  const { t } = speech;
  if (!of) return null;
  const groups: { from: number; to: number; hours: string | null }[] = [];
  WEEK.forEach(([day], index) => {
    const hours = of.week[day];
    const last = groups.at(-1);
    if (last && last.hours === hours) last.to = index;
    else groups.push({ from: index, to: index, hours });
  });
  const name = (index: number) => t(WEEK[index]![3], WEEK[index]![2]);
  return (
    <p>
      {groups
        .map(({ from, to, hours }) => {
          const days = from === to ? name(from) : t(`${name(from)} تا ${name(to)}`, `${name(from)}–${name(to)}`);
          return `${days}: ${hours === null ? t('تعطیل', 'closed') : span(hours, speech)}`;
        })
        .join(t('، ', ', '))}
    </p>
  );
}

const whyOff = ({ off }: CalendarDay, { t }: Speech): string => {
  if (!off) return '';
  if (off.kind === 'weekend') return t('تعطیل هفتگی', 'weekend');
  return off.kind === 'holiday' ? off.name : `${off.reason} (${off.decree})`;
};

interface MonthProps {
  days: readonly CalendarDay[];
  hours: ReadonlyMap<string, string>;
  chosen: readonly string[];
  toggle?: (date: string) => void;
}

function Month({ days, hours, chosen, toggle }: MonthProps) {
  const speech = useSpeech();
  const { t, n, day, language } = speech;
  const first = days[0];
  if (!first) return null;
  const name = new Intl.DateTimeFormat(language === 'fa' ? 'fa-IR-u-ca-persian' : 'en-US-u-ca-persian', {
    month: 'long',
    timeZone: 'UTC',
  }).format(new Date(first.date));
  const now = today();
  return (
    <section className="month" aria-label={name}>
      <h2>{name}</h2>
      <ol>
        {WEEK.map(([id, fa, en]) => (
          <li key={id} className="head" aria-hidden="true">
            {t(fa, en)}
          </li>
        ))}
        {days.map((one, index) => {
          const { date, off } = one;
          const other = off ? undefined : hours.get(date);
          const spoken = t(day(date), `${jalali(date).day} ${name} — ${day(date)}`);
          const label = [spoken, whyOff(one, speech), other && span(other, speech)].filter(Boolean).join(' — ');
          const look = [
            off ? `is-${off.kind}` : '',
            other ? 'is-hours' : '',
            chosen.includes(date) ? 'is-chosen' : '',
            date === now ? 'is-today' : '',
          ];
          const style = index === 0 ? { gridColumnStart: weekday(date) + 1 } : undefined;
          return (
            <li key={date} style={style} className={look.join(' ')}>
              {toggle && date >= now && (!off || off.kind === 'closure') ? (
                <button
                  type="button"
                  aria-pressed={chosen.includes(date)}
                  aria-label={label}
                  title={label}
                  onClick={() => toggle(date)}
                >
                  {n(jalali(date).day)}
                </button>
              ) : (
                <span title={label}>{n(jalali(date).day)}</span>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** The holidays of the year by name; days in a row that have one name stand together. */
function Holidays({ days }: { days: readonly CalendarDay[] }) {
  const { t, day } = useSpeech();
  const groups: { name: string; from: string; to: string }[] = [];
  let last: CalendarDay | undefined;
  for (const one of days) {
    if (one.off?.kind === 'holiday') {
      const open = last?.off?.kind === 'holiday' && last.off.name === one.off.name ? groups.at(-1) : undefined;
      if (open) open.to = one.date;
      else groups.push({ name: one.off.name, from: one.date, to: one.date });
    }
    last = one;
  }
  return (
    <section className="panel" aria-labelledby="holidays">
      <h2 id="holidays">{t('تعطیلات رسمی', 'Holidays')}</h2>
      {groups.length === 0 ? (
        <Empty>{t('تعطیلات این سال هنوز ثبت نشده است.', 'The holidays of this year are not entered yet.')}</Empty>
      ) : (
        <ul className="closures">
          {groups.map(({ name, from, to }) => (
            <li key={from}>
              <b>{name}</b>{' '}
              <small>{from === to ? day(from) : t(`${day(from)} تا ${day(to)}`, `${day(from)} – ${day(to)}`)}</small>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What was declared about days of this year, by what decree, and when it became known; the latest first. */
function Changes({ of, dates }: { of: readonly CalendarChange[]; dates: readonly string[] }) {
  const speech = useSpeech();
  const { t, day, moment } = speech;
  const year = new Set(dates);
  const about = of.flatMap((one) => (one.type !== 'CalendarDefined' && one.data.dates.some((date) => year.has(date)) ? [one] : [])); // prettier-ignore
  const words = {
    ClosureDeclared: t('تعطیلی', 'Closure'),
    ClosureCancelled: t('لغو تعطیلی', 'Closure cancelled'),
    HoursDeclared: t('ساعت دیگر', 'Other hours'),
  };
  return (
    <section className="panel" aria-labelledby="declared">
      <h2 id="declared">{t('اعلام‌ها', 'Declared')}</h2>
      {about.length === 0 ? (
        <Empty>{t('برای این سال چیزی اعلام نشده است.', 'Nothing was declared for this year.')}</Empty>
      ) : (
        <ul className="closures">
          {about.toReversed().map((one) => (
            <li key={one.revision}>
              <b>{words[one.type]}</b> {one.data.dates.map((date) => day(date)).join(t('، ', ', '))}
              {one.type === 'HoursDeclared' && ` · ${span(one.data.hours, speech)}`}
              <br />
              <small>
                {[one.data.reason, one.data.decree].filter(Boolean).join(' · ')}{' '}
                {t(`دانسته شد: ${moment(one.at)}`, `known since ${moment(one.at)}`)}
              </small>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
