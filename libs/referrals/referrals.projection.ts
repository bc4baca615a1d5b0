import { IsIn, IsOptional } from 'class-validator';
import { CalendarHistory, type CalendarChange, type CalendarView } from '#calendar';
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
  systemClock,
  textColumn,
  type Documents,
  type Instant,
  type Query,
  type RecordedEvent,
} from '#kernel';
import type { OpenReferralData, RecordAnswerData } from './referral.commands.js';

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
}

/** Most rounds of asking that are counted: years of silence. */
const MAX_ROUNDS = 1_000;

/**
 * How often a silent addressee should have been asked by now, and when next: at the opening of every Nth working day of
 * the province after the day it was referred, until somebody answers.
 */
function chased({ status, openedAt, chase }: ReferralDocument, view: CalendarView, now: Instant) {
  if (status !== 'open') return { rounds: 0, nextAt: null };
  const from = view.localDay(openedAt);
  for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
    const nextAt = view.opens(view.workingDay(from, (rounds + 1) * chase.workingDays));
    if (nextAt > now) return { rounds, nextAt };
  }
  return { rounds: MAX_ROUNDS, nextAt: null };
}

const projections = [referralsProjection.name, 'directory'];

/** `province` names the province's calendar, on which the asking is counted. */
export const referralsQueries = (province = DEFAULT_CALENDAR): readonly Query[] => {
  const calendar = sql`(select c.doc->'changes' from ${kinds.calendars} c where c.id = ${province}) as changes`;
  const item = ({ id, doc, changes }: Row & { changes: CalendarChange[] | null }) => {
    const view = changes && new CalendarHistory(province, changes).view();
    return { id, ...doc, chases: view && chased(doc, view, systemClock.now()) };
  };
  return [
    query({
      path: 'referrals',
      summary: 'National and oversight referrals, the longest waiting first, with answers and when to ask again.',
      params: ReferralsParams,
      projections,
      find: (params, scoped) =>
        scoped.page<Row & { changes: CalendarChange[] | null }, object>(params, {
          kind: kinds.referrals,
          select: sql`r.id, r.doc, ${calendar}`,
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
        const row = await scoped.row<Row & { changes: CalendarChange[] | null }>(
          sql`select r.id, r.doc, ${calendar} from ${kinds.referrals} r where r.id = ${id}`,
        );
        return row && item(row);
      },
    }),
  ];
};
