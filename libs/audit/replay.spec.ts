import type { RecordedEvent } from '#kernel';
import { replayed } from './index.js';

const event = (revision: number, occurredAt: string, recordedAt: string) =>
  ({ revision, recordedAt, metadata: { occurredAt } }) as RecordedEvent;
/** A claim of the 2nd was registered on the 9th, after the miss of the 5th. */
const events = [
  event(0, '2026-09-01T00:00:00.000Z', '2026-09-01T00:00:00.000Z'),
  event(1, '2026-09-05T00:00:00.000Z', '2026-09-05T00:00:30.000Z'),
  event(2, '2026-09-02T00:00:00.000Z', '2026-09-09T00:00:00.000Z'),
];
const seen = (asOf?: string, validAt?: string) => replayed(events, { asOf, validAt }).map(({ revision }) => revision);

it('tells what was known then from what was so then', () => {
  expect(seen()).toEqual([0, 1, 2]);
  expect(seen('2026-09-06T00:00:00.000Z')).toEqual([0, 1]);
  expect(seen(undefined, '2026-09-06T00:00:00.000Z')).toEqual([0, 2, 1]);
  expect(seen(undefined, '2026-09-03T00:00:00.000Z')).toEqual([0, 2]);
  expect(seen('2026-09-06T00:00:00.000Z', '2026-09-03T00:00:00.000Z')).toEqual([0]);
  expect(seen('2026-08-01T00:00:00.000Z')).toEqual([]);
});
