import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkpointText,
  cosign,
  COSIGNATURE,
  formatNote,
  Frontier,
  leafBytes,
  leafHash,
  signerKey,
  signNote,
  vkey,
  writeExport,
  type ExportOf,
  type Leaf,
  type SignerKey,
} from '#audit';
import { Clocks } from '#apps/verifier/clocks';
import { Numbers } from '#apps/verifier/numbers';

export const LOG = signerKey('peygir.example/IR-03', new Uint8Array(32).fill(1));
export const WITNESSES = [1, 2, 3].map((n) =>
  signerKey(`w${n}.example/peygir`, new Uint8Array(32).fill(10 + n), COSIGNATURE),
);

/** Two of three witnesses. */
export const POLICY = [
  `log ${vkey(LOG)}`,
  ...WITNESSES.map((key, n) => `witness w${n + 1} ${vkey(key)}`),
  'group two 2 w1 w2 w3',
  'quorum two',
  '',
].join('\n');

/** Histories that nobody changes any more are hashed and counted once. */
const trees = new WeakMap<readonly Leaf[], Frontier>();
const counted = new WeakMap<readonly Leaf[], object>();

export function checkpointOf(events: readonly Leaf[], log: SignerKey = LOG, witnesses = WITNESSES.slice(0, 2)): string {
  let tree = Object.isFrozen(events) ? trees.get(events) : undefined;
  if (!tree) {
    tree = Frontier.empty();
    for (const event of events) tree.append(leafHash(leafBytes(event)));
    trees.set(events, tree);
  }
  const text = checkpointText({ origin: log.name, size: tree.size, root: tree.root() });
  const signatures = [signNote(text, log), ...witnesses.map((witness) => cosign(text, witness, 1_800_000_000))];
  return formatNote({ text, signatures });
}

/** What the log adds up to, by the verifier's own fold: for histories that are made up. */
export function claimsOf(events: readonly Leaf[], everything = true): object {
  const clocks = new Clocks(() => {});
  const numbers = new Numbers(() => {});
  for (const event of events) {
    numbers.take(event);
    clocks.take(event);
  }
  return numbers.claims(clocks.resolutions, everything);
}

/** An export of made-up histories in a folder of its own: `using`-less, so call `remove`. */
export async function exported(
  events: readonly Leaf[],
  { claims, ...more }: Partial<Omit<ExportOf, 'claims'>> & { claims?: object } = {},
): Promise<{ dir: string; remove(): void }> {
  const dir = mkdtempSync(join(tmpdir(), 'export-'));
  await writeExport(dir, {
    scope: { kind: 'all' },
    events: async function* () {
      yield* events;
    },
    checkpoint: checkpointOf(events),
    kept: [],
    policy: POLICY,
    files: {},
    ...more,
    claims: () => claims ?? (Object.isFrozen(events) ? once(events) : claimsOf(events)),
  });
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
}

const once = (events: readonly Leaf[]): object => {
  const claims = counted.get(events) ?? claimsOf(events);
  counted.set(events, claims);
  return claims;
};
