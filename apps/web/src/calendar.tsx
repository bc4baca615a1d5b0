import { useState, type FormEvent } from 'react';
import type { Difference } from '#resolutions';
import { Refusal, send, sentence, whatIf, type Me } from './api.js';
import { jalali, jalaliYear, today, useDays, weekday, type CalendarDay } from './days.js';
import { useSpeech } from './language.js';
import { at, Await } from './parts.js';

const MAY_CLOSE = ['governor', 'deputy', 'admin'];
const WEEK: [string, string][] = [
  ['ش', 'Sa'],
  ['ی', 'Su'],
  ['د', 'Mo'],
  ['س', 'Tu'],
  ['چ', 'We'],
  ['پ', 'Th'],
  ['ج', 'Fr'],
];

/** A Jalali year of the province's calendar; days can be chosen and closed, after a look at what that would move. */
export function CalendarPage({ me, id = 'offices' }: { me: Me; id?: string }) {
  const { t, n } = useSpeech();
  const [year, setYear] = useState(() => jalali(today()).year);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const dates = jalaliYear(year);
  const days = useDays(id, dates[0]!, dates.at(-1)!);
  const may = MAY_CLOSE.includes(me.role);
  const toggle = (date: string) =>
    setChosen((before) =>
      before.includes(date) ? before.filter((one) => one !== date) : [...before, date].toSorted(),
    );
  return (
    <>
      <header className="head">
        <h1>{t('تقویم کاری', 'Working calendar')}</h1>
        <div className="row">
          <div className="tabs" role="group" aria-label={t('کدام تقویم', 'Which calendar')}>
            <a href={at('calendar', 'offices')} aria-current={id === 'offices' ? 'page' : undefined}>
              {t('ادارات', 'Offices')}
            </a>
            <a href={at('calendar', 'banks')} aria-current={id === 'banks' ? 'page' : undefined}>
              {t('بانک‌ها', 'Banks')}
            </a>
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
        <ul className="legend">
          <li className="is-weekend">{t('تعطیل هفتگی', 'weekend')}</li>
          <li className="is-holiday">{t('تعطیل رسمی', 'holiday')}</li>
          <li className="is-closure">{t('تعطیلی اعلام‌شده', 'declared closure')}</li>
          {may && <li className="is-chosen">{t('برگزیده برای تعطیلی', 'chosen to be closed')}</li>}
        </ul>
        {may && (
          <p className="about">
            {t('روزهای پیش رو را برای تعطیلی برگزینید.', 'Choose days from today on to close them.')}
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
                  chosen={chosen}
                  toggle={may ? toggle : undefined}
                />
              ))}
            </div>
          )}
        </Await>
        {may && <Closure key={id} calendar={id} dates={chosen} clear={() => setChosen([])} />}
      </div>
    </>
  );
}

interface MonthProps {
  days: readonly CalendarDay[];
  chosen: readonly string[];
  toggle?: (date: string) => void;
}

