import { IsIn, IsOptional } from 'class-validator';
import { Id, streamOf, type PastLog, type Query } from '#kernel';
import { LANGUAGES, type Language } from '#calendar';
import { calendarDecider } from '#directory';
import { obligationQuery, resolutionDecider, story } from '#resolutions';
import { accountOf } from '#apps/documents/account';

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
    const calendarOf = async (id: string) => (await loader.state(calendarDecider, id)).state;
    const account = await accountOf(resolution, obligation, events, calendarOf, () => clock.now());
    return { ...account, story: story(account, language) };
  },
});
