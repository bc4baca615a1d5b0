import { IsIn, IsOptional } from 'class-validator';
import { CATEGORIES } from '#directory';
import {
  conjunction,
  DateText,
  Id,
  kinds,
  query,
  raw,
  sql,
  systemClock,
  Text,
  type Fragment,
  type Query,
} from '#kernel';
import { COUNTED, OF_CASES, tallyProjection, type Counted } from './tally.projection.js';

const projections = [tallyProjection.name];

class AsOfParams {
  /** A day, `YYYY-MM-DD`: what had happened when it ended in Tehran. Everything so far when left out. */
  @IsOptional() @DateText() asOf?: string;
  /** A day, `YYYY-MM-DD`: what had been recorded when it ended, so as it was told then. All that is known when left out. */
  @IsOptional() @DateText() knownAt?: string;
}

const DIMENSIONS = ['agency', 'category', 'class', 'session', 'cause', 'channel'] as const;

class ScorecardsParams extends AsOfParams {
  @IsIn(DIMENSIONS) by!: (typeof DIMENSIONS)[number];
}

/** The end of a day in Tehran, as the instants of the log are written. */
const endOf = (day?: string): string => (day ? new Date(`${day}T23:59:59.999+03:30`).toISOString() : systemClock.now());

/** Facts (`t`, or another name) of an axis or both. */
const told = ({ asOf, knownAt }: AsOfParams, t = 't'): Fragment => {
  const happened = sql`${raw(t)}.at <= ${endOf(asOf)}`;
  return knownAt ? sql`${happened} and ${raw(t)}.recorded <= ${endOf(knownAt)}` : happened;
};

const sumOf = (what: string): Fragment => sql`coalesce(sum(amount) filter (where what = ${what}), 0)::int`;
const OF_OBLIGATIONS: readonly Counted[] = ['obligations', 'kept', 'late', 'missed', 'refuted', 'escalated', 'extensions', 'revoked']; // prettier-ignore

const sums = (all: readonly string[]): Fragment =>
  all.map((what) => sql`${sumOf(what)} as ${raw(what)}`).reduce((a, b) => sql`${a}, ${b}`);

/** `obligations` are all that were ever issued; of them `open` are neither met nor revoked. */
const SCORES: Fragment = sums(OF_OBLIGATIONS);

const KEYS: Record<(typeof DIMENSIONS)[number], Fragment> = {
  agency: sql`t.agency`,
  category: sql`t.category`,
  session: sql`t.session`,
  class: sql`c.class`,
  cause: sql`t.cause`,
  channel: sql`t.channel`,
};

export const scorecardsQuery = query({
  path: 'scorecards',
  summary:
    'Kept, late, missed, refuted, … by agency, category, class of units, session, cause or channel, as of any day.',
  params: ScorecardsParams,
  projections,
  async find({ by, ...when }, scoped) {
    const rows = await scoped.rows(sql`
      select ${KEYS[by]} as key, ${SCORES}, max(t.position)::text as position
      from ${kinds.tally} t ${by === 'class' ? sql`cross join lateral unnest(t.classes) as c(class)` : sql``}
      where ${told(when)} and ${KEYS[by]} is not null and t.what = any(${OF_OBLIGATIONS})
      group by 1 order by 1`);
    const items = rows.map(({ key, obligations, kept, late, revoked, ...rest }) => ({
      [by]: key,
      obligations,
      kept,
      late,
      revoked,
      open: obligations - kept - late - revoked,
      ...rest,
    }));
    return { by, asOf: when.asOf ?? null, knownAt: when.knownAt ?? null, items };
  },
});

const OF_REPORTS = ['category', 'class', 'cause', 'channel', 'outcome'] as const;

class CaseReportParams extends AsOfParams {
  @IsIn(OF_REPORTS) by!: (typeof OF_REPORTS)[number];
  /** Only cases of this category (what the unit needs), class, cause, channel, outcome. */
  @IsOptional() @IsIn(CATEGORIES) category?: string;
  @IsOptional() @Id() class?: string;
  @IsOptional() @Text(200) cause?: string;
  @IsOptional() @Id() channel?: string;
  @IsOptional() @Text() outcome?: string;
}

