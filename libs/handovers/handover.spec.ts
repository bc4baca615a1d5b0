import { as, fact, given } from '#test/kit/given';
import type { DrawHandoverData } from './handover.commands.js';
import { contentHash, handoverDecider } from './handover.js';

const list: DrawHandoverData = {
  workingGroup: 'facilitation',
  office: 'secretary',
  outgoing: 'آقای رضایی',
  incoming: 'خانم نوری',
  from: '2026-11-01',
  asOf: '24',
  duties: ['verify facilitation-1-1/o1'],
  escalations: [],
  referrals: [],
  sessions: [],
  omitted: 0,
};
const sha256 = contentHash(list);
const drawn = fact('HandoverDrawn', { ...list, sha256 });
const [leaving, coming] = ['rezaei', 'nouri'].map((id) => as('secretary', { id }));
const signed = (party: string, by = leaving) => fact('HandoverSigned', { party, sha256, inPlace: false }, drawn.at, by);
const handover = (...facts: ReturnType<typeof fact>[]) => given(handoverDecider, ...facts);

describe('a hand-over', () => {
  it('is drawn once, by the engine, and carries the hash of its list', () => {
    handover()
      .when('DrawHandover', list, { actor: as('engine') })
      .then([{ type: 'HandoverDrawn', data: { duties: list.duties, sha256 } }]);
    handover(drawn)
      .when('DrawHandover', { ...list, duties: [] }, { actor: as('engine') })
      .thenNothing();
    handover()
      .when('DrawHandover', list, { actor: as('secretary') })
      .thenRefused('forbidden');
  });

  it('has a hash of what is on the list and not of whose names are', () => {
    expect(contentHash({ ...list, outgoing: 'x', incoming: 'y' })).toBe(sha256);
    expect(contentHash({ ...list, duties: [] })).not.toBe(sha256);
    expect(contentHash({ ...list, omitted: 1 })).not.toBe(sha256);
  });

  it('is signed by each side once, in the office or by the governor in its place', () => {
    const outgoing = { party: 'outgoing', sha256 };
    handover(drawn)
      .when('SignHandover', outgoing, { actor: leaving! })
      .then([{ type: 'HandoverSigned', data: { ...outgoing, inPlace: false } }]);
    handover(drawn)
      .when('SignHandover', outgoing, { actor: as('governor') })
      .then([{ type: 'HandoverSigned', data: { inPlace: true } }]);
    handover(drawn, signed('outgoing')).when('SignHandover', outgoing, { actor: leaving! }).thenNothing();
    handover(drawn, signed('outgoing'))
      .when('SignHandover', outgoing, { actor: coming! })
      .thenRefused('already-signed');
    const { state } = handover(drawn, signed('outgoing'), signed('incoming', coming));
    expect(state.status).toBe('signed');
  });

  it('is not signed by one for both, for another list, from another office, or where there is none', () => {
    const incoming = { party: 'incoming', sha256 };
    handover(drawn, signed('outgoing')).when('SignHandover', incoming, { actor: leaving! }).thenRefused('same-person');
    const other = { ...incoming, sha256: '0'.repeat(64) };
    handover(drawn).when('SignHandover', other, { actor: coming! }).thenRefused('list-differs');
    handover(drawn)
      .when('SignHandover', incoming, { actor: as('deputy') })
      .thenRefused('forbidden');
    handover().when('SignHandover', incoming, { actor: coming! }).thenRefused('not-found');
    handover(drawn).when('SignHandover', { party: 'both', sha256 }, { actor: coming! }).thenRefused('invalid');
  });
});