function Month({ days, chosen, toggle }: MonthProps) {
  const { t, n, day, language } = useSpeech();
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
        {WEEK.map(([fa, en]) => (
          <li key={en} className="head" aria-hidden="true">
            {t(fa, en)}
          </li>
        ))}
        {days.map(({ date, off }, index) => {
          const why = !off
            ? ''
            : off.kind === 'weekend'
              ? t('تعطیل هفتگی', 'weekend')
              : off.kind === 'holiday'
                ? off.name
                : off.reason;
          const spoken = t(day(date), `${jalali(date).day} ${name} — ${day(date)}`);
          const label = [spoken, why].filter(Boolean).join(' — ');
          const look = [
            off ? `is-${off.kind}` : '',
            chosen.includes(date) ? 'is-chosen' : '',
            date === now ? 'is-today' : '',
          ];
          const style = index === 0 ? { gridColumnStart: weekday(date) + 1 } : undefined;
          return (
            <li key={date} style={style} className={look.join(' ')}>
              {toggle && date >= now && !off ? (
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

/** First what would move, then the deed. Whatever is changed in between asks for another look. */
function Closure({ calendar, dates, clear }: { calendar: string; dates: readonly string[]; clear: () => void }) {
  const speech = useSpeech();
  const { t, n, day } = speech;
  const [reason, setReason] = useState('');
  const [decree, setDecree] = useState('');
  const [state, setState] = useState<{
    of?: string;
    found?: Difference[];
    error?: Refusal;
    busy?: boolean;
    done?: string;
  }>({});
  const data = { dates, reason, decree };
  const of = JSON.stringify(data);
  const found = state.of === of ? state.found : undefined;
  const run = async (event: FormEvent) => {
    event.preventDefault();
    setState({ ...state, busy: true, error: undefined });
    try {
      if (!found) {
        const { differences } = await whatIf<{ differences: Difference[] }>('DeclareClosure', calendar, data);
        setState({ of, found: differences });
      } else {
        await send(['calendar', calendar], 'DeclareClosure', data, crypto.randomUUID());
        setState({ done: dates.map((date) => day(date)).join(t('، ', ', ')) });
        clear();
      }
    } catch (error) {
      setState({ of, found, error: error as Refusal });
    }
  };
  return (
    <form className="panel closure" onSubmit={(event) => void run(event)} aria-labelledby="closure">
      <h2 id="closure">{t('تعطیلی استان', 'Close the offices')}</h2>
      {state.done && (
        <p className="notice is-good" role="status">
          {t(`تعطیلی ${state.done} ثبت شد.`, `Closed: ${state.done}.`)}
        </p>
      )}
      {dates.length === 0 ? (
        <p className="empty">{t('هنوز روزی برگزیده نشده است.', 'No day is chosen yet.')}</p>
      ) : (
        <>
          <p>{dates.map((date) => day(date, true)).join(t('، ', ', '))}</p>
          <div className="field">
            <label htmlFor="reason">{t('دلیل', 'Reason')}</label>
            <input
              id="reason"
              required
              maxLength={1000}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor="decree">{t('شمارهٔ مصوبه یا نامه', 'Decree')}</label>
            <input
              id="decree"
              required
              maxLength={1000}
              value={decree}
              onChange={({ target }) => setDecree(target.value)}
            />
          </div>
          {found && <Moves of={found} />}
          {state.error && (
            <p className="notice is-bad" role="alert">
              {sentence(state.error, speech)}
            </p>
          )}
          <div className="buttons">
            <button type="submit" className="main" disabled={state.busy}>
              {found ? t('تعطیلی اعلام شود', 'Declare the closure') : t('چه جابه‌جا می‌شود؟', 'What would move?')}
            </button>
            <button type="button" onClick={clear}>
              {t('پاک شود', 'Clear')}
            </button>
          </div>
          {!found && <p className="about">{t('هنوز چیزی ثبت نمی‌شود.', 'Nothing is recorded yet.')}</p>}
        </>
      )}
      <p className="sr" role="status">
        {found && t(`${n(found.length)} تغییر`, `${found.length} changes`)}
      </p>
    </form>
  );
}

function Moves({ of }: { of: readonly Difference[] }) {
  const { t, n, moment } = useSpeech();
  const deadlines = of.filter((one) => one.difference === 'deadline');
  const alarms = of.length - deadlines.length;
  if (of.length === 0)
    return <p className="notice is-good">{t('هیچ مهلت یا هشداری جابه‌جا نمی‌شود.', 'Nothing would move.')}</p>;
  return (
    <div className="notice">
      <p>
        <b>
          {t(
            `${n(deadlines.length)} مهلت و ${n(alarms)} یادآوری یا هشدار جابه‌جا می‌شود:`,
            `${deadlines.length} deadlines and ${alarms} reminders or escalations would change:`,
          )}
        </b>
      </p>
      <ul className="moves">
        {deadlines.map(({ resolution, obligation, from, to }) => (
          <li key={`${resolution}/${obligation}`}>
            <a href={at('obligations', resolution, obligation)}>{n(resolution)}</a>{' '}
            <span>{from ? moment(from) : '—'}</span> ← <b>{to ? moment(to) : '—'}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
