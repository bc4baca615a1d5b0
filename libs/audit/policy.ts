import { COSIGNATURE, ED25519, Malformed, parseVkey, type VerifierKey } from './note.js';

/** Whom to believe (c2sp.org/tlog-policy): the logs, the witnesses, and which of these have to have signed. */
export interface Policy {
  logs: { key: VerifierKey; url?: string }[];
  witnesses: { name: string; key: VerifierKey; url?: string }[];
  /** Whether cosignatures of these witnesses (by name in the policy) are enough. */
  quorum(cosigned: ReadonlySet<string>): boolean;
  /** The rule in words: the quorum's line and those it refers to. */
  rule: string;
}

const LIMIT_LINES = 500;

/** @throws Malformed naming the line */
export function parsePolicy(text: string): Policy {
  const policy: Policy = { logs: [], witnesses: [], quorum: () => false, rule: '' };
  const rules = new Map<string, { met: (cosigned: ReadonlySet<string>) => boolean; words: string }>();
  const lines = text.split('\n');
  if (lines.length > LIMIT_LINES) throw new Malformed('has too many lines for a policy');
  const members = new Set<string>();
  const keys = new Set<string>();
  // Only spaces and tabs separate, and only newlines end a line (tlog-policy, "Character set").
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) throw new Malformed('has control characters');
  let quorum: string | undefined;
  lines.forEach((line, index) => {
    const fault = (reason: string) => new Malformed(`policy line ${index + 1}: ${reason}`);
    const [word, ...rest] = line.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/);
    const atMost = (count: number) => {
      if (rest.length > count) throw fault('has more words than it may');
    };
    const key = (vkey: string | undefined, type: number): VerifierKey => {
      const parsed = keyIn(vkey ?? '', (reason) => fault(`the key ${reason}`));
      if (parsed.type !== type) throw fault('the key is of another kind');
      const bytes = `${type} ${parsed.publicKey.join()}`;
      if (keys.has(bytes)) throw fault('the same key twice');
      keys.add(bytes);
      return parsed;
    };
    const define = (name: string | undefined, words: string, met: (cosigned: ReadonlySet<string>) => boolean) => {
      if (!name || name === 'none' || rules.has(name)) throw fault('a name is missing or taken');
      rules.set(name, { met, words });
    };
    if (word === '' || word!.startsWith('#')) return;
    if (word === 'log') {
      atMost(2);
      policy.logs.push({ key: key(rest[0], ED25519), url: rest[1] });
    } else if (word === 'witness') {
      atMost(3);
      const [name, vkey, url] = rest;
      define(name, name!, (cosigned) => cosigned.has(name!));
      policy.witnesses.push({ name: name!, key: key(vkey, COSIGNATURE), url });
    } else if (word === 'group') {
      const [name, threshold, ...names] = rest;
      const number = /^[1-9]\d{0,3}$/.test(threshold ?? '') ? Number(threshold) : NaN;
      const k = threshold === 'any' ? 1 : threshold === 'all' ? names.length : number;
      if (!(k >= 1 && k <= names.length)) throw fault('needs any, all or a number of its members');
      const of = names.map((member) => {
        const rule = rules.get(member);
        if (!rule || members.has(member)) throw fault(`${member} is not defined above, or already a member`);
        members.add(member);
        return rule;
      });
      const words = `${k} of (${of.map((rule) => rule.words).join(', ')})`;
      define(name, words, (cosigned) => of.filter(({ met }) => met(cosigned)).length >= k);
    } else if (word === 'quorum') {
      atMost(1);
      if (quorum !== undefined) throw fault('a second quorum');
      quorum = rest[0];
      const rule = quorum === 'none' ? { met: () => true, words: 'none' } : rules.get(quorum ?? '');
      if (!rule) throw fault('the quorum is not defined above');
      policy.quorum = rule.met;
      policy.rule = rule.words;
    } else throw fault('begins with an unknown word');
  });
  if (quorum === undefined) throw new Malformed('has no quorum line');
  return policy;
}

function keyIn(text: string, fault: (reason: string) => Malformed): VerifierKey {
  try {
    return parseVkey(text);
  } catch (error) {
    throw error instanceof Malformed ? fault(error.message) : error;
  }
}
