import type { RecordedEvent } from '#kernel';
import type { Begun, Watch } from '#watches';
import type { OpenReferralData } from './referral.commands.js';

const silent = ({ stream, data }: RecordedEvent): Begun => {
  const { resolution, obligation, addressee, chase } = data as OpenReferralData;
  const { workingDays } = chase;
  return {
    owner: 'secretary',
    after: { workingDays },
    every: workingDays,
    about: { referral: stream, resolution, obligation },
    detail: addressee,
  };
};

/** Whoever was asked and is silent is asked again, by the secretary, every so many working days (FIELD row 8). */
export const silentReferral: Watch = {
  duty: 'ask-again',
  begins: { ReferralOpened: silent, OversightReferralOpened: silent },
  ends: ['AnswerRecorded', 'OversightAnswerRecorded', 'ReferralClosed', 'OversightReferralClosed'],
};
