import type { Actor, Database, Instant, Sql } from '#kernel';
import {
  addSignatures,
  askWitness,
  consistencyProof,
  formatAddCheckpoint,
  formatProof,
  inclusionProof,
  leafBytes,
  Malformed,
  nodesFrom,
  parsePolicy,
  parseSignedCheckpoint,
  readCheckpoints,
  readHead,
  readTile,
  signerKey,
  vkey,
  signHead,
  whoSigned,
  type Leaf,
  type Policy,
  type SignerKey,
} from '#audit';
import { auditSeed } from '#apps/api/auth';
import { ConfigError, type Config } from '#apps/config';
import type { Claims } from '#apps/verifier/numbers';

/** The key of this deployment's log; its name is the log's origin. */
export async function auditKey({ dataDir, secret, province }: Pick<Config, 'dataDir' | 'secret' | 'province'>) {
  return signerKey(`peygir/${province}`, Buffer.from(await auditSeed(dataDir, secret), 'hex'));
}

const nodesOf = (database: Database, size: number) =>
  nodesFrom(size, (level, index) => readTile(database, level, index));

/** Which witnesses have cosigned a stored checkpoint: what does not hold is not stored. */
function cosigners(note: string, { witnesses }: Policy): Set<string> {
  const { signatures } = parseSignedCheckpoint(note).note;
  const by = ({ key }: Policy['witnesses'][number]) =>
    signatures.some(({ name, id }) => name === key.name && id === key.id);
  return new Set(witnesses.filter(by).map(({ name }) => name));
}

/**
 * Asks every witness of the policy that has an address and has not cosigned this checkpoint.
 * @returns the checkpoint with their cosignatures, and who refused why
 */
export async function witnessed(
  database: Database,
  size: number,
  policy: Policy,
): Promise<{ note: string; refusals: string[] }> {
  let note = (await readCheckpoints(database, size, size))[0]!.note;
  const refusals: string[] = [];
  const have = cosigners(note, policy);
  for (const { name, key, url } of policy.witnesses) {
    if (!url || have.has(name)) continue;
    let old = 0;
    // The first answer may be how far this witness is; a second one that says so again is a refusal.
    for (let tries = 0; tries < 3; tries += 1) {
      const proof = await consistencyProof(old, size, nodesOf(database, size));
      const answer = await askWitness(url, formatAddCheckpoint(old, proof, note));
      if ('size' in answer && answer.size <= size && answer.size !== old) {
        old = answer.size;
        continue;
      }
      if ('cosignatures' in answer) {
        const { text } = parseSignedCheckpoint(note).note;
        const good = (await whoSigned({ text, signatures: answer.cosignatures }, [key])).by.length > 0;
        if (good) note = await addSignatures(database, size, answer.cosignatures);
        else refusals.push(`${name}: what it answered is not its signature`);
      } else
        refusals.push(`${name}: ${'refused' in answer ? answer.refused : `it has ${answer.size} entries already`}`);
      break;
    }
  }
  return { note, refusals };
}

/** Without enough cosignatures for so long, whoever runs this is told. */
const COSIGNED_WITHIN_MS = 3_600_000;

/** A sentence when enough witnesses have cosigned nothing for an hour although there was something to cosign. */
export async function unwitnessed(sql: Sql, policy: Policy, now: Instant): Promise<string | undefined> {
  const { size } = await readHead(sql);
  const kept = await readCheckpoints(sql, 0, size, MOST_SOUGHT, 'desc');
  const believed = kept.findIndex(({ note }) => policy.quorum(cosigners(note, policy)));
  const waiting = (believed < 0 ? kept : kept.slice(0, believed)).at(-1);
  if (!waiting || Date.parse(now) - Date.parse(waiting.signedAt) < COSIGNED_WITHIN_MS) return undefined;
  return `No checkpoint since ${waiting.signedAt} has the witnesses that the policy asks for (${policy.rule}).`;
}

export type WitnessPolicy = Policy & { text: string };

/** A policy as it is written, and what it says. Without one: this log, and no witness. @throws ConfigError */
export function policyFrom(key: SignerKey, text = `log ${vkey(key)}\nquorum none\n`): WitnessPolicy {
  try {
    const policy = parsePolicy(text);
    const ours = policy.logs.some((log) => vkey(log.key) === vkey(key));
    // Whoever verified by it would find that we have signed nothing.
    if (!ours) throw new Malformed(`does not name this log; its line is: log ${vkey(key)}`);
    return { text, ...policy };
  } catch (error) {
    throw error instanceof Malformed ? new ConfigError(`The policy of witnesses: ${error.message}`) : error;
  }
}

