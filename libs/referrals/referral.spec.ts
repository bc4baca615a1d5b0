import { shaped, type RecordedEvent } from '#kernel';
import { as, fact, given } from '#test/kit/given';
import { OpenReferralData } from './referral.commands.js';
import { nationalReferralDecider, oversightReferralDecider } from './referral.js';
import { referralOpensStream } from './referral.policy.js';

const referral = {
  resolution: 'facilitation-9-3',
  obligation: 'o1',
  addressee: 'وزارت نفت',
  basis: 'ماده ۶۱',
  chase: { workingDays: 10 },
};
const engine = { actor: as('engine') };
const secretary = { actor: as('secretary') };
const answer = { answer: 'در دست بررسی است', letterNumber: '۱۲/۳' };

describe.each([
  ['national', nationalReferralDecider, ''],
  ['oversight', oversightReferralDecider, 'Oversight'],
])('a %s referral', (_, decider, kind) => {
  const opened = fact(`${kind}ReferralOpened`, referral);
  const answered = fact(`${kind}AnswerRecorded`, answer);
  const closed = fact(`${kind}ReferralClosed`, { outcome: 'پاسخ داده شد' });

  it('is opened once', () => {
    given(decider)
      .when(`Open${kind}Referral`, referral, engine)
      .then([{ type: `${kind}ReferralOpened`, data: referral }]);
    given(decider, opened).when(`Open${kind}Referral`, referral, secretary).thenNothing();
    given(decider, opened)
      .when(`Open${kind}Referral`, { ...referral, addressee: 'دیگری' }, secretary)
      .thenRefused('already-open');
    given(decider)
      .when(`Open${kind}Referral`, { ...referral, chase: { workingDays: 0 } }, secretary)
      .thenRefused('invalid');
    given(decider)
      .when(`Open${kind}Referral`, { ...referral, chase: [] }, secretary)
      .thenRefused('invalid');
  });

  it('gathers answers until it is closed', () => {
    const record = `Record${kind}Answer`;
    given(decider, opened)
      .when(record, answer, secretary)
      .then([{ type: `${kind}AnswerRecorded`, data: answer }]);
    given(decider, opened, answered).when(record, answer, secretary).thenNothing();
    given(decider, opened, answered)
      .when(record, { answer: 'انجام شد' }, secretary)
      .then([{ type: `${kind}AnswerRecorded` }]);
    given(decider, opened, closed).when(record, answer, secretary).thenRefused('referral-closed');
    given(decider).when(record, answer, secretary).thenRefused('not-found');
  });

  it('is closed once, also without an answer', () => {
    const close = `Close${kind}Referral`;
    given(decider, opened)
      .when(close, closed.data, secretary)
      .then([{ type: `${kind}ReferralClosed` }]);
    given(decider, opened, closed).when(close, closed.data, secretary).thenNothing();
    given(decider, opened, closed).when(close, { outcome: 'دیگر' }, secretary).thenRefused('referral-closed');
    given(decider, opened)
      .when(close, closed.data, { actor: as('governor') })
      .thenRefused('forbidden');
  });
});

describe('a referral by the governor', () => {
  it.each([
    ['ReferredToNational', 'nationalReferral', 'OpenReferral'],
    ['ReferredToOversight', 'oversightReferral', 'OpenOversightReferral'],
  ])('%s opens the stream of a %s', async (type, aggregate, name) => {
    const data = { obligation: 'o1', body: 'وزارت نفت', basis: 'ماده ۶۱', n: 2 };
    const event = { stream: 'resolution-facilitation-9-3', type, data } as RecordedEvent;
    const wanted = await referralOpensStream.react(event, undefined as never);
    expect(wanted).toEqual([{ aggregate, id: 'facilitation-9-3-o1-2', name, data: referral }]);
    expect(() => shaped(OpenReferralData, wanted[0]!.data)).not.toThrow();
  });
});
