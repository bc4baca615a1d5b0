import { useSyncExternalStore } from 'react';

/** The day at which the record is looked at: as it was known, or as it was in truth. Undefined: now. */
export interface Moment {
  axis: 'asOf' | 'validAt';
  /** A day in Tehran, `YYYY-MM-DD`; its end is what is meant. */
  date: string;
}

let moment: Moment | undefined;
const listeners = new Set<() => void>();

export const endOf = (date: string): string => new Date(`${date}T23:59:59.999+03:30`).toISOString();

export function lookAt(next: Moment | undefined): void {
  moment = next;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener));

/** The moment that every page shows. */
export const usePast = (): Moment | undefined => useSyncExternalStore(subscribe, () => moment);

/** What time it is on the page, in ms: on a day of the past, its end. */
export const nowMs = (): number => (moment ? Math.min(Date.parse(endOf(moment.date)), Date.now()) : Date.now());

/** What is about the present, or has dates of its own. */
const TIMELESS = /^(session|past|events|numbers|checkpoints|proofs|search|press|scorecards(?!\/)|notices)(?![a-z])/;

/** The address of a read at a moment. */
export const onDay = (path: string, at: Moment | undefined): string =>
  !at || TIMELESS.test(path) ? path : `${path}${path.includes('?') ? '&' : '?'}${at.axis}=${endOf(at.date)}`;
