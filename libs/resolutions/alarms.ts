import { later, type Instant, type Role } from '#kernel';
import { durationMs, plusMs, type CalendarView } from '#calendar';
import type { Rung } from '#directory';
import { DUTIES, type Duty, type DutyName, type Obligation, type Resolution } from './state.js';

/** How a clock sees calendars: by id, as known at the moment that is being judged. */
export type Views = (calendar: string) => CalendarView;

/** Something that will happen by itself if nothing else does. */
export type Alarm = { at: Instant; obligation?: string } & (
  | { kind: 'rung'; rung: string; of: Rung; to: string }
  | { kind: 'due' }
  | { kind: 'duty'; duty: DutyName | 'communicate'; count: number; owner: Role; since: Instant }
);

/** A missed duty comes again this many working days later, and again. */
const DUTY_REPEAT_DAYS = 5;

/** Rungs are counted on the recipient's calendar: the agency's is the obligation's, every office's is the province's. */
const calendarOf = (o: Obligation, rung: Rung, province: string) => (rung.to === 'agency' ? o.calendar : province);

/** The planned instant of a rung, counted from `base` (CONTRACT section 5). */
export function rungAt({ when }: Rung, base: Instant, view: CalendarView): Instant {
  const sign = when.before ? -1 : 1;
  const offset = when.before ?? when.after!;
  if (offset.duration !== undefined) return plusMs(base, sign * durationMs(offset.duration)!);
  return view.opens(view.workingDay(view.localDay(base), sign * offset.workingDays));
}

/** When a duty is missed the next time. */
export function dutyAlarm(duty: Duty, name: DutyName | 'communicate', view: CalendarView, obligation?: string): Alarm {
  const days = duty.term + duty.missed * DUTY_REPEAT_DAYS;
  const at = view.closes(view.workingDay(view.localDay(duty.since), days));
  return { at, obligation, kind: 'duty', duty: name, count: duty.missed + 1, owner: duty.owner, since: duty.since };
}

function* rungsOf(o: Obligation, views: Views, province: string): Generator<Alarm> {
  const alarm = (rung: Rung, id: string, at: Instant): Alarm => ({
    at,
    obligation: o.id,
    kind: 'rung',
    rung: id,
    of: rung,
    to: rung.to,
  });
  if (o.status === 'running') {
    const { dueAt } = o.clock!;
    for (const rung of o.rungs) {
      if (!rung.when.before || o.fired[rung.id]) continue;
      const at = rungAt(rung, dueAt, views(calendarOf(o, rung, province)));
      if (at > o.skippedUntil) yield alarm(rung, rung.id, at);
    }
    yield { at: dueAt, obligation: o.id, kind: 'due' };
  } else if (o.status === 'missed') {
    const after = o.rungs.filter(({ when }) => when.after);
    const base = o.countedFrom ?? o.clock!.dueAt;
    for (const rung of after) {
      if (!o.fired[rung.id]) yield alarm(rung, rung.id, rungAt(rung, base, views(calendarOf(o, rung, province))));
    }
    const last = after.at(-1)!;
    const previous = o.fired[o.repeats === 0 ? last.id : `${last.id}+${o.repeats}`];
    if (o.repeat && previous) {
      const view = views(calendarOf(o, last, province));
      const from = view.localDay(o.countedFrom ? later(previous, o.countedFrom) : previous);
      yield alarm(last, `${last.id}+${o.repeats + 1}`, view.opens(view.workingDay(from, o.repeat.workingDays)));
    }
  }
}

/** Every armed instant of an obligation, in the order in which they fire when they fall on one instant. */
export function* alarmsOf(o: Obligation, views: Views, province: string): Generator<Alarm> {
  yield* rungsOf(o, views, province);
  for (const name of DUTIES) {
    const duty = o.duties[name];
    if (duty) yield dutyAlarm(duty, name, views(province), o.id);
  }
}

/** Every armed instant of a resolution: its obligations in their places, then its own duty. */
export function* alarmsOfResolution(state: Resolution, views: Views, province: string): Generator<Alarm> {
  for (const o of state.obligations) yield* alarmsOf(o, views, province);
  if (state.communicate) yield dutyAlarm(state.communicate, 'communicate', views(province));
}

/** The first to fire; `notBefore` is the instant from which what lies in the past counts as due at once. */
export function nextAlarm(
  state: Resolution,
  views: Views,
  province: string,
  notBefore: Instant = '',
): Alarm | undefined {
  let next: Alarm | undefined;
  for (const alarm of alarmsOfResolution(state, views, province)) {
    if (!next || later(alarm.at, notBefore) < later(next.at, notBefore)) next = alarm;
  }
  return next;
}
