import { IsIn, IsOptional } from 'class-validator';
import { factOf, Id, streamOf, type PastLog, type Query } from '#kernel';
import { LANGUAGES, type Language } from '#calendar';
import { calendarDecider, DEFAULT_CALENDAR } from '#directory';
import { obligationQuery, resolutionDecider, story, why } from '#resolutions';

class WhyParams {
  @Id() resolution!: string;
  @Id() obligation!: string;
  /** Of the story; Persian when left out. */
  @IsOptional() @IsIn(LANGUAGES) language?: Language;
}

/**
 * Why an obligation is due when it is: the account of its clock day by day, and the same as a story. Who may see the
 * obligation may ask; the answer comes from the log itself, not from a read model.
 */
export const whyQuery = ({ store, loader, clock }: PastLog): Query<WhyParams> => ({
  path: 'obligations/:resolution/:obligation/why',
  summary: 'Why this date: every counted and skipped day, every decision, every rung, planned and real.',
  params: WhyParams,
  projections: obligationQuery.projections,
  past: whyQuery,
  async run({ resolution, obligation, language = 'fa' }, reader, database) {
    if (!(await obligationQuery.run({ resolution, obligation }, reader, database))) return undefined;
    const events = await store.readStream(streamOf(resolutionDecider.aggregate, resolution));
    const named = new Set([DEFAULT_CALENDAR]);
    for (const { type, data } of events) {
      if (type === 'ResolutionIssued') for (const o of data.obligations) named.add(o.calendar);
      if (type === 'ObligationReassigned') named.add(data.calendar);
    }
    const histories = await Promise.all(
      [...named].map(async (id) => [id, (await loader.state(calendarDecider, id)).state!]),
    );
    const calendars = Object.fromEntries(histories);
    const account = why(resolution, obligation, events.map(factOf), calendars, DEFAULT_CALENDAR, clock.now());
    return { ...account, story: story(account, language) };
  },
});
