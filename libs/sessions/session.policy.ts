import { splitStream, type Policy } from '#kernel';
import type { IssueResolution } from '#resolutions';
import { sessionDecider } from './session.js';

/** The signature makes resolutions of what was adopted. Nothing is adopted after it, so the stream can be read at any time. */
export const signedMinutesIssueResolutions: Policy = {
  name: 'signed-minutes-issue-resolutions',
  on: ['MinutesSigned'],
  async react({ stream }, reads) {
    const [, session] = splitStream(stream);
    const { state } = await reads.state(sessionDecider, session);
    if (state.status === 'unopened') return [];
    return state.adopted.map(({ resolution, case: of, number, text, legalBasis, obligations }) => {
      const data: IssueResolution = { session, ...(of && { case: of }), number, text, legalBasis, obligations };
      return { aggregate: 'resolution', id: resolution, name: 'IssueResolution', data };
    });
  },
};
