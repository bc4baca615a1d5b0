import { gatewayFrom } from './sms.js';

const url = 'https://gateway.example.ir/send';
const report = {
  url: 'https://gateway.example.ir/status?id={messageId}',
  status: 'status',
  delivered: [1],
  failed: [2],
};

describe('the description of a gateway', () => {
  it.each([
    { url: 'https://gateway.example.ir/{secret}/send?to={to}&text={text}' },
    { url, method: 'POST', headers: { 'x-key': '{secret}' }, json: { to: ['{international}'], text: '{text}', n: 1 }, messageId: 'entries.0.id', accepted: { path: 'status', values: [200] }, report }, // prettier-ignore
    { url, form: { to: '{to}', text: '{text}', ref: '{id}' } },
  ])('is taken: %j', (config) => expect(gatewayFrom(config, 'gateway.json')).toEqual(config));

  it.each([
    ['x', 'gateway: must be an object'],
    [{}, 'url: must be a URL'],
    [{ url: 'gopher://x' }, 'url: must be a URL'],
    [{ url: 'https://{to}.example.ir' }, 'url: must be a URL'],
    [{ url, retries: 3 }, 'retries: is not known here'],
    [{ url, method: 'PUT' }, 'method: must be GET or POST'],
    [{ url, headers: { a: 'b\r\nc: d' } }, 'headers: must be an object of texts without line breaks'],
    [{ url, headers: ['x'] }, 'headers: must be an object'],
    [{ url, form: { n: 1 } }, 'form: must be an object of texts'],
    [{ url, form: {}, json: {} }, 'form: cannot stand beside json'],
    [{ url, json: { a: ['{tel}'] } }, 'json.a.0: {tel} is not known here; known are {to}'],
    [{ url, accepted: {} }, 'accepted.path: must be a path'],
    [{ url, accepted: { path: 'a', values: [] } }, 'accepted.values: must be a list'],
    [{ url, messageId: 'a..b' }, 'messageId: must be a path'],
    [{ url, report: 1 }, 'report: must be an object'],
    [{ url, report: { ...report, url: 'https://x.ir/{to}' } }, 'report.url: {to} is not known here'],
    [{ url, report: { ...report, delivered: 1 } }, 'report.delivered: must be a list'],
  ])('is refused: %j', (config, sentence) => expect(() => gatewayFrom(config, 'gateway.json')).toThrow(sentence));
});
