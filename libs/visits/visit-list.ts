import { kinds, query, sql, type Fragment } from '#kernel';
import { IsOptional, Matches } from 'class-validator';
import type { RegisterUnitData } from '#directory';

/**
 * What each reason weighs. The document asks for small and medium units with a problem first, and names
 * knowledge-based units and brands to be revived (FIELD rows 11, 13, 16); everything else only orders among equals.
 */
export const WEIGHTS = {
  'problem-of-small-or-medium': 100,
  'problem-of-large': 50,
  'knowledge-based': 20,
  'brand-revival': 20,
  overdue: 15,
  'never-visited': 12,
  /** For each month since the last visit, at most twelve. */
  'not-visited-for-months': 1,
} as const;
type Reason = keyof typeof WEIGHTS;
const MAX_MONTHS = 12;

const WORDS: Record<Reason, (count: string) => string> = {
  'problem-of-small-or-medium': (count) => `واحد کوچک یا متوسط با ${count} پروندهٔ باز`,
  'problem-of-large': (count) => `واحد بزرگ با ${count} پروندهٔ باز`,
  'knowledge-based': () => 'دانش‌بنیان',
  'brand-revival': () => 'احیای برند',
  overdue: (count) => `${count} تکلیف معوق دستگاه‌ها برای این واحد`,
  'never-visited': () => 'تاکنون بازدید نشده',
  'not-visited-for-months': (count) => `${count} ماه از آخرین بازدید گذشته`,
};
const digits = new Intl.NumberFormat('fa-IR');

class VisitListParams {
  /** 1 to 100; 20 when not given. */
  @IsOptional()
  @Matches(/^([1-9]\d?|100)$/, { message: 'limit must be a whole number from 1 to 100' })
  limit?: string;
}

interface Row {
  id: string;
  doc: RegisterUnitData;
  problems: number;
  overdue: number;
  last_visit: string | null;
  months: number | null;
  points: number;
}

const points = (reason: Reason): Fragment => sql`${WEIGHTS[reason]}::int`;

export const visitListQuery = query({
  path: 'visit-list',
  summary: 'Which units to visit next, the most pressing first, each with the reasons for its rank. It makes itself.',
  params: VisitListParams,
  projections: ['visits', 'cases', 'resolutions', 'directory'],
  async find({ limit = '20' }, scoped) {
    const today = sql`(clock_timestamp() at time zone 'Asia/Tehran')::date`;
    // A unit whose visit is planned already is on nobody's list; neither is one that nothing speaks for.
    const rows = await scoped.rows<Row>(sql`
      select * from (
        select f.*, (case when problems = 0 then 0 when doc->>'size' = 'large' then ${points('problem-of-large')}
              else ${points('problem-of-small-or-medium')} end)
          + (doc->'classes' ? 'knowledge-based')::int * ${points('knowledge-based')}
          + (doc->'classes' ? 'brand-revival')::int * ${points('brand-revival')}
          + (overdue > 0)::int * ${points('overdue')}
          + case when months is null then ${points('never-visited')}
              else least(months, ${MAX_MONTHS}) * ${points('not-visited-for-months')} end as points
        from (
          select u.id, u.doc, v.last_visit, case when v.last_visit is not null then greatest((${today} - v.last_visit::date) / 30, 0) end as months,
            (select count(*)::int from ${kinds.cases} c where c.unit = u.id and c.status <> 'closed') as problems,
            (select count(*)::int from ${kinds.obligations} o join ${kinds.cases} c on c.id = o.case_id
              where c.unit = u.id and o.open and o.missed_at is not null) as overdue
          from ${kinds.units} u
          left join lateral (select max(date) filter (where visited) as last_visit,
              bool_or(not visited and date::date >= ${today}) as planned from ${kinds.visits} x where x.unit = u.id) v on true
          where v.planned is not true
        ) f
      ) ranked where problems > 0 or overdue > 0 or doc->'classes' ?| array['knowledge-based', 'brand-revival']
      order by points desc, last_visit nulls first, id limit ${Number(limit)}`);
    return { items: rows.map(item) };
  },
});

function item({ id, doc, problems, overdue, last_visit: lastVisit, months, points: total }: Row, index: number) {
  const reasons: { reason: Reason; points: number; text: string }[] = [];
  const because = (reason: Reason, count = 0, times = 1) =>
    reasons.push({ reason, points: WEIGHTS[reason] * times, text: WORDS[reason](digits.format(count)) });
  if (problems > 0) because(doc.size === 'large' ? 'problem-of-large' : 'problem-of-small-or-medium', problems);
  if (doc.classes.includes('knowledge-based')) because('knowledge-based');
  if (doc.classes.includes('brand-revival')) because('brand-revival');
  if (overdue > 0) because('overdue', overdue);
  if (months === null) because('never-visited');
  else if (months > 0) because('not-visited-for-months', months, Math.min(months, MAX_MONTHS));
  const { name, size, classes, sector } = doc;
  return {
    rank: index + 1,
    unit: id,
    name,
    size,
    classes,
    sector,
    problems,
    overdue,
    lastVisit,
    points: total,
    reasons,
  };
}