/**
 * The receipt of one event: from the first checkpoint that has it and that the witnesses of the policy cosigned, else
 * from the first that has it, else from one that `key` signs now. Undefined while the tree has not come that far, or
 * when there is no checkpoint and nobody to sign one.
 */
export async function receiptOf(
  database: Database,
  event: Leaf,
  { policy, key }: { policy?: Policy; key?: SignerKey } = {},
): Promise<string | undefined> {
  const { rows } = await database.query<{ index: string }>('select index from audit_leaves where position = $1', [
    event.position,
  ]);
  if (!rows[0]) return undefined;
  const index = Number(rows[0].index);
  const { size: end } = await readHead(database);
  const kept = await readCheckpoints(database, index + 1, end, MOST_SOUGHT);
  const believed = policy && kept.find(({ note }) => policy.quorum(cosigners(note, policy)));
  const checkpoint = believed ?? kept[0] ?? (key && (await signHead(database, key, 'receipt')));
  if (!checkpoint) return undefined;
  // Nodes of an older tree are nodes of every later one.
  const hashes = await inclusionProof(index, checkpoint.size, nodesOf(database, end));
  return formatProof({ index, hashes, checkpoint: checkpoint.note, extra: leafBytes(event) });
}

/** Witnesses that have not cosigned one of so many checkpoints in a row are away for days: the receipt does without. */
const MOST_SOUGHT = 1_000;

/** Where the events stand that this agency, unit or person left with one command. Oversight may ask for anybody's. */
export async function ownReceipts(
  database: Database,
  commandId: string,
  { id, role, agency, unit }: Actor,
): Promise<{ stream: string; revision: number }[]> {
  const [column, mine] = role === 'agency' ? ['agency', agency] : role === 'unit' ? ['unit', unit] : ['sender', id];
  const { rows } = await database.query<{ stream: string; revision: number }>(
    `select stream, revision from audit_leaves where command_id = $1 and ($2 or ${column} = $3) order by index`,
    [commandId, role === 'oversight', mine],
  );
  return rows;
}

/** What the read models say, at the very position at which the log's head is signed. */
export async function claimed(database: Database, sign: (sql: Database) => Promise<{ size: number; note: string }>) {
  return database.transaction(async (sql) => {
    await sql.query('set transaction isolation level repeatable read');
    // Before the snapshot is taken: tables that are exchanged for others (rebuild.ts) would seem empty in it.
    await sql.query(
      'lock table read_obligations, read_resolutions, read_sessions, read_cases, read_visits in access share mode',
    );
    const { rows: at } = await sql.query<{ position: string }>(
      `select distinct position from checkpoints where name = any('{merkle,sessions,cases,visits,resolutions}')`,
    );
    const obligations = await sql.query<{ resolution: string; status: string }>(
      'select resolution, status from read_obligations',
    );
    const resolutions = await sql.query<{ id: string }>('select id from read_resolutions');
    const agendas = await sql.query<{ session: string; cases: number }>(
      `select a.session, count(distinct t.id)::int as cases
       from read_cases t cross join lateral jsonb_to_recordset(t.doc->'tabled') as a(session text, at text, until text)
       join read_sessions s on s.id = a.session and s.opened_at is not null and (a.until is null or a.until > s.opened_at)
       group by a.session`,
    );
    const counts = await sql.query<{ sessions: number; visits: number }>(
      `select (select count(*) from read_sessions where opened_at is not null)::int as sessions,
              (select count(*) from read_visits where visited)::int as visits`,
    );
    const visitsOf = await sql.query<{ session: string; visits: number }>(
      'select session, count(*)::int as visits from read_visits where visited and session is not null group by session',
    );
    const checkpoint = await sign(sql as Database);
    const claims = (streams: ReadonlySet<string>, everything: boolean): Claims => {
      const mine = { resolutions: 0, obligations: {} as Record<string, number> };
      for (const { id } of resolutions.rows) if (streams.has(`resolution-${id}`)) mine.resolutions += 1;
      for (const { resolution, status } of obligations.rows) {
        if (streams.has(`resolution-${resolution}`)) mine.obligations[status] = (mine.obligations[status] ?? 0) + 1;
      }
      if (!everything) return mine;
      const { sessions, visits } = counts.rows[0]!;
      const cases = agendas.rows.reduce((sum, each) => sum + each.cases, 0);
      return {
        ...mine,
        sessions,
        agendas: Object.fromEntries(agendas.rows.map((each) => [each.session, each.cases])),
        averageCasesPerSession: sessions === 0 ? 0 : Math.round((cases / sessions) * 100) / 100,
        visits,
        visitsOf: Object.fromEntries(visitsOf.rows.map((each) => [each.session, each.visits])),
      };
    };
    return { checkpoint, claims, together: at.length === 1 };
  });
}
