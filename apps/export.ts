import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BEGINNING, StoreUnavailable, type Database, type EventStore, type RecordedEvent } from '#kernel';
import { readCheckpoints, signHead, writeExport, type Reader, type Scope, type SignerKey } from '#audit';
import type { Evidence } from '#evidence';
import type { Vault } from '#stores';
import { claimed, witnessed, type policyFrom } from '#apps/audit';
import { FORMAT } from '#apps/cli/format';
import { verifiers } from '#apps/verifier/bundle';

/** Read models and Merkle log are moved by one commit, so they stand at one position, unless one has fallen behind. */
async function snapshot(database: Database, key: SignerKey) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await claimed(database, (sql) => signHead(sql, key, 'export'));
    if (found.together) return found;
    await sleep(100);
  }
  throw new StoreUnavailable(
    'The read models do not keep up with the log, so there are no numbers to claim; see peygir doctor.',
  );
}

async function* eventsOf(store: EventStore): AsyncIterable<RecordedEvent> {
  for (let after = BEGINNING; ;) {
    const { events, position } = await store.readAll(after, 1_000);
    if (events.length === 0) return;
    yield* events;
    after = position;
  }
}

export interface ExportLog {
  database: Database;
  store: EventStore;
  /** Without it evidence is listed and not included. */
  evidence?: Pick<Evidence, 'find' | 'read'>;
  key: SignerKey;
  scope: Scope;
  /** For whom: what is sealed is disclosed as far as they may read it, and nothing of it without `vault`. */
  reader?: Reader;
  vault?: Pick<Vault, 'open'>;
  policy: ReturnType<typeof policyFrom>;
  /** Empty, or not there yet. */
  dir: string;
}

/** Signs the log as it stands, and writes the folder that proves itself, with its verifier. */
export async function exportLog({ database, store, evidence, key, scope, reader, vault, policy, dir }: ExportLog) {
  const { checkpoint: signed, claims } = await snapshot(database, key);
  const { note, refusals } = await witnessed(database, signed.size, policy);
  mkdirSync(dir, { recursive: true });
  const { script, page } = await verifiers();
  const written = await writeExport(dir, {
    scope,
    reader,
    open: vault && ((commitments) => vault.open(commitments)),
    events: () => eventsOf(store),
    checkpoint: note,
    kept: (await readCheckpoints(database, 0, signed.size)).map((each) => each.note),
    policy: policy.text,
    claims: (streams) => claims(streams, scope.kind === 'all'),
    evidence: async (sha256) => {
      if (!(await evidence?.find(sha256))) return undefined;
      const pieces: Uint8Array[] = [];
      for await (const piece of await evidence!.read(sha256)) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    files: { 'verify.mjs': script, 'verify.html': page, 'FORMAT.md': FORMAT },
  });
  return { ...written, refusals };
}
