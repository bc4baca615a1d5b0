import fc from 'fast-check';
import { ENGINE } from '#kernel';
import { as, fact, given } from '#test/kit/given';
import { agencyContactsDecider, mobileNumber, officeContactsDecider } from './contact.js';

const admin = { actor: as('admin') };
const known = { known: true };
const set = (...channels: object[]) => ({ channels });
const office = given(officeContactsDecider);
const one = { webhook: 'https://gov.example.ir/in', key: 1 };

describe('contacts', () => {
  it('are set in the order in which they are tried, numbers in one form', () => {
    office
      .when(
        'SetOfficeContacts',
        set({ sms: '٠٩١٢-١٢٣-٤٥٦٧' }, { email: ['g@p.ir', 'o@p.ir'] }, { webhook: one.webhook }),
        admin,
        known,
      )
      .then([
        {
          type: 'ContactsSet',
          data: set({ sms: '+989121234567' }, { email: ['g@p.ir', 'o@p.ir'] }, one),
        },
      ]);
    given(officeContactsDecider, fact('ContactsSet', set({ sms: '+989121234567' })))
      .when('SetOfficeContacts', set({ sms: '0912 123 4567' }), admin, known)
      .thenNothing();
  });

  it.each([
    [{}, 'channels[0] must have exactly one'],
    [{ sms: '09121234567', email: ['a@b.ir'] }, 'channels[0] must have exactly one'],
    [{ email: [] }, 'channels[0].email must not be empty'],
    [{ email: ['a@b.ir', 'g@p.ir\r\nBcc: x@y.ir'] }, 'channels[0].email[1] must not contain a line break'],
    [{ email: ['g@p.ir\u2028x'] }, 'channels[0].email[0]'],
    [{ email: ['A <a@b.ir>'] }, 'is not an e-mail address'],
    [{ sms: '04133334444' }, 'channels[0].sms must be an Iranian mobile number'],
    [{ sms: '0912123456' }, 'channels[0].sms'],
    [{ sms: '09121234567\n0912' }, 'channels[0].sms'],
    [{ webhook: 'http://gov.example.ir' }, 'channels[0].webhook must be https://'],
    [{ webhook: 'ftp://gov.example.ir' }, 'channels[0].webhook must be https://'],
    [{ webhook: 'https://me:secret@gov.example.ir' }, 'must not hold a name or a password'],
    [{ webhook: 'https://gov.example.ir/\r\nX: y' }, 'must be a URL without spaces'],
    [{ sms: '09121234567', key: 2 }, 'channels[0].key goes with a webhook only'],
  ])('are refused as %j', (channel, sentence) => {
    const asked = office.when('SetOfficeContacts', set(channel), admin, known);
    asked.thenRefused('invalid');
    expect(asked.decided).toThrow(sentence);
  });

  it('are refused with more than there may be, or of another shape', () => {
    for (const channels of [
      Array.from({ length: 11 }, () => one),
      'x',
      [['x']],
      [{ fax: '1' }],
      [{ email: 'a@b.ir' }],
    ]) {
      office.when('SetOfficeContacts', { channels }, admin, known).thenRefused('invalid');
    }
  });

  it('of an agency need the agency; of neither is it the agency’s to say', () => {
    const agency = given(agencyContactsDecider);
    agency.when('SetAgencyContacts', set(one), admin, { known: false }).thenRefused('not-found');
    agency
      .when('SetAgencyContacts', set(one), { actor: as('agency', { agency: 'x' }) }, known)
      .thenRefused('forbidden');
  });

  it('lose a webhook that is gone, and nothing else', () => {
    const both = given(officeContactsDecider, fact('ContactsSet', set(one, { sms: '+989121234567' })));
    const gone = { webhook: one.webhook };
    both.when('DisableWebhook', gone, { actor: ENGINE }, known).then([{ type: 'WebhookDisabled', data: gone }]);
    both.when('DisableWebhook', { webhook: 'https://x.ir' }, { actor: ENGINE }, known).thenNothing();
    const after = given(
      officeContactsDecider,
      fact('ContactsSet', set(one, { sms: '+989121234567' })),
      fact('WebhookDisabled', gone),
    );
    expect(after.state).toEqual({ channels: [{ sms: '+989121234567' }] });
    after.when('SetOfficeContacts', set(one, { sms: '+989121234567' }), admin, known).then([{ type: 'ContactsSet' }]);
  });
});

describe('a mobile number', () => {
  it('is one, in whatever form and digits it is written', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 100_000_000, max: 999_999_999 }),
        fc.constantFrom('0', '+98', '0098', '98', '', '+98 ', '(0'),
        fc.constantFrom('0123456789', '۰۱۲۳۴۵۶۷۸۹', '٠١٢٣٤٥٦٧٨٩'),
        fc.constantFrom('', ' ', '-', '\u200c'),
        (rest, prefix, digits, between) => {
          const text = `${prefix}9${String(rest).slice(0, 3)}${between}${String(rest).slice(3)}${prefix === '(0' ? ')' : ''}`;
          const written = text.replaceAll(/\d/g, (digit) => digits[Number(digit)]!);
          expect(mobileNumber(written)).toBe(`+989${rest}`);
        },
      ),
    ));

  it('is nothing else', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        const number = mobileNumber(text);
        expect(number === undefined || /^\+989\d{9}$/.test(number)).toBe(true);
      }),
    ));
});
