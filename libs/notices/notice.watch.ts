import { splitStream } from '#kernel';
import type { Watch } from '#watches';

/** In how many working days somebody should have been told otherwise. */
const WITHIN_DAYS = 1;

/**
 * What could not be delivered is the secretary's, until it is acknowledged or sent again. Nobody is asked for it by a
 * notice: that might be undeliverable as well, and so on for ever. Where there is no channel at all, none is expected.
 */
export const undeliveredNotice: Watch = {
  duty: 'undelivered-notice',
  begins: {
    NoticeFailed: ({ stream, data: { final, reason, recipient } }) =>
      final && reason !== 'no-channel'
        ? {
            owner: 'secretary',
            after: { workingDays: WITHIN_DAYS },
            about: { notice: splitStream(stream)[1], recipient, reason },
          }
        : undefined,
  },
  ends: ['NoticeAcknowledged', 'NoticeResendAsked'],
};
