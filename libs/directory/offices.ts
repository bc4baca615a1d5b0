import type { AppointData } from './working-group.commands.js';

/** Who was appointed to the offices of a working group, in the order in which it was decided. */
export interface Appointments {
  holders: readonly AppointData[];
  substitutes: readonly AppointData[];
}

/** An office on one day. It is vacant when nobody holds it, even if somebody substitutes. */
export interface Office {
  office: string;
  holder?: string;
  since?: string;
  until?: string;
  substitute?: string;
  vacant: boolean;
  /** Who answers for it on that day: the substitute, else the holder. */
  acting?: string;
}

const covers = ({ from, to }: AppointData, day: string): boolean => from <= day && (to === undefined || day <= to);

/**
 * Who held an office on a day (`YYYY-MM-DD`). A new holder ends the one before for good: when his own term has run out
 * the office is vacant, and does not fall back.
 */
export function officeOn({ holders, substitutes }: Appointments, office: string, day: string): Office {
  const begun = holders.filter((one) => one.office === office && one.from <= day);
  // Of two that begin on one day the one that was decided later.
  const latest = begun.reduce<AppointData | undefined>((a, b) => (a && a.from > b.from ? a : b), undefined);
  const holder = latest && covers(latest, day) ? latest : undefined;
  const substitute = substitutes.find((one) => one.office === office && covers(one, day))?.person;
  return {
    office,
    ...(holder && { holder: holder.person, since: holder.from, ...(holder.to && { until: holder.to }) }),
    ...(substitute && { substitute }),
    vacant: holder === undefined,
    acting: substitute ?? holder?.person,
  };
}

/** The local day of an instant in the province's zone: appointments are made by the day. */
export const officeDay = (instant: string, zone = 'Asia/Tehran'): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    new Date(instant),
  );
