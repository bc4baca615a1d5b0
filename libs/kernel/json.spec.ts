import fc from 'fast-check';
import { canonicalJson, isCanonical } from './index.js';

describe('canonical JSON', () => {
  it('writes the example of RFC 8785 section 3.2.3 to the byte', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      ö: 'Latin Small Letter O With Diaeresis',
    };
    const names = [...canonicalJson(value).matchAll(/"([A-Z][^"]+)"/g)].map(([, name]) => name!.split(' ')[0]);
    expect(names).toEqual(['Carriage', 'One', 'Control', 'Latin', 'Euro', 'Emoji:', 'Hebrew']);
  });

  it('writes numbers as ECMAScript does', () => {
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
    expect(canonicalJson({ literals: [null, true, false], string: '\u20ac$\u000f\nA\'B"\\"/' })).toBe(
      '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\"/"}',
    );
  });

  it('knows its own spelling from every other, with keys that look like numbers too', () => {
    const value = fc.jsonValue().map((any) => ({ ...(any as object), '10': any, '9': 1, a: [any] }));
    fc.assert(
      fc.property(value, (any) => {
        const text = canonicalJson(any);
        expect(isCanonical(JSON.parse(text), text)).toBe(true);
        const backwards = JSON.stringify(Object.fromEntries(Object.entries(any).reverse()));
        if (backwards !== text) expect(isCanonical(JSON.parse(backwards), backwards)).toBe(false);
      }),
    );
    for (const text of [
      '{"a":1, "b":2}',
      '{"a":1,"a":2}',
      '{"b":1,"a":2}',
      '[1.0]',
      '"\\u0061"',
      ' 1',
      '{"a":{"c":1,"b":2}}',
    ])
      expect(isCanonical(JSON.parse(text), text)).toBe(false);
  });
});
