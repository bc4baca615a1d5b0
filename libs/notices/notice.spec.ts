import { derivedId, ENGINE } from '#kernel';
import { as, fact, given } from '#test/kit/given';
import { noticeDecider } from './notice.js';

const told = { recipient: 'governor', events: [derivedId('a')] };
const sent = { ...told, channel: 'email', messageId: '<x@peygir>' };
const failed = { ...told, reason: 'unreachable', attempts: 1, final: false };
const by = { actor: ENGINE };

describe('a notice', () => {
  it('is recorded once when sent', () => {
    given(noticeDecider)
      .when('RecordNoticeSent', sent, by)
      .then([{ type: 'NoticeSent', data: sent }]);
    given(noticeDecider, fact('NoticeSent', sent)).when('RecordNoticeSent', sent, by).thenNothing();
  });

  it('records a failure once for each reason, and the end of trying', () => {
    const before = given(noticeDecider, fact('NoticeFailed', failed));
    before.when('RecordNoticeFailed', { ...failed, attempts: 2 }, by).thenNothing();
    before.when('RecordNoticeFailed', { ...failed, reason: 'rejected' }, by).then([{ type: 'NoticeFailed' }]);
    before.when('RecordNoticeFailed', { ...failed, final: true }, by).then([{ type: 'NoticeFailed' }]);
    before.when('RecordNoticeSent', sent, by).then([{ type: 'NoticeSent' }]);
  });

  it('never turns what was sent into a failure', () => {
    given(noticeDecider, fact('NoticeSent', sent)).when('RecordNoticeFailed', failed, by).thenNothing();
  });

  it('has arrived when the receiver says so, at once or later', () => {
    given(noticeDecider)
      .when('RecordNoticeSent', { ...sent, channel: 'webhook', delivered: true }, by)
      .then([
        { type: 'NoticeSent', data: { ...sent, channel: 'webhook' } },
        { type: 'NoticeDelivered', data: told },
      ]);
    const underway = given(noticeDecider, fact('NoticeSent', { ...sent, channel: 'sms' }));
    underway
      .when('RecordNoticeDelivered', told, by)
      .then([{ type: 'NoticeDelivered', data: { ...told, channel: 'sms' } }]);
    const lost = { ...failed, reason: 'undelivered', final: true };
    underway.when('RecordNoticeFailed', lost, by).then([{ type: 'NoticeFailed', data: lost }]);
    const arrived = given(noticeDecider, fact('NoticeSent', sent), fact('NoticeDelivered', told));
    arrived.when('RecordNoticeDelivered', told, by).thenNothing();
    arrived.when('RecordNoticeFailed', lost, by).thenNothing();
    given(noticeDecider).when('RecordNoticeDelivered', told, by).thenNothing();
  });

  it('that nobody was told by is the secretary’s, until it is sent again or acknowledged', () => {
    const secretary = { actor: as('secretary') };
    const note = { note: 'تلفنی' };
    const final = fact('NoticeFailed', { ...failed, final: true });
    given(noticeDecider, final)
      .when('ResendNotice', {}, secretary)
      .then([{ type: 'NoticeResendAsked', data: told }]);
    given(noticeDecider, final)
      .when('AcknowledgeNotice', note, secretary)
      .then([{ type: 'NoticeAcknowledged', data: { ...told, ...note } }]);
    const over = given(noticeDecider, final, fact('NoticeAcknowledged', { ...told, ...note }));
    over.when('AcknowledgeNotice', note, secretary).thenNothing();
    over.when('ResendNotice', {}, secretary).thenRefused('not-undelivered');
    const again = given(noticeDecider, final, fact('NoticeResendAsked', told));
    again.when('ResendNotice', {}, secretary).thenNothing();
    again.when('AcknowledgeNotice', note, secretary).thenRefused('not-undelivered');
    again.when('RecordNoticeSent', sent, by).then([{ type: 'NoticeSent' }]);
    for (const [name, data] of [
      ['ResendNotice', {}],
      ['AcknowledgeNotice', note],
    ] as const) {
      given(noticeDecider).when(name, data, secretary).thenRefused('not-found');
      given(noticeDecider, fact('NoticeSent', sent)).when(name, data, secretary).thenRefused('not-undelivered');
      given(noticeDecider, final)
        .when(name, data, { actor: as('governor') })
        .thenRefused('forbidden');
    }
  });

  it('is the engine’s alone, and names what it tells', () => {
    given(noticeDecider)
      .when('RecordNoticeSent', sent, { actor: as('admin') })
      .thenRefused('forbidden');
    given(noticeDecider)
      .when('RecordNoticeSent', { ...sent, events: [] }, by)
      .thenRefused('invalid');
    given(noticeDecider)
      .when('RecordNoticeFailed', { ...failed, reason: 'mood' }, by)
      .thenRefused('invalid');
  });
});
