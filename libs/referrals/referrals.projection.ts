import { IsIn, IsOptional } from 'class-validator';
import { CalendarHistory, rhythmOf, type CalendarChange } from '#calendar';
import { DEFAULT_CALENDAR } from '#directory';
import {
  documentsProjection,
  Id,
  kinds,
  ListParams,
  matching,
  query,
  splitStream,
  sql,
  textColumn,
  type Documents,
  type Instant,
  type Query,
  type RecordedEvent,
} from '#kernel';
import type { Waiting } from '#watches';
import type { OpenReferralData, RecordAnswerData } from './referral.commands.js';
import { silentReferral } from './referral.watch.js';

interface ReferralDocument extends OpenReferralData {
  kind: 'national' | 'oversight';
  status: 'open' | 'answered' | 'closed';
  openedAt: Instant;
  answers: (RecordAnswerData & { at: Instant; by: string })[];
  closed?: { at: Instant; outcome: string };
}

const opened = (_: ReferralDocument | undefined, { data, stream, metadata }: RecordedEvent): ReferralDocument => ({
  ...data,
  kind: splitStream(stream)[0] === 'nationalReferral' ? 'national' : 'oversight',
  status: 'open',
  openedAt: metadata.occurredAt,
  answers: [],
});
const answered = (doc: ReferralDocument | undefined, { data, metadata: { occurredAt: at, actor } }: RecordedEvent) =>
  doc && { ...doc, status: 'answered' as const, answers: [...doc.answers, { ...data, at, by: actor.id }] };
const closed = (doc: ReferralDocument | undefined, { data, metadata: { occurredAt: at } }: RecordedEvent) =>
  doc && { ...doc, status: 'closed' as const, closed: { at, outcome: data.outcome } };

const table: Documents<ReferralDocument> = {
  table: 'read_referrals',
  columns: {
    kind: textColumn(`doc->>'kind'`),
    status: textColumn(`doc->>'status'`),
    resolution: textColumn(`doc->>'resolution'`),
    opened_at: textColumn(`doc->>'openedAt'`),
  },
  indexes: ['(opened_at, id)', '(resolution)'],
  // National and oversight referrals have numberings of their own: the whole stream names one.
  idOf: ({ stream }) => stream,
  on: {
    ReferralOpened: opened,
    OversightReferralOpened: opened,
    AnswerRecorded: answered,
    OversightAnswerRecorded: answered,
    ReferralClosed: closed,
    OversightReferralClosed: closed,
  },
};

export const referralsProjection = documentsProjection('referrals', 1, [table]);

class ReferralsParams extends ListParams {
  @IsOptional() @IsIn(['national', 'oversight']) kind?: string;
  /** `open`: nobody has answered yet. */
  @IsOptional() @IsIn(['open', 'answered', 'closed']) status?: string;
  @IsOptional() @Id() resolution?: string;
}
class ReferralParams {
  @Id() id!: string;
}

interface Row {
  id: string;
  doc: ReferralDocument;
  waiting: Waiting | null;
  changes: CalendarChange[] | null;
}

const projections = [referralsProjection.name, 'watches', 'directory'];

/** `province` names the province's calendar, on which the asking is counted. */
export const referralsQueries = (province = DEFAULT_CALENDAR): readonly Query[] => {
  const selected = sql`r.id, r.doc,
    (select d.doc from ${kinds.duties} d where d.id = ${silentReferral.duty} || '/' || r.id) as waiting,
    (select c.doc->'changes' from ${kinds.calendars} c where c.id = ${province}) as changes`;
  // How often it was asked for (of which somebody was told), and when next. Nothing more, once somebody has answered.
  const item = ({ id, doc, waiting, changes }: Row) => {
    const view = changes && new CalendarHistory(province, changes).view();
    const chases = waiting && { rounds: waiting.rounds, told: waiting.told, lastAt: waiting.lastAt };
    return { id, ...doc, chases: chases && { ...chases, nextAt: view && rhythmOf(waiting, view).nextAt } };
  };
  return [
    query({
      path: 'referrals',
      summary: 'National and oversight referrals, the longest waiting first, with answers and when to ask again.',
      params: ReferralsParams,
      projections,
      find: (params, scoped) =>
        scoped.page<Row, object>(params, {
          kind: kinds.referrals,
          select: selected,
          where: matching({ kind: params.kind, status: params.status, resolution: params.resolution }),
          order: ['opened_at', 'id'],
          item,
        }),
    }),
    query({
      path: 'referrals/:id',
      summary: 'One referral, such as nationalReferral-facilitation-9-3-o1-1.',
      params: ReferralParams,
      projections,
      async find({ id }, scoped) {
        const row = await scoped.row<Row>(sql`select ${selected} from ${kinds.referrals} r where r.id = ${id}`);
        return row && item(row);
      },
    }),
  ];
};
