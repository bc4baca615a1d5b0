import { useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { durationDays, type Rung } from './rungs.js';
import { useSpeech, type Speech } from './language.js';
import { office } from './parts.js';

interface TrackProps {
  name: string;
  rungs: readonly Rung[];
  repeat?: number;
  /** Working days from communication to the due instant, when there is a term to show. */
  term?: number;
  /** Working days that the picture spans before and after the due instant. */
  span: [number, number];
  /** Absent: a picture only. */
  move?: (key: number, days: number) => void;
  remove?: (key: number) => void;
  /** The rung that a refusal is about. */
  wrong?: ReadonlySet<number>;
}

const LIMIT = 750;

/**
 * A ladder on one scale of working days, the due instant in its middle. Where it may be edited a rung is a handle: dragged,
 * or moved with the arrow keys, and taken away with Delete.
 */
export function Track({ name, rungs, repeat, term, span: [before, after], move, remove, wrong }: TrackProps) {
  const speech = useSpeech();
  const { t, n } = speech;
  const line = useRef<HTMLDivElement>(null);
  const place = (days: number) => `${(100 * (days + before)) / (before + after)}%`;
  const drag = (key: number) => (event: PointerEvent<HTMLElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const { left, right, width } = line.current!.getBoundingClientRect();
    const rtl = getComputedStyle(line.current!).direction === 'rtl';
    const part = (rtl ? right - event.clientX : event.clientX - left) / width;
    move!(key, bounded(Math.round(part * (before + after) - before)));
  };
  const press =
    ({ key, days }: Rung) =>
    (event: KeyboardEvent<HTMLElement>) => {
      const rtl = getComputedStyle(event.currentTarget).direction === 'rtl';
      const step = { ArrowUp: 1, ArrowDown: -1, ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1, PageUp: 5, PageDown: -5 }[event.key]; // prettier-ignore
      if (event.key === 'Delete') remove!(key);
      else if (step === undefined) return;
      else if (days !== undefined) move!(key, stepped(days, step));
      event.preventDefault();
    };
  const last = rungs.reduce((most, one) => Math.max(most, daysOf(one)), 0);
  const repeats = repeat ? Array.from({ length: Math.floor((after - last) / repeat) }, (_, i) => last + (i + 1) * repeat) : []; // prettier-ignore
  return (
    <figure className="track" aria-label={name}>
      <figcaption>{name}</figcaption>
      <div className="line" ref={line}>
        {term !== undefined && (
          <i
            className="term"
            style={{
              insetInlineStart: place(-Math.min(term, before)),
              width: `${(100 * Math.min(term, before)) / (before + after)}%`,
            }}
          />
        )}
        <i className="due" style={{ insetInlineStart: place(0) }} />
        {repeats.map((days) => (
          <i key={days} className="again" style={{ insetInlineStart: place(days) }} />
        ))}
        {rungs.map((one) => {
          const days = daysOf(one);
          const said = `${offsetWords(one, speech)}: ${actionWords(one, speech)}`;
          const look = `rung is-${one.action}${wrong?.has(one.key) ? ' is-wrong' : ''}`;
          const style = { insetInlineStart: place(days) };
          if (!move || one.days === undefined) {
            return (
              <span key={one.key} className={look} style={style} role="img" aria-label={said} title={said}>
                {n(Math.abs(Math.round(days)))}
              </span>
            );
          }
          return (
            <span
              key={one.key}
              className={look}
              style={style}
              role="slider"
              tabIndex={0}
              aria-label={actionWords(one, speech)}
              aria-valuenow={one.days}
              aria-valuemin={-LIMIT}
              aria-valuemax={LIMIT}
              aria-valuetext={offsetWords(one, speech)}
              title={said}
              onKeyDown={press(one)}
              onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
              onPointerMove={drag(one.key)}
            >
              {n(Math.abs(one.days))}
            </span>
          );
        })}
      </div>
      <p className="scale" aria-hidden="true">
        {term === undefined ? (
          <span>{t('پیش از مهلت', 'before')}</span>
        ) : (
          <span style={{ paddingInlineStart: place(-Math.min(term, before)) }}>{t('ابلاغ', 'communicated')}</span>
        )}
        <span style={{ insetInlineStart: place(0) }}>{t('پایان مهلت', 'due')}</span>
        <span>{t('پس از مهلت', 'after')}</span>
      </p>
    </figure>
  );
}

const daysOf = ({ days, side, duration }: Rung): number =>
  days ?? (side === 'before' ? -1 : 1) * durationDays(duration);

/** There is no rung at the due instant itself: that one is in every ladder. */
const stepped = (days: number, step: number): number => {
  const next = days + step;
  return bounded(next === 0 || Math.sign(next) !== Math.sign(days) ? -Math.sign(days) : next);
};
const bounded = (days: number): number => Math.max(-LIMIT, Math.min(LIMIT, days === 0 ? 1 : days));

/** An ISO 8601 duration as people say it: in days when it is whole days, else in hours. */
export function durationWords(duration: string | undefined, { t, n }: Speech): string {
  const days = durationDays(duration);
  const hours = Math.round(days * 240) / 10;
  return Number.isInteger(days) ? t(`${n(days)} روز`, `${days} days`) : t(`${n(hours)} ساعت`, `${hours} hours`);
}

export function offsetWords({ days, side, duration }: Rung, speech: Speech): string {
  const { t, n } = speech;
  if (days === undefined) {
    const length = durationWords(duration, speech);
    return side === 'before'
      ? t(`${length} پیش از مهلت`, `${length} before`)
      : t(`${length} پس از مهلت`, `${length} after`);
  }
  const count = n(Math.abs(days));
  return days < 0
    ? t(`${count} روز کاری پیش از مهلت`, `${count} working days before`)
    : t(`${count} روز کاری پس از مهلت`, `${count} working days after`);
}

export const actionWords = ({ action, to }: Rung, speech: Speech): string =>
  action === 'remind'
    ? speech.t(`یادآوری به ${office(to, speech)}`, `reminder to the ${office(to, speech).toLowerCase()}`)
    : speech.t(`گزارش به ${office(to, speech)}`, `escalation to the ${office(to, speech).toLowerCase()}`);
