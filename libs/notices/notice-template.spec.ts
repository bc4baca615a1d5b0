import { as, given } from '#test/kit/given';
import { fact } from '#test/kit/given';
import { sampleOf, smsOf, type Item } from './letter.js';
import {
  noticeTemplateDecider,
  PLACEHOLDERS,
  placeholdersOf,
  TEMPLATE_IDS,
  templateInForce,
} from './notice-template.js';
import { smsLength } from './sms-length.js';

const secretary = { actor: as('secretary') };
const define = (id: string, data: object, ...facts: ReturnType<typeof fact>[]) =>
  given(noticeTemplateDecider, ...facts).when('DefineNoticeTemplate', data, { ...secretary, id });

describe('the words of a notice', () => {
  it('are defined by kind and channel; versions count on from what is built in', () => {
    const text = 'مهلت مصوبهٔ {number} گذشت';
    define('DeadlineMissed-sms', { text }).then([{ type: 'NoticeTemplateDefined', data: { text, version: 2 } }]);
    const second = fact('NoticeTemplateDefined', { text, version: 2 });
    define('DeadlineMissed-sms', { text }, second).thenNothing();
    define('DeadlineMissed-sms', { text: 'x' }, second).then([{ type: 'NoticeTemplateDefined', data: { version: 3 } }]);
  });

  it('as they are built in are no new version', () => {
    for (const id of TEMPLATE_IDS) {
      const { version: _, ...data } = templateInForce(id, undefined);
      define(id, data).thenNothing();
    }
  });

  it.each([
    [
      'DeadlineMissed-sms',
      { text: 'مصوبهٔ {numbr}' },
      'text names {numbr}, which is not known here; known are {number}, ',
    ],
    ['DeadlineMissed-sms', { text: 'برای {holder}' }, 'text names {holder}'],
    ['DeadlineMissed-email', { text: 'ناتمام {number' }, 'text has a brace that belongs to no placeholder'],
    ['DeadlineMissed-email', { text: '{ number }' }, 'text has a brace'],
    ['DeadlineMissed-email', { text: '{constructor}' }, 'text names {constructor}'],
    ['DeadlineMissed-sms', { text: 'x', subject: 'y' }, 'subject belongs to Digest-email only'],
    ['Digest-email', { text: '{items}' }, 'subject is missing'],
    ['Digest-email', { text: 'بی‌مورد', subject: 'x' }, 'text must have {items}'],
    ['Digest-email', { text: '{items}', subject: 'x\r\nBcc: a@b.ir' }, 'subject must be one line'],
    ['Digest-email', { text: '{items}', subject: '{items}' }, 'subject names {items}'],
  ])('are refused as %s %j', (id, data, sentence) => {
    define(id, data).thenRefused('invalid');
    expect(define(id, data).decided).toThrow(sentence);
  });

  it('are of the kinds and channels that there are', () => {
    for (const id of ['DeadlineMissed', 'DeadlineMissed-fax', 'Weather-sms', 'DeadlineMissed-webhook']) {
      define(id, { text: 'x' }).thenRefused('not-found');
    }
    given(noticeTemplateDecider)
      .when('DefineNoticeTemplate', { text: 'x' }, { actor: as('agency', { agency: 'gas' }), id: 'Digest-sms' })
      .thenRefused('forbidden');
  });

  it('have every placeholder filled', () => {
    for (const id of TEMPLATE_IDS) {
      const text = placeholdersOf(id)
        .map((name) => `{${name}}`)
        .join('|');
      const sample = sampleOf(id, { version: 1, text }).text;
      expect(sample).not.toMatch(/[{}]/);
      expect(sample.split('|').every((value) => value !== '')).toBe(true);
    }
    expect(Object.keys(PLACEHOLDERS)).toHaveLength(TEMPLATE_IDS.length / 2);
  });
});

describe('an SMS', () => {
  it.each([
    ['a'.repeat(160), 'GSM-7', 1],
    ['a'.repeat(161), 'GSM-7', 2],
    ['ن'.repeat(70), 'UCS-2', 1],
    ['ن'.repeat(71), 'UCS-2', 2],
    ['ن'.repeat(134), 'UCS-2', 2],
    ['ن'.repeat(135), 'UCS-2', 3],
    [`${'a'.repeat(100)}ن`, 'UCS-2', 2],
    ['😀'.repeat(35), 'UCS-2', 1],
    ['😀'.repeat(36), 'UCS-2', 2],
  ])('%j is counted as it is paid for', (text, encoding, segments) =>
    expect(smsLength(text)).toEqual({ encoding, units: text.length, segments }),
  );

  it('stays short, however long an action is', () => {
    const item: Item = { type: 'ObligationEscalated', resolution: 'r', obligation: 'o1', detail: '', due_at: '2026-09-10T11:00:00.000Z', number: '9/3', agency: 'گ'.repeat(300), action: 'و'.repeat(4_000) }; // prettier-ignore
    const templates = new Map(TEMPLATE_IDS.map((id) => [id, templateInForce(id, undefined)]));
    expect(smsOf([item], templates).segments).toBeLessThanOrEqual(4);
    expect(
      smsOf(
        Array.from({ length: 500 }, () => item),
        templates,
      ).segments,
    ).toBeLessThanOrEqual(2);
  });
});
