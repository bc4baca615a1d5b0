import { IsOptional } from 'class-validator';
import {
  DateText,
  documentsProjection,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  sql,
  systemClock,
  type Documents,
  type Instant,
  type Query,
} from '#kernel';
import { officeDay, officeOn, type Appointments } from './offices.js';

/** Every appointment that was ever made, by working group: who held what is answered for any day. */
interface OfficesDocument extends Appointments {
  offices: string[];
}

const table: Documents<OfficesDocument> = {
  table: 'read_offices',
  columns: {},
  on: {
    WorkingGroupEstablished: (_, { data }) => ({
      offices: [...new Set([data.chair, data.secretary])] as string[],
      holders: [],
      substitutes: [],
    }),
    HolderAppointed: (doc, { data }) => doc && named({ ...doc, holders: [...doc.holders, data] }, data.office),
    SubstituteAppointed: (doc, { data }) =>
      doc && named({ ...doc, substitutes: [...doc.substitutes, data] }, data.office),
  },
};

const named = (doc: OfficesDocument, office: string): OfficesDocument => ({
  ...doc,
  offices: [...new Set([...doc.offices, office])],
});

export const officesProjection = documentsProjection('offices', 1, [table]);

class OfficesParams {
  @Id() id!: string;
  /** A day, `YYYY-MM-DD`; today when left out. */
  @IsOptional() @DateText() on?: string;
}

export const officesQuery = query({
  path: 'working-groups/:id/offices',
  summary: 'The offices of a working group on a day: who holds them, who substitutes, which are vacant; and who did.',
  params: OfficesParams,
  projections: [officesProjection.name],
  async find({ id, on = officeDay(systemClock.now()) }, scoped) {
    const row = await scoped.row<{ doc: OfficesDocument }>(
      sql`select r.doc from ${kinds.offices} r where r.id = ${id}`,
    );
    if (!row) return undefined;
    const { offices, holders, substitutes } = row.doc;
    const of = (all: Appointments['holders'], office: string) => all.filter((one) => one.office === office);
    return {
      id,
      on,
      items: offices.map((office) => ({
        ...officeOn(row.doc, office, on),
        holders: of(holders, office),
        substitutes: of(substitutes, office),
      })),
    };
  },
});

class EscalationsParams extends ListParams {
  @Id() office!: string;
}

interface Escalated {
  doc: {
    resolution: string;
    obligation: string;
    number: string;
    agency: string;
    action: string;
    status: string;
    latest: { ObligationEscalated?: { at: Instant; rung: string } };
  };
  appointments: OfficesDocument | null;
}

export const escalationsQuery = query({
  path: 'offices/:office/escalations',
  summary: 'What was escalated to an office and is still open, with who held the office when it was.',
  params: EscalationsParams,
  projections: [officesProjection.name, 'resolutions'],
  find: ({ office, ...params }, scoped) =>
    scoped.page<Escalated, object>(params, {
      kind: kinds.obligations,
      select: sql`r.doc, (select g.doc from ${kinds.offices} g where g.id = r.working_group) as appointments`,
      where: [...matching({ escalated_to: office }), sql`r.open`],
      order: ['due_key', 'id'],
      item({ doc, appointments }) {
        const { resolution, obligation, number, agency, action, status, latest } = doc;
        const { at, rung } = latest.ObligationEscalated!;
        const heldBy = appointments && officeOn(appointments, office, officeDay(at));
        return {
          resolution,
          obligation,
          number,
          agency,
          action,
          status,
          at,
          rung,
          heldBy: heldBy ?? { office, vacant: true },
        };
      },
    }),
});

export const officesQueries: readonly Query[] = [officesQuery, escalationsQuery];
