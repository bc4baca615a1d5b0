import { splitStream, type Policy, type Wanted } from '#kernel';

/** A case knows the resolutions that were issued for it: it cannot be closed while one of them runs. */
export const issuedResolutionLinksCase: Policy = {
  name: 'issued-resolution-links-case',
  on: ['ResolutionIssued'],
  react: ({ stream, data }) => toCase(data.case, 'LinkResolution', { resolution: splitStream(stream)[1] }),
};

/** When nothing of a resolution is owed any more, it no longer keeps its case open. */
export const endedResolutionFreesCase: Policy = {
  name: 'ended-resolution-frees-case',
  on: ['ResolutionFulfilled', 'ResolutionRevoked', 'ObligationRevoked'],
  react({ stream, type, data }) {
    // The last obligation revoked with none met: no event of its own says that the resolution came to nothing.
    if (type === 'ObligationRevoked' && (data.open !== 0 || data.met !== 0)) return [];
    const outcome = type === 'ResolutionFulfilled' ? 'fulfilled' : 'revoked';
    return toCase(data.case, 'EndResolution', { resolution: splitStream(stream)[1], outcome });
  },
};

const toCase = (id: string | undefined, name: string, data: object): Wanted[] =>
  id ? [{ aggregate: 'case', id, name, data }] : [];
