import { useSyncExternalStore } from 'react';

/** The day at which the record is looked at: as it was known, or as it was in truth. Undefined: now. */
export interface Moment {
  axis: 'asOf' | 'validAt';
  /** A day in Tehran, `YYYY-MM-DD`; its end is what is meant. */
  date: string;
}

const listeners = new Set<() => void>();

export const endOf = (date: string): string => new Date(`${date}T23:59:59.999+03:30`).toISOString();

/** What follows `?` in the part of the address that is ours: `#/cases/c-17?validAt=2026-09-30`. */
function momentIn(hash: string): Moment | undefined {
  const [, axis, date] = /\?(asOf|validAt)=(\d{4}-\d\d-\d\d)$/.exec(hash) ?? [];
  const there = axis !== undefined && date !== undefined && !Number.isNaN(Date.parse(date));
  return there ? { axis: axis as Moment['axis'], date } : undefined;
}

/** The day stands in the address, so that it can be sent, and stays when the page is loaded again. */
const written = (): string => (moment ? `?${moment.axis}=${moment.date}` : '');
const pathOf = (hash: string): string => hash.replace(/\?.*$/, '');

/** What only names things is read by tests, too, where there is no address. */
const inBrowser = typeof location !== 'undefined';
let moment = inBrowser ? momentIn(location.hash) : undefined;

/** A link within the interface, at the day that is looked at. */
export const at = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}${written()}`;

/** The parts of the address after `#/`. */
export const addressed = (): string[] => pathOf(location.hash).replace(/^#\/?/, '').split('/').filter(Boolean);

export function lookAt(next: Moment | undefined): void {
  moment = next;
  history.replaceState(null, '', (pathOf(location.hash) || '#/') + written());
  for (const listener of listeners) listener();
}

// An address that says nothing of a day is another page of the same one.
if (inBrowser) addEventListener('hashchange', () => lookAt(momentIn(location.hash) ?? moment));

const subscribe = (listener: () => void) => (listeners.add(listener), () => void listeners.delete(listener));

/** The moment that every page shows. */
export const usePast = (): Moment | undefined => useSyncExternalStore(subscribe, () => moment);

/** What time it is on the page, in ms: on a day of the past, its end. */
export const nowMs = (): number => (moment ? Math.min(Date.parse(endOf(moment.date)), Date.now()) : Date.now());

/** What is about the present, or has dates of its own. */
const TIMELESS = /^(session|past|events|numbers|checkpoints|proofs|press|scorecards(?!\/)|notices)(?![a-z])/;

/** The address of a read at a moment. */
export const onDay = (path: string, at: Moment | undefined): string =>
  !at || TIMELESS.test(path) ? path : `${path}${path.includes('?') ? '&' : '?'}${at.axis}=${endOf(at.date)}`;
