import { Refused, type AnyDecider, type FieldError, type Reads } from '#kernel';
import { termFault, termOf, type CalendarHistory } from '#calendar';
import { agencyDecider, calendarDecider, ladderDecider, ladderInForce, type LadderState } from '#directory';
import type { ObligationData } from './resolution.commands.js';
import type { PinnedObligation } from './state.js';

/** What obligations refer to, read once for deciding. Absent: there is none of that name. */
export interface References {
  /** The province's own calendar: offices' rungs and duties are counted on it. */
  province: string;
  /** Each agency's own calendar, by agency. */
  agencies: Readonly<Record<string, { calendar: string } | undefined>>;
  calendars: Readonly<Record<string, CalendarHistory | undefined>>;
  ladders: Readonly<Record<string, LadderState | undefined>>;
}

/** Reads what these obligations refer to. */
export async function readReferences(
  obligations: readonly { agency?: string; calendar?: string; ladder?: string }[],
  reads: Reads,
  province: string,
): Promise<References> {
  const all = async <S>(decider: Pick<AnyDecider<S>, 'aggregate' | 'initial' | 'evolve'>, ids: Iterable<string>) =>
    Object.fromEntries(
      await Promise.all([...new Set(ids)].map(async (id) => [id, (await reads.state(decider, id)).state] as const)),
    ) as Record<string, S | undefined>;
  const named = <K extends 'agency' | 'calendar' | 'ladder'>(key: K) =>
    obligations.flatMap((o) => (typeof o[key] === 'string' ? [o[key]] : []));
  const registered = Object.entries(await all(agencyDecider, named('agency')));
  const agencies = Object.fromEntries(
    registered.flatMap(([id, agency]) => (agency?.status === 'registered' ? [[id, agency]] : [])),
  ) as References['agencies'];
  const own = Object.values(agencies).map((agency) => agency!.calendar);
  const calendars: References['calendars'] = await all(calendarDecider, [province, ...named('calendar'), ...own]);
  const ids = [...named('ladder'), 'standard'];
  const defined = await all(ladderDecider, ids);
  const ladders = Object.fromEntries(ids.map((id) => [id, ladderInForce(id, defined[id])]));
  return { province, agencies, calendars, ladders };
}

/**
 * The obligations of a resolution, checked as a whole and pinned: calendar, rungs and ladder version as they are now.
 * @throws Refused `invalid` (422) naming every fault: no owner, term or acceptance; unknown agency, calendar, ladder
 */
export function checkObligations(obligations: readonly ObligationData[], refs: References): PinnedObligation[] {
  const errors: FieldError[] = [];
  if (obligations.length === 0) {
    errors.push({ path: 'obligations', reason: 'must have at least one: a resolution binds somebody to something' });
  }
  if (!refs.calendars[refs.province]) {
    errors.push({
      path: 'obligations',
      reason: `cannot be counted: the province's calendar "${refs.province}" is not defined`,
    });
  }
  const seen = new Set<string>();
  const startable = startableOf(obligations);
  const pinned = obligations.map((o, index) => {
    const fault = (field: string, reason: string) => errors.push({ path: `obligations[${index}].${field}`, reason });
    if (seen.has(o.id)) fault('id', `must be unique; "${o.id}" is there already`);
    seen.add(o.id);
    if (!o.agency) fault('agency', 'is missing: an obligation has one owner');
    if (!o.acceptance?.trim()) fault('acceptance', 'is missing: say what counts as done');
    const termReason = o.term ? termFault(o.term) : 'is missing: an obligation without a term is forgotten';
    if (termReason) fault('term', termReason);
    const agency = o.agency ? refs.agencies[o.agency] : undefined;
    if (o.agency && !agency) fault('agency', `"${o.agency}" is not registered`);
    const calendar = o.calendar ?? agency?.calendar ?? refs.province;
    if (!refs.calendars[calendar]) fault('calendar', `"${calendar}" is not defined`);
    const ladderId = o.ladder ?? 'standard';
    const ladder = refs.ladders[ladderId];
    if (!ladder) fault('ladder', `"${ladderId}" is not defined`);
    for (const id of o.dependsOn ?? []) {
      if (!obligations.some((other) => other.id === id))
        fault('dependsOn', `"${id}" is no obligation of this resolution`);
    }
    if (!startable.has(o.id)) fault('dependsOn', 'is a circle: none of those in it could ever start');
    return {
      id: o.id,
      agency: o.agency!,
      action: o.action,
      acceptance: o.acceptance!,
      term: termOf(o.term ?? {}),
      calendar,
      calendarNamed: o.calendar !== undefined,
      ladder: ladderId,
      ladderVersion: ladder?.version ?? 0,
      rungs: ladder?.rungs ?? [],
      ...(ladder?.repeat && { repeat: ladder.repeat }),
      ...(o.dependsOn?.length && { dependsOn: o.dependsOn }),
    };
  });
  if (errors.length > 0) {
    throw new Refused('invalid', errors.map(({ path, reason }) => `${path} ${reason}`).join('; '), 422, errors);
  }
  return pinned;
}

/** Ids of the obligations that start some day if all are met: those that do not hang on a circle. */
function startableOf(obligations: readonly ObligationData[]): Set<string> {
  const ids = new Set(obligations.map(({ id }) => id));
  const startable = new Set<string>();
  for (let before = -1; before < startable.size;) {
    before = startable.size;
    for (const { id, dependsOn = [] } of obligations) {
      // A name that nobody bears is another fault, told by itself.
      if (dependsOn.every((other) => startable.has(other) || !ids.has(other))) startable.add(id);
    }
  }
  return startable;
}
