import type { Ladder } from '#directory';

/** A rung while it is drawn and edited: its place as one number, negative before the due instant. */
export interface Rung {
  /** Stays the same while everything else changes. */
  key: number;
  id: string;
  /** Working days; absent where the offset is a duration, which has its side beside it. */
  days?: number;
  duration?: string;
  side: 'before' | 'after';
  action: 'remind' | 'escalate';
  to: string;
  legalBasis?: string;
}

let keys = 0;
export const newKey = (): number => ++keys;

export const drawn = ({ rungs }: Pick<Ladder, 'rungs'>): Rung[] =>
  rungs.map(({ id, when, action, to, legalBasis }) => {
    const side = when.before ? 'before' : 'after';
    const offset = (when.before ?? when.after)!;
    const sign = side === 'before' ? -1 : 1;
    return {
      key: newKey(),
      id,
      side,
      action,
      to,
      ...(legalBasis !== undefined && { legalBasis }),
      ...('workingDays' in offset && offset.workingDays !== undefined ? { days: sign * offset.workingDays } : { duration: (offset as { duration: string }).duration }), // prettier-ignore
    };
  });

const UNITS = { W: 7, D: 1, H: 1 / 24, M: 1 / 1440, S: 1 / 86_400 };
/** About how many days a duration is: for its place in a picture only. */
export const durationDays = (duration = ''): number =>
  [...duration.matchAll(/(\d+)([WDHMS])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS],
    0,
  );

const signed = ({ days, side, duration }: Rung): number =>
  days ?? (side === 'before' ? -1 : 1) * Math.max(0.01, durationDays(duration));

/** In the order in which they come, as the engine wants them. */
export const inOrder = (rungs: readonly Rung[]): Rung[] => rungs.toSorted((a, b) => signed(a) - signed(b));

/** The body of `DefineLadder`, in this order. */
export const body = (rungs: readonly Rung[], repeat: number | undefined): object => ({
  rungs: rungs.map(({ id, days, duration, side, action, to, legalBasis }) => {
    const offset = days === undefined ? { duration } : { workingDays: Math.abs(days) };
    const when = (days === undefined ? side === 'before' : days < 0) ? { before: offset } : { after: offset };
    return { id, when, action, to, ...(legalBasis?.trim() && { legalBasis: legalBasis.trim() }) };
  }),
  ...(repeat && { repeat: { workingDays: repeat } }),
});

/** Enough room for both versions and a little beside. */
export function spanOf(...of: readonly { rungs: readonly Rung[]; repeat?: number }[]): [number, number] {
  const days = of.flatMap(({ rungs, repeat = 0 }) =>
    rungs.map((one) => (one.days ?? 0) + (one.days! > 0 ? repeat : 0)),
  );
  return [Math.max(5, ...days.map((d) => -d)) + 2, Math.max(10, ...days) + 3];
}
