import type { AnyDecider, Policy } from '#kernel';
import { caseDecider, endedResolutionFreesCase, issuedResolutionLinksCase, uncheckedOutcome } from '#cases';
import { agencyDecider, calendarDecider, ladderDecider, unitDecider, workingGroupDecider } from '#directory';
import { readingDecider } from '#audit';
import { handoverDecider } from '#handovers';
import {
  agencyContactsDecider,
  noticeDecider,
  noticeTemplateDecider,
  officeContactsDecider,
  undeliveredNotice,
} from '#notices';
import { nationalReferralDecider, oversightReferralDecider, referralOpensStream, silentReferral } from '#referrals';
import { changedCalendarMovesDeadlines, resolutionDecider } from '#resolutions';
import { sessionDecider, signedMinutesIssueResolutions } from '#sessions';
import { erasureDecider } from '#erasure';
import { templateDecider } from '#templates';
import { visitDecider, visitFindingsOpenCases } from '#visits';
import type { Watch } from '#watches';

/** Everything that decides, and everything that carries facts between streams. Production and simulation share it. */
export const deciders: readonly AnyDecider[] = [
  agencyDecider,
  unitDecider,
  calendarDecider,
  ladderDecider,
  workingGroupDecider,
  visitDecider,
  caseDecider,
  sessionDecider,
  resolutionDecider,
  nationalReferralDecider,
  oversightReferralDecider,
  templateDecider,
  erasureDecider,
  officeContactsDecider,
  agencyContactsDecider,
  noticeTemplateDecider,
];

/** What only a live deployment writes besides: that somebody was told, has read, or hands an office over. */
export const liveDeciders: readonly AnyDecider[] = [noticeDecider, readingDecider, handoverDecider];

export const policies: readonly Policy[] = [
  visitFindingsOpenCases,
  signedMinutesIssueResolutions,
  issuedResolutionLinksCase,
  endedResolutionFreesCase,
  referralOpensStream,
  changedCalendarMovesDeadlines,
];

/** What somebody waits for, outside resolutions: duties of offices that a live province asks for again and again. */
export const watches: readonly Watch[] = [silentReferral, uncheckedOutcome, undeliveredNotice];

/** Which aggregate a command of a timeline goes to; a name that two aggregates share goes to the first. */
export const aggregateOf: ReadonlyMap<string, string> = new Map(
  deciders
    .toReversed()
    .flatMap(({ aggregate, commands }) => Object.keys(commands).map((name) => [name, aggregate] as const)),
);
