import { canonicalJson } from './index.js';

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
    expect(canonicalJson([333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
    expect(canonicalJson({ literals: [null, true, false], string: '\u20ac$\u000f\nA\'B"\\"/' })).toBe(
      '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\"/"}',
    );
  });
});
