import { as, fact, given } from '#test/kit/given';
import { ladderDecider, STANDARD } from '#directory';

const admin = { actor: as('admin'), id: 'quick' };
const rung = (id: string, when: object, more: object = {}) => ({
  id,
  when,
  action: 'escalate',
  to: 'governor',
  ...more,
});
const after = (workingDays: number) => ({ after: { workingDays } });
const before = (workingDays: number) => ({ before: { workingDays } });

describe('a ladder', () => {
  it('counts its versions from 1; the built-in standard is version 1 already', () => {
    const rungs = [rung('governor', after(1))];
    given(ladderDecider)
      .when('DefineLadder', { rungs }, admin)
      .then([{ type: 'LadderDefined', data: { rungs, version: 1 } }]);
    const defined = given(ladderDecider, fact('LadderDefined', { rungs, version: 1 }));
    defined.when('DefineLadder', { rungs }, admin).then([{ type: 'LadderDefined', data: { version: 2 } }]);
    given(ladderDecider)
      .when('DefineLadder', STANDARD, { actor: as('governor'), id: 'standard' })
      .then([{ type: 'LadderDefined', data: { version: 2 } }]);
  });

  it.each([
    ['a rung called due', [rung('due', after(1))]],
    ['doubled ids', [rung('a', after(1)), rung('a', after(2))]],
    ['no rung after the due instant', [rung('a', before(1))]],
    ['no rung at all', []],
    ['offsets out of order after', [rung('a', after(5)), rung('b', after(2))]],
    ['offsets out of order before', [rung('a', before(1)), rung('b', before(3)), rung('c', after(1))]],
    [
      'durations out of order',
      [rung('a', { after: { duration: 'PT2H' } }), rung('b', { after: { duration: 'PT90M' } })],
    ],
    ['an id with a plus', [rung('a+1', after(1))]],
    ['both before and after', [rung('a', { ...before(1), ...after(1) })]],
    ['neither before nor after', [rung('a', {})]],
    ['both days and a duration', [rung('a', { after: { workingDays: 1, duration: 'PT1H' } })]],
    ['no such action', [rung('a', after(1), { action: 'shout' })]],
  ])('is refused with %s', (_, rungs) => {
    given(ladderDecider).when('DefineLadder', { rungs }, admin).thenRefused('invalid');
  });
});
