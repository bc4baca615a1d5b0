import { splitStream, type Policy } from '#kernel';
import type { OpenReferralData } from './referral.commands.js';

/** How often a silent addressee is asked again unless the referral says otherwise: two weeks of five working days. */
const CHASE_WORKING_DAYS = 10;

/**
 * The governor's referral gets a stream of its own, `<resolution>-<obligation>-<n>`; the event counts the n, because
 * one obligation may be referred to several bodies.
 */
export const referralOpensStream: Policy = {
  name: 'referral-opens-stream',
  on: ['ReferredToNational', 'ReferredToOversight'],
  react({ stream, type, data: { obligation, body, basis, n } }) {
    const [, resolution] = splitStream(stream);
    const chase = { workingDays: CHASE_WORKING_DAYS };
    const data: OpenReferralData = { resolution, obligation, addressee: body, basis, chase };
    const id = `${resolution}-${obligation}-${n}`;
    return type === 'ReferredToNational'
      ? [{ aggregate: 'nationalReferral', id, name: 'OpenReferral', data }]
      : [{ aggregate: 'oversightReferral', id, name: 'OpenOversightReferral', data }];
  },
};
