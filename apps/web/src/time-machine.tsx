import { useEffect, useMemo, useRef, useState } from 'react';
import { isAsking, useRead } from './api.js';
import { DateField } from './date-field.js';
import { useSpeech } from './language.js';
import { lookAt, type Moment } from './past.js';
import { at, Await } from './parts.js';
import type { Summary } from './trend.js';

interface DayOfLog {
  date: string;
  asOf: number;
  validAt: number;
}

const DAY_MS = 86_400_000;
const dateAt = (first: string, index: number): string =>
  new Date(Date.parse(first) + index * DAY_MS).toISOString().slice(0, 10);
const indexOf = (first: string, date: string): number => Math.round((Date.parse(date) - Date.parse(first)) / DAY_MS);

/** Days of the record a second. */
const SPEEDS = [1, 3, 10];
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** The bar that turns every page of the record back to a day, and on again. */
export default function TimeMachine({ moment }: { moment: Moment }) {
  const overview = useRead<{ days: DayOfLog[] }>('past');
  const { t } = useSpeech();
  return (
    <section className="time no-print" aria-label={t('ماشین زمان', 'Time machine')}>
      <Await of={overview}>{({ days }) => (days.length === 0 ? null : <Days days={days} moment={moment} />)}</Await>
    </section>
  );
}

function Days({ days, moment }: { days: readonly DayOfLog[]; moment: Moment }) {
  const { t, n, day } = useSpeech();
  const { axis, date } = moment;
  const first = days[0]!.date;
  const last = days.at(-1)!.date;
  const count = indexOf(first, last);
  const position = Math.min(count, Math.max(0, indexOf(first, date)));
  const [speed, setSpeed] = useState(SPEEDS[1]!);
  const [playing, setPlaying] = useState(false);
  const go = (next: string) => lookAt({ axis, date: next });
  const stops = useMemo(() => days.filter((one) => one[axis] > 0).map((one) => one.date), [days, axis]);
  const before = stops.findLast((one) => one < date);
  const after = stops.find((one) => one > date);

  const shown = useRef(date);
  shown.current = date;
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      // A day is shown before the next one comes, however slow the server is.
      if (isAsking()) return;
      if (shown.current >= last) setPlaying(false);
      else lookAt({ axis, date: dateAt(shown.current, 1) });
    }, 1000 / speed);
    return () => clearInterval(timer);
  }, [playing, speed, axis, last]);

  return (
    <>
      <div className="row">
        <b className="when-shown" aria-live="polite">
          {day(date, true)}
        </b>
        <Numbers />
        <button type="button" onClick={() => lookAt(undefined)}>
          {t('بازگشت به اکنون', 'Back to now')}
        </button>
      </div>
      <Density days={days} first={first} count={count} axis={axis} />
      <input
        type="range"
        min={0}
        max={count}
        value={position}
        aria-label={t('روز', 'Day')}
        aria-valuetext={day(date, true)}
        onChange={({ target }) => (setPlaying(false), go(dateAt(first, Number(target.value))))}
      />
      <div className="row">
        <div className="tabs" role="group" aria-label={t('گام به گام', 'Step by step')}>
          <button type="button" disabled={!before} onClick={() => go(before!)}>
            {t('رویداد پیش', 'Earlier')}
          </button>
          {!calm() && (
            <button
              type="button"
              aria-pressed={playing}
              disabled={!playing && date >= last}
              onClick={() => setPlaying(!playing)}
            >
              {playing ? t('درنگ', 'Pause') : t('پخش', 'Play')}
            </button>
          )}
          <button type="button" disabled={!after} onClick={() => go(after!)}>
            {t('رویداد بعد', 'Later')}
          </button>
        </div>
        {!calm() && (
          <label>
            {t('سرعت', 'Speed')}{' '}
            <select value={speed} onChange={({ target }) => setSpeed(Number(target.value))}>
              {SPEEDS.map((each) => (
                <option key={each} value={each}>
                  {t(`${n(each)} روز در ثانیه`, `${each} days a second`)}
                </option>
              ))}
            </select>
          </label>
        )}
        <DateField label={t('روز', 'Day')} value={date} min={first} max={last} change={go} />
        <label>
          {t('چه چیز', 'What')}{' '}
          <select value={axis} onChange={({ target }) => lookAt({ axis: target.value as Moment['axis'], date })}>
            <option value="validAt">{t('آنچه تا آن روز رخ داده بود', 'what had happened by then')}</option>
            <option value="asOf">{t('آنچه آن روز دانسته بود', 'what was known then')}</option>
          </select>
        </label>
        <a href={at('differences', axis, date, last)}>{t('چه فرق کرده است؟', 'What is different?')}</a>
      </div>
    </>
  );
}

/** How much the record tells of each day, above the slider. */
function Density({
  days,
  first,
  count,
  axis,
}: {
  days: readonly DayOfLog[];
  first: string;
  count: number;
  axis: Moment['axis'];
}) {
  const most = Math.max(1, ...days.map((one) => one[axis]));
  return (
    <svg className="density" viewBox={`-0.5 0 ${count + 1} 10`} preserveAspectRatio="none" aria-hidden="true">
      {days.map((one) => {
        const height = one[axis] === 0 ? 0 : 1 + 9 * Math.sqrt(one[axis] / most);
        return <rect key={one.date} x={indexOf(first, one.date) - 0.35} width={0.7} y={10 - height} height={height} />;
      })}
    </svg>
  );
}

/** What the province came to on that day. */
function Numbers() {
  const { t, n } = useSpeech();
  const sessions = useRead<{ items: { workingGroup: string }[] }>('sessions?limit=1');
  const group = sessions.data?.items[0]?.workingGroup;
  const { data } = useRead<Summary>(group && `working-groups/${group}/summary`);
  const held = data?.bySession.filter(({ cases }) => cases > 0) ?? [];
  const latest = held.at(-1);
  if (!data || !latest) return <span className="about">{t('هنوز جلسه‌ای برگزار نشده بود.', 'No session yet.')}</span>;
  const average = Math.round((data.averageCasesPerSession ?? 0) * 10) / 10;
  const figures: [string, string | number][] = [
    [t('میانگین پرونده در جلسه', 'cases a session'), average],
    [t(`پرونده در جلسهٔ ${n(latest.number)}`, `cases in session ${latest.number}`), latest.cases],
    [t('جلسهٔ برگزارشده', 'sessions held'), data.held],
    [t('تکلیف باز', 'open'), data.open],
    [t('مهلت گذشته', 'overdue'), data.overdue],
  ];
  return (
    <dl className="then">
      {figures.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{n(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
