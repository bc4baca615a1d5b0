import { as, fact, given } from '#test/kit/given';
import { unitDecider } from './unit.js';

const unit = { name: 'واحد ۷', size: 'small', classes: ['knowledge-based'], sector: 'نساجی' };
const deputy = { actor: as('deputy') };

describe('a production unit', () => {
  it('is registered once', () => {
    given(unitDecider)
      .when('RegisterUnit', unit, deputy)
      .then([{ type: 'UnitRegistered', data: unit }]);
    const registered = given(unitDecider, fact('UnitRegistered', unit));
    registered.when('RegisterUnit', unit, deputy).thenNothing();
    registered.when('RegisterUnit', { ...unit, size: 'large' }, deputy).thenRefused('already-registered');
  });

  it.each([{ size: 'tiny' }, { classes: 'brand-revival' }, { classes: [''] }, { sector: '' }, { owner: 'x' }])(
    'is refused with %j',
    (wrong) =>
      given(unitDecider)
        .when('RegisterUnit', { ...unit, ...wrong }, deputy)
        .thenRefused('invalid'),
  );

  it('is not registered by a unit itself', () => {
    given(unitDecider)
      .when('RegisterUnit', unit, { actor: as('unit', { unit: 'u-7' }) })
      .thenRefused('forbidden');
  });
});
