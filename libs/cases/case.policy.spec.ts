import type { Policy, RecordedEvent } from '#kernel';
import { endedResolutionFreesCase, issuedResolutionLinksCase } from './case.policy.js';

const resolution = 'facilitation-1-1';
const react = (policy: Policy, type: string, data: object) => {
  expect(policy.on).toContain(type);
  return policy.react({ stream: `resolution-${resolution}`, type, data } as RecordedEvent, undefined as never);
};

describe('a resolution and its case', () => {
  it('are linked when it is issued, if it has one', () => {
    expect(react(issuedResolutionLinksCase, 'ResolutionIssued', { case: 'c-1' })).toEqual([
      { aggregate: 'case', id: 'c-1', name: 'LinkResolution', data: { resolution } },
    ]);
    expect(react(issuedResolutionLinksCase, 'ResolutionIssued', {})).toEqual([]);
  });

  it.each([
    ['ResolutionFulfilled', {}, 'fulfilled'],
    ['ResolutionRevoked', { reason: '…' }, 'revoked'],
    ['ObligationRevoked', { open: 0, met: 0 }, 'revoked'],
  ])('part when %s', (type, data, outcome) => {
    expect(react(endedResolutionFreesCase, type, { ...data, case: 'c-1' })).toEqual([
      { aggregate: 'case', id: 'c-1', name: 'EndResolution', data: { resolution, outcome } },
    ]);
  });

  it.each([
    { open: 1, met: 0, case: 'c-1' },
    { open: 0, met: 1, case: 'c-1' },
    { open: 0, met: 0 },
  ])('do not part when an obligation is revoked with %j', (data) => {
    expect(react(endedResolutionFreesCase, 'ObligationRevoked', data)).toEqual([]);
  });
});
