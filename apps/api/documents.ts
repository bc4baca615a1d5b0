import { IsOptional, Matches } from 'class-validator';
import { StreamableFile } from '@nestjs/common';
import { Id, kinds, Scoped, sql, visible, type Actor, type EventStore, type Position, type Query } from '#kernel';
import { pdfOf, type PrintedDocument } from '#documents';
import { handoversProjection } from '#handovers';
import { obligationQuery, resolutionQuery } from '#resolutions';
import { sessionQuery } from '#sessions';
import { dossier } from '#apps/documents/dossier';
import { handover } from '#apps/documents/handover';
import { letter } from '#apps/documents/letter';
import { minutes } from '#apps/documents/minutes';

class DocumentParams {
  /** What was known then; all that is known now when left out. One position gives one document, to the byte. */
  @IsOptional() @Matches(/^\d{1,18}$/, { message: 'position must be one, as an event gives it' }) position?: Position;
}
class MinutesParams extends DocumentParams {
  @Id() id!: string;
}
class LetterParams extends DocumentParams {
  @Id() id!: string;
  @Id() agency!: string;
}
class DossierParams extends DocumentParams {
  @Id() resolution!: string;
  @Id() obligation!: string;
}

class HandoverParams extends DocumentParams {
  @Id() office!: string;
  @Id() id!: string;
}

type Log = { store: Pick<EventStore, 'readStream'> };

/** What may be printed. All of it comes from the log; the read models only say who may see it. */
export const documentQueries = (log: Log): Query[] =>
  documents(log).map((read, index) => ({ ...read, past: (then) => documents(then)[index]! }));

const documents = ({ store }: Log): Query[] => [
  ...both<MinutesParams>(
    {
      path: 'sessions/:id/minutes',
      summary: 'The minutes of a session, once they are signed.',
      params: MinutesParams,
      projections: sessionQuery.projections,
    },
    async ({ id, position }, reader, database) => {
      if (!(await sessionQuery.run({ id }, reader, database))) return undefined;
      const agenda = await new Scoped(reader, database).rows<{ case_id: string }>(
        sql`select a.case_id from ${kinds.agendas} a where a.session = ${id} order by a.case_id`,
      );
      return minutes(store, id, [...new Set(agenda.map(({ case_id: of }) => of))], position);
    },
  ),
  ...both<LetterParams>(
    {
      path: 'resolutions/:id/letters/:agency',
      summary: 'The letter that communicates a resolution to one agency: its own obligations and nobody else’s.',
      params: LetterParams,
      projections: resolutionQuery.projections,
    },
    async ({ id, agency, position }, reader, database) => {
      if (reader.role === 'agency' && reader.agency !== agency) return undefined;
      return (await resolutionQuery.run({ id }, reader, database)) && letter(store, id, agency, position);
    },
  ),
  ...both<DossierParams>(
    {
      path: 'obligations/:resolution/:obligation/dossier',
      summary: 'The whole story of an obligation as one document, with its evidence and legal basis.',
      params: DossierParams,
      projections: obligationQuery.projections,
    },
    async ({ resolution, obligation, position }, reader, database) => {
      // It tells what the province asks of others about the agency: no more for its eyes than the referrals themselves.
      visible(kinds.referrals, reader);
      return (
        (await obligationQuery.run({ resolution, obligation }, reader, database)) &&
        dossier(store, resolution, obligation, position)
      );
    },
  ),
  ...both<HandoverParams>(
    {
      path: 'offices/:office/handovers/:id',
      summary: 'The list of what was open for an office when its holder changed, with its hash and who has signed.',
      params: HandoverParams,
      projections: [handoversProjection.name],
    },
    async ({ office, id, position }, reader) => {
      visible(kinds.handovers, reader);
      return handover(store, office, id, position);
    },
  ),
];

/** The same document twice: as JSON at its path, as PDF with `.pdf` behind it. */
const both = <Params extends object>(
  read: Omit<Query<Params>, 'run'>,
  find: (params: Params, reader: Actor, database: Parameters<Query['run']>[2]) => Promise<PrintedDocument | undefined>,
): Query<Params>[] => [
  { ...read, run: find },
  {
    ...read,
    path: `${read.path}.pdf`,
    summary: `${read.summary} As a PDF.`,
    type: 'application/pdf',
    async run(params, reader, database) {
      const document = await find(params, reader, database);
      return document && file(document);
    },
  },
];

async function file(document: PrintedDocument): Promise<StreamableFile> {
  const name = encodeURIComponent(`${document.title} ${document.number}.pdf`.replaceAll('/', '-'));
  return new StreamableFile(await pdfOf(document), {
    type: 'application/pdf',
    disposition: `attachment; filename="document.pdf"; filename*=UTF-8''${name.replaceAll(/['()*]/g, escaped)}`,
  });
}

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16)}`;
