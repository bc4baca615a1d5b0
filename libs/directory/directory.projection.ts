import {
  DateText,
  documentsProjection,
  Id,
  kinds,
  ListParams,
  query,
  Refused,
  sql,
  textColumn,
  type Documents,
  type Query,
} from '#kernel';
import { CalendarHistory, dateOf, dayOf, type CalendarChange } from '#calendar';
import type { Agency } from './agency.js';
import type { RegisterUnitData } from './unit.commands.js';
import type { WorkingGroup } from './working-group.js';

/** Who there is: agencies, units, working groups; and the calendars that the offices' duties are counted on. */
const name = textColumn(`doc->>'name'`);

const agencies: Documents<Agency> = {
  table: 'read_agencies',
  columns: { name, kind: textColumn(`doc->>'kind'`) },
  on: { AgencyRegistered: (_, { data }) => data },
};

const units: Documents<RegisterUnitData> = {
  table: 'read_units',
  columns: { name },
  on: { UnitRegistered: (_, { data }) => data },
};

const workingGroups: Documents<WorkingGroup> = {
  table: 'read_working_groups',
  columns: { name },
  on: { WorkingGroupEstablished: (_, { data }) => data },
};

export interface CalendarDocument {
  /** What `CalendarHistory` is made of. */
  changes: CalendarChange[];
}
const changed: Documents<CalendarDocument>['on'][string] = (doc, { type, data, revision, position, metadata }) => {
  const change = { type, data, at: metadata.occurredAt, revision, position } as CalendarChange;
  return { changes: [...(doc?.changes ?? []), change] };
};
const calendars: Documents<CalendarDocument> = {
  table: 'read_calendars',
  columns: {},
  on: { CalendarDefined: changed, ClosureDeclared: changed, ClosureCancelled: changed, HoursDeclared: changed },
};

export const directoryProjection = documentsProjection('directory', 1, [agencies, units, workingGroups, calendars]);

class AgencyParams {
  @Id() id!: string;
}
const projections = [directoryProjection.name];
interface Row {
  id: string;
  doc: Agency;
}
const item = ({ id, doc }: Row) => ({ id, ...doc });

export const agenciesQuery = query({
  path: 'agencies',
  summary: 'The executive agencies.',
  params: ListParams,
  projections,
  find: (params, scoped) => scoped.page<Row, object>(params, { kind: kinds.agencies, order: ['id'], item }),
});

export const agencyQuery = query({
  path: 'agencies/:id',
  summary: 'One agency.',
  params: AgencyParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<Row>(sql`select id, doc from ${kinds.agencies} r where id = ${id}`);
    return row && item(row);
  },
});

class CalendarParams {
  @Id() id!: string;
}

export const calendarsQuery = query({
  path: 'calendars',
  summary: 'The calendars that time is counted on.',
  params: ListParams,
  projections,
  find: (params, scoped) =>
    scoped.page<{ id: string }, object>(params, { kind: kinds.calendars, order: ['id'], item: ({ id }) => ({ id }) }),
});

export const calendarQuery = query({
  path: 'calendars/:id',
  summary:
    'A calendar as it is known now: the version in force, every change, and a warning when its holidays run out.',
  params: CalendarParams,
  projections,
  async find({ id }, scoped) {
    const row = await scoped.row<CalendarDocument & { now: Date }>(
      sql`select doc->'changes' as changes, now() from ${kinds.calendars} r where r.id = ${id}`,
    );
    if (!row) return undefined;
    const history = new CalendarHistory(id, row.changes);
    const view = history.view();
    const now = row.now.toISOString();
    const { revision, changes } = history;
    const warning = history.tableWarning(now);
    return {
      id,
      revision,
      zone: view.zone,
      version: view.versionOn(view.localDay(now)),
      changes,
      ...(warning && { warning }),
    };
  },
});

class DaysParams {
  @Id() id!: string;
  @DateText() from!: string;
  @DateText() to!: string;
}
const MAX_DAYS = 400;

export const calendarDaysQuery = query({
  path: 'calendars/:id/days',
  summary: 'Days of a calendar as it is known now, 400 at most: office hours, or why a day does not count.',
  params: DaysParams,
  projections,
  async find({ id, from, to }, scoped) {
    const [first, last] = [dayOf(from), dayOf(to)];
    if (last < first || last - first >= MAX_DAYS) {
      const reason = `must not be before "from", nor more than ${MAX_DAYS} days after it`;
      throw Refused.invalid(`to ${reason}.`, [{ path: 'to', reason }]);
    }
    const row = await scoped.row<CalendarDocument>(
      sql`select doc->'changes' as changes from ${kinds.calendars} r where r.id = ${id}`,
    );
    if (!row) return undefined;
    const view = new CalendarHistory(id, row.changes).view();
    const items = Array.from({ length: last - first + 1 }, (_, index) => {
      const off = view.dayOff(first + index);
      const date = dateOf(first + index);
      return off ? { date, off } : { date, opens: view.opens(first + index), closes: view.closes(first + index) };
    });
    return { id, zone: view.zone, items };
  },
});

export const directoryQueries: readonly Query[] = [
  agenciesQuery,
  agencyQuery,
  calendarsQuery,
  calendarQuery,
  calendarDaysQuery,
];
