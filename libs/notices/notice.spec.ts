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
