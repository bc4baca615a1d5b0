import { splitStream } from '#kernel';
import type { Watch } from '#watches';
import { CHECK_AFTER_DAYS } from './case.js';

/** Working days after which the check of an outcome is asked for again. */
const CHECK_EVERY = 5;

/** What was solved is looked at again: does the unit work, how many people, how much (FIELD row 23). */
export const uncheckedOutcome: Watch = {
  duty: 'check-outcome',
  begins: {
    CaseClosed: ({ stream, data }) =>
      data.solved === false
        ? undefined
        : {
            owner: 'secretary',
            after: { days: CHECK_AFTER_DAYS },
            every: CHECK_EVERY,
            about: { case: splitStream(stream)[1] },
          },
  },
  ends: ['OutcomeChecked', 'CaseReopened'],
};
