import { as, fact, given } from '#test/kit/given';
import { templateDecider } from './template.js';

const land = {
  category: 'land',
  title: 'واگذاری زمین در شهرک صنعتی',
  agency: 'parks',
  action: 'زمین واگذار شود',
  acceptance: 'قرارداد واگذاری',
  term: { workingDays: 20 },
  legalBasis: 'ماده ۶۱',
};
const secretary = { actor: as('secretary') };
const known = { agencyKnown: true, ladderKnown: true };
const defined = fact('TemplateDefined', { ...land, version: 1 });

describe('a template', () => {
  it('is defined, and its versions count up', () => {
    given(templateDecider)
      .when('DefineTemplate', land, secretary, known)
      .then([{ type: 'TemplateDefined', data: { ...land, version: 1 } }]);
    given(templateDecider, defined)
      .when('DefineTemplate', { ...land, term: { duration: 'P30D' } }, secretary, known)
      .then([{ type: 'TemplateDefined', data: { version: 2 } }]);
  });

  it('names an agency, or the kind of those of which one is chosen each time', () => {
    const { agency: _, ...kind } = { ...land, agencyKind: 'bank' };
    given(templateDecider)
      .when('DefineTemplate', kind, secretary, known)
      .then([{ type: 'TemplateDefined', data: { ...kind, version: 1 } }]);
  });

  it('defined again as it is, is no new version', () =>
    given(templateDecider, defined).when('DefineTemplate', land, secretary, known).thenNothing());

  it.each([
    [{}, { agencyKnown: false, ladderKnown: true }],
    [{ ladder: 'steep' }, { agencyKnown: true, ladderKnown: false }],
    [{ term: {} }, known],
    [{ term: { workingDays: 0 } }, known],
    [{ term: { workingDays: 5, duration: 'P1D' } }, known],
    [{ category: 'weather' }, known],
    [{ legalBasis: ' ' }, known],
    [{ agency: undefined }, known],
  ])('is refused with %j where %j', (wrong, context) =>
    given(templateDecider)
      .when('DefineTemplate', { ...land, ...wrong }, secretary, context)
      .thenRefused('invalid'),
  );

  it('is retired once, and its numbering goes on', () => {
    const reason = { reason: 'قانون تغییر کرد' };
    given(templateDecider).when('RetireTemplate', reason, secretary, known).thenRefused('not-found');
    given(templateDecider, defined)
      .when('RetireTemplate', reason, secretary, known)
      .then([{ type: 'TemplateRetired', data: reason }]);
    const retired = given(templateDecider, defined, fact('TemplateRetired', reason));
    retired.when('RetireTemplate', reason, secretary, known).thenNothing();
    retired.when('DefineTemplate', land, secretary, known).then([{ type: 'TemplateDefined', data: { version: 2 } }]);
  });

  it('is no business of agencies', () =>
    given(templateDecider)
      .when('DefineTemplate', land, { actor: as('agency', { agency: 'parks' }) }, known)
      .thenRefused('forbidden'));
});
