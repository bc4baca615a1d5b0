import { COSIGNATURE, Malformed, parsePolicy, signerKey, vkey } from './index.js';

const log = vkey(signerKey('log.example/1', new Uint8Array(32).fill(1)));
const w = (n: number) => vkey(signerKey(`w${n}.example/1`, new Uint8Array(32).fill(10 + n), COSIGNATURE));
/** The example of the specification, with keys. */
const EXAMPLE = `
log ${log}

  # two organisations
witness X1 ${w(1)} https://x1.example/
witness X2\t${w(2)}
witness X3 ${w(3)}
group X-witnesses 2 X1 X2 X3

witness Y1 ${w(4)}
witness Y2 ${w(5)}
group Y-witnesses any Y1 Y2

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe('a policy', () => {
  it('is met as the example of the specification says', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(policy.logs.map(({ key }) => key.name)).toEqual(['log.example/1']);
    expect(policy.witnesses.map(({ name, url }) => [name, url])).toContainEqual(['X1', 'https://x1.example/']);
    const met = (...names: string[]) => policy.quorum(new Set(names));
    expect([met('X1', 'X3', 'Y2'), met('X1', 'X2', 'X3', 'Y1', 'Y2')]).toEqual([true, true]);
    expect([met(), met('X1', 'X2', 'X3'), met('X1', 'Y1', 'Y2'), met('X-and-Y')]).toEqual([false, false, false, false]);
    expect(policy.rule).toBe('2 of (2 of (X1, X2, X3), 1 of (Y1, Y2))');
    expect(parsePolicy('quorum none').quorum(new Set())).toBe(true);
    // The log may also be a witness of others, with the same key.
    const both = signerKey('both', new Uint8Array(32).fill(1), COSIGNATURE);
    expect(parsePolicy(`log ${log}\nwitness b ${vkey(both)}\nquorum b\n`).witnesses).toHaveLength(1);
  });

  it.each([
    ['no quorum', `log ${log}`],
    ['two quorums', 'quorum none\nquorum none'],
    ['a quorum of nobody', 'quorum X'],
    ['a quorum of two words', `witness X ${w(1)}\nwitness Y ${w(2)}\nquorum X Y`],
    ['a threshold of 0', `witness X ${w(1)}\ngroup g 0 X\nquorum g`],
    ['a threshold above its members', `witness X ${w(1)}\ngroup g 2 X\nquorum g`],
    ['a threshold in hexadecimal', `witness X ${w(1)}\ngroup g 0x1 X\nquorum g`],
    ['an empty group', 'group g all\nquorum g'],
    ['a group of none', 'group g any none\nquorum g'],
    ['a group that is defined below', `group g any X\nwitness X ${w(1)}\nquorum g`],
    ['a member twice', `witness X ${w(1)}\ngroup g 2 X X\nquorum g`],
    ['a member of two groups', `witness X ${w(1)}\ngroup g any X\ngroup h any X\nquorum h`],
    ['a name twice', `witness X ${w(1)}\nwitness X ${w(2)}\nquorum X`],
    ['a witness twice', `witness X ${w(1)}\nwitness Y ${w(1)}\nquorum X`],
    ['a witness called none', `witness none ${w(1)}\nquorum none`],
    ["a log's key for a witness", `witness X ${log}\nquorum X`],
    ["a witness's key for a log", `log ${w(1)}\nquorum none`],
    ['a word of nowhere', 'trust me\nquorum none'],
    ['a carriage return', 'quorum none\r\n'],
    ['a NUL', '# \u0000\nquorum none'],
    ['a non-breaking space for a space', 'quorum\u00a0none'],
    ['too many lines', `${'\n'.repeat(600)}quorum none`],
  ])('is refused with %s', (_, text) => {
    expect(() => parsePolicy(text)).toThrow(Malformed);
  });

  it('says in which line its fault is', () => {
    const policy = (third: string) => `log ${log}\nwitness X ${w(1)}\n${third}\nquorum X\n`;
    expect(() => parsePolicy(policy('witness Y y.example/1+00000000+AAAA'))).toThrow('policy line 3: the key is not');
    expect(() => parsePolicy(policy('witness Y'))).toThrow('policy line 3: the key is not a verifier key');
    expect(() => parsePolicy(policy('group g 3 X'))).toThrow('policy line 3: needs any, all or a number');
  });
});
