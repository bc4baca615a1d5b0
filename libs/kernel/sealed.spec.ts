import { createHash } from 'node:crypto';
import { Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { newEvent } from '#test/contract/event-store.contract';
import { canonicalJson } from './json.js';
import { ListOf, Text, Texts } from './fields.js';
import { commitmentOf, hasSeals, isOfField, planOf, SALT_BYTES, Sealed, sealing, sealsIn, unsealed } from './sealed.js';

class Person {
  @Text() @Sealed() name!: string;
  @Text() office!: string;
}
class Base {
  @Text() @Sealed() note!: string;
}
class Body extends Base {
  @Texts() @Sealed() present!: string[];
  @ListOf(() => Person) people!: Person[];
  @Text() plain!: string;
}
class Open {
  @Text() plain!: string;
  @ValidateNested() @Type(() => Object) nothing!: object;
}

const seal = sealing([
  { aggregate: 'thing', commands: { Do: { data: Person, roles: [], decide: () => [] } } },
  { aggregate: 'case', commands: { Do: { data: Open, roles: [], decide: () => [] } } },
]);

describe('sealed fields', () => {
  it('are those that a command class marks, its base class too, and the classes of its lists', () => {
    expect([...planOf(Person)!.keys()]).toEqual(['name']);
    expect(planOf(Open)).toBeUndefined();
    expect(planOf(Body)).toEqual(new Map<string, unknown>([['present', 'text'], ['people', planOf(Person)], ['note', 'text']])); // prettier-ignore
  });

  it('come back as they were, and nothing of them is left in what is stored', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 12 }), fc.string(), (name, office) => {
        const data = { name, office, more: { name } };
        const { event, openings } = seal(newEvent(data), 'thing-1');
        expect(openings.map(({ path }) => path)).toEqual(['name']);
        expect(event.data).toMatchObject({ office, more: { name } });
        expect([...sealsIn(event.data, data)]).toEqual([['name', openings[0]!.commitment.toString('base64'), name]]);
        const byCommitment = new Map(openings.map(({ commitment, value }) => [commitment.toString('base64'), value]));
        expect(unsealed(event.data, (commitment) => byCommitment.get(commitment))).toEqual(data);
      }),
    );
  });

  it('are sealed anew each time, so that equal texts do not look equal', () => {
    const twice = [seal(newEvent({ name: 'x' }), 'thing-1'), seal(newEvent({ name: 'x' }), 'thing-1')];
    expect(new Set(twice.map(({ openings }) => openings[0]!.commitment.toString('hex'))).size).toBe(2);
  });

  it('say nothing about what is not marked', () => {
    const event = newEvent({ plain: 'x' });
    expect(seal(event, 'case-1')).toEqual({ event, openings: [] });
    expect(seal(event, 'elsewhere-1').event).toBe(event);
    expect(hasSeals({ a: [{ b: 'x' }], c: null })).toBe(false);
  });

  it('open to one value only: what an auditor computes is the commitment for that text and for no other', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: SALT_BYTES, maxLength: SALT_BYTES }),
        fc.string(),
        fc.string(),
        (salt, a, b) => {
          // prettier-ignore
          const own = createHash('sha256').update(salt).update(canonicalJson(a), 'utf8').digest();
          expect(commitmentOf(salt, a)).toEqual(own);
          expect(commitmentOf(salt, b).equals(own)).toBe(a === b);
        },
      ),
    );
  });

  it('are named with or without their places in lists', () => {
    expect(['needs', 'needs[].statement', 'needs[3].statement', 'findings', 'need', 'needs[1]'].map((field) => isOfField('needs[3].statement', field))).toEqual([true, true, true, false, false, false]); // prettier-ignore
  });
});
