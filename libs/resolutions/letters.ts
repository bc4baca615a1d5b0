import { jalaliYear, spokenNumber } from '#calendar';
import { officeDay } from '#directory';
import { Id, kinds, query, sql, systemClock, type Instant } from '#kernel';
import { resolutionsProjection } from './resolutions.projection.js';

/** A letter that communicated a resolution, under the number that the secretary gave it. */
export interface Letter {
  resolution: string;
  letterNumber: string;
  at: Instant;
}

const latin = (text: string): string =>
  text.replace(/[۰-۹٠-٩]/g, (digit) => String('۰۱۲۳۴۵۶۷۸۹'.indexOf(digit) + '٠١٢٣٤٥٦٧٨٩'.indexOf(digit) + 1));

/** `۱۴۰۵/۱۲۳` → its series and its place in it; undefined when it does not end in a number that can be counted. */
function placeOf(letterNumber: string): { series: string; place: number } | undefined {
  const [, series, digits] = /^(.*?)(\d{1,9})$/s.exec(latin(letterNumber.trim())) ?? [];
  return series === undefined ? undefined : { series, place: Number(digits) };
}

/** At most so many missing numbers are named: a jump of the registry is no list. */
const MAX_GAPS = 100;

/**
 * The letters of a group as a register: what the next one is proposed to be, which numbers are missing between, and
 * which were given twice. `letters` in the order in which they were sent. The next number continues the series of the
 * last letter, in its own digits; a series that names its Jalali year begins anew with the year.
 */
export function register(letters: readonly Letter[], year: number, yearOf: (at: Instant) => number) {
  const placed = letters.flatMap((letter) => {
    const place = placeOf(letter.letterNumber);
    return place ? [{ ...letter, ...place }] : [];
  });
  const series = new Map<string, number[]>();
  for (const { series: name, place } of placed) series.set(name, [...(series.get(name) ?? []), place]);
  const gaps: string[] = [];
  const doubles = new Set<string>();
  for (const [name, places] of series) {
    places.sort((a, b) => a - b);
    places.forEach((place, index) => {
      const before = places[index - 1] ?? place - 1;
      if (before === place) doubles.add(name + place);
      for (let n = before + 1; n < place && gaps.length < MAX_GAPS; n++) gaps.push(name + n);
    });
  }
  const last = placed.at(-1);
  const next = (): string => {
    if (!last) return spokenNumber(`${year}/1`, 'fa');
    const then = String(yearOf(last.at));
    const anew = then !== String(year) && last.series.includes(then);
    const name = anew ? last.series.replace(then, String(year)) : last.series;
    const number = `${name}${(series.get(name)?.at(-1) ?? 0) + 1}`;
    return /[۰-۹]/.test(last.letterNumber) ? spokenNumber(number, 'fa') : number;
  };
  return { next: next(), gaps, doubles: [...doubles] };
}

class LettersParams {
  @Id() id!: string;
}

export const lettersQuery = query({
  path: 'working-groups/:id/letters',
  summary:
    'The letters of a working group: their numbers, the next one, what is missing between and what was given twice.',
  params: LettersParams,
  projections: [resolutionsProjection.name, 'directory'],
  async find({ id }, scoped) {
    if (!(await scoped.row(sql`select g.id from ${kinds.workingGroups} g where g.id = ${id}`))) return undefined;
    const letters = await scoped.rows<Letter>(sql`
      select r.id as resolution, r.doc->>'letterNumber' as "letterNumber", r.doc->>'communicatedAt' as at
        from ${kinds.resolutions} r
       where r.doc ? 'letterNumber' and regexp_replace(r.session, '-[0-9]+$', '') = ${id}
       order by r.doc->>'communicatedAt', r.id`);
    const yearOf = (at: Instant) => jalaliYear(officeDay(at));
    return { id, ...register(letters, yearOf(systemClock.now()), yearOf), items: letters };
  },
});
