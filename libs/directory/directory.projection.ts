import {
  documentsProjection,
  Id,
  kinds,
  ListParams,
  query,
  sql,
  textColumn,
  type Documents,
  type Query,
} from '#kernel';
import type { CalendarChange } from '#calendar';
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

export const directoryQueries: readonly Query[] = [agenciesQuery, agencyQuery];
