import type { Projection, Query } from '#kernel';
import { casesProjection, casesQueries } from '#cases';
import {
  directoryProjection,
  directoryQueries,
  laddersProjection,
  laddersQueries,
  numbersProjection,
  numbersQueries,
  officesProjection,
  officesQueries,
} from '#directory';
import { handoversProjection, handoversQueries } from '#handovers';
import { noticeRecordsProjection, noticesQueries } from '#notices';
import { provinceNumbersQueries, tallyProjection } from '#numbers';
import { erasuresProjection, erasuresQueries } from '#erasure';
import { referralsProjection, referralsQueries } from '#referrals';
import { resolutionsProjection, resolutionsQueries } from '#resolutions';
import { searchProjection, searchQueries } from '#search';
import { sessionsProjection, sessionsQueries } from '#sessions';
import { templatesProjection, templatesQueries } from '#templates';
import { visitsProjection, visitsQueries } from '#visits';
import { watchesProjection } from '#watches';
import { watches } from '#apps/province';

/** Every read model. A query may join several: the tables of all of them have to be there. */
export const allProjections: readonly Projection[] = [
  directoryProjection,
  laddersProjection,
  visitsProjection,
  casesProjection,
  sessionsProjection,
  resolutionsProjection,
  numbersProjection,
  searchProjection,
  officesProjection,
  templatesProjection,
  tallyProjection,
  referralsProjection,
  handoversProjection,
  watchesProjection(watches),
  erasuresProjection,
  noticeRecordsProjection,
];

/** Those of the record itself, which can be looked at as it was. Counts have other ways. */
export const recordProjections: readonly Projection[] = [
  directoryProjection,
  laddersProjection,
  visitsProjection,
  casesProjection,
  sessionsProjection,
  resolutionsProjection,
  searchProjection,
  officesProjection,
  templatesProjection,
  referralsProjection,
  noticeRecordsProjection,
  watchesProjection(watches),
];

/** Every question that may be asked of them; `province` names the province's calendar. */
export const allQueries = (province?: string): readonly Query[] => [
  ...directoryQueries,
  ...laddersQueries,
  ...visitsQueries,
  ...casesQueries,
  ...sessionsQueries,
  ...resolutionsQueries(province),
  ...numbersQueries,
  ...searchQueries,
  ...officesQueries,
  ...templatesQueries,
  ...provinceNumbersQueries,
  ...referralsQueries(province),
  ...handoversQueries,
  ...erasuresQueries,
  ...noticesQueries,
];