/**
 * Every case is in one row, but in one for each of its unit's classes; the row of what has no cause, no class, or no
 * outcome yet is the one whose key is null.
 */
export const caseReportQuery = query({
  path: 'reports/cases',
  summary: 'Cases opened, open, closed, solved, confirmed, checked, … by category, class, cause, channel or outcome.',
  params: CaseReportParams,
  projections,
  async find({ by, asOf, knownAt, class: of, ...filters }, scoped) {
    const key = by === 'class' ? sql`c.class` : sql`t.${raw(by)}`;
    const where = [told({ asOf, knownAt }), sql`t.what = any(${OF_CASES})`];
    for (const [name, value] of Object.entries(filters)) if (value) where.push(sql`t.${raw(name)} = ${value}`);
    if (of) where.push(sql`${of} = any(t.classes)`);
    const rows = await scoped.rows(sql`
      select ${key} as key, ${sums(OF_CASES)}, max(t.position)::text as position
      from ${kinds.caseTally} t ${by === 'class' ? sql`left join lateral unnest(t.classes) as c(class) on true` : sql``}
      where ${conjunction(where)} group by 1 having ${sumOf('opened')} > 0 order by 1 nulls last`);
    const items = rows.map(({ key: value, opened, closed, ...rest }) => ({
      [by]: value,
      opened,
      open: opened - closed,
      closed,
      ...rest,
    }));
    return { by, asOf: asOf ?? null, items };
  },
});

/** A number and the last event that counts in it: whoever replays the log up to there gets the same. */
interface Stated {
  value: number;
  position: string;
}

export const pressQuery = query({
  path: 'press',
  summary: 'What may be published: numbers of the province, each with the position of the log it stands for; no names.',
  params: AsOfParams,
  projections,
  async find(when, scoped) {
    const stated = async (key: Fragment, where: Fragment): Promise<Record<string, Stated>> => {
      const rows = await scoped.rows(sql`
        select ${key} as key, sum(t.amount)::int as value, max(t.position)::text as position
        from ${kinds.pressTally} t where ${told(when)} and ${where} group by 1 order by 1`);
      return Object.fromEntries(rows.map(({ key, value, position }) => [key, { value, position }]));
    };
    const none: Stated = { value: 0, position: '0' };
    const held = sql`t.session in (select h.session from ${kinds.pressTally} h where h.what = 'sessions' and ${told(when, 'h')})`;
    const totals = await stated(sql`t.what`, sql`true`);
    const sessions = totals['sessions'] ?? none;
    const tabled = (await stated(sql`'cases'::text`, sql`t.what = 'cases' and ${held}`))['cases'] ?? none;
    // A case counts once its session was held, so the number stands no earlier than the latest session does.
    const position = BigInt(tabled.position) > BigInt(sessions.position) ? tabled.position : sessions.position;
    const heard: Stated = { value: tabled.value, position };
    const [last] = await scoped.rows<{ session: string }>(sql`
      select t.session from ${kinds.pressTally} t where t.what = 'sessions' and ${told(when)}
      order by t.at desc, t.position desc limit 1`);
    return {
      asOf: when.asOf ?? null,
      knownAt: when.knownAt ?? null,
      totals: { ...Object.fromEntries(COUNTED.map((what) => [what, totals[what] ?? none])), cases: heard },
      outcomes: Object.fromEntries(OF_CASES.map((what) => [what, totals[what] ?? none])),
      averageCasesPerSession: {
        value: sessions.value === 0 ? null : heard.value / sessions.value,
        position,
      },
      latestSession: last && {
        session: last.session,
        ...(await stated(sql`t.what`, sql`t.session = ${last.session}`)),
      },
      obligationsByCategory: await stated(sql`t.category`, sql`t.what = 'obligations' and t.category is not null`),
      keptByCategory: await stated(sql`t.category`, sql`t.what in ('kept', 'late') and t.category is not null`),
    };
  },
});

export const provinceNumbersQueries: readonly Query[] = [scorecardsQuery, caseReportQuery, pressQuery];
