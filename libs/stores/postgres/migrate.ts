import type pg from 'pg';
import { APP_ROLE, createOwnerPool, reached, type DatabaseAddress } from './pool.js';

/**
 * Numbered for ever: what was released is never changed, only followed by another.
 *
 * Two roles. The owner (the login of DATABASE_URL) makes the tables and runs migrations. Everything else runs as
 * `peygir_app`, which has no login: pools enter it by `role=peygir_app`. It may read the log and append to it through
 * `append_batch`, and owns the read models it makes in schema `public`; it can neither update, delete nor truncate an
 * event, nor disable what forbids it. An operator who wants the application unable even to step back into the owner
 * gives it a login of its own that is a member of `peygir_app`, and runs the migrations (any start of `peygir` does)
 * once per release with the owner's URL.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table log.events (
    position bigint primary key,
    stream text not null,
    revision integer not null,
    id uuid not null unique,
    type text not null,
    -- json and not jsonb: it keeps the text as it was signed, order of keys included, and is cheaper to append.
    data json not null,
    metadata json not null,
    recorded_at timestamptz(3) not null,
    unique (stream, revision)
  );

  -- One row. Whoever appends holds it until his commit, so positions come in the order of commits.
  create table log.head (position bigint not null);
  insert into log.head values (0);

  -- One batch of appends, each for a stream of its own, in one call: no round trip while the row is held.
  -- Answers a row for each append that stands, now or already; the others found their stream at another revision.
  create function log.append_batch(
    streams text[], expected integer[], event_appends integer[], event_offsets integer[],
    ids uuid[], types text[], datas json[], metadatas json[]
  ) returns table (append integer, revision integer, "position" bigint)
  language plpgsql security definer
  set search_path = log, pg_temp
  -- In a fresh database the planner knows nothing and may choose to read the whole log.
  set enable_seqscan = off
  as $$
  #variable_conflict use_column
  declare
    start bigint;
    added bigint;
    answered bigint;
    stamp timestamptz;
  begin
    select head.position into start from head for update;
    stamp := clock_timestamp();

    return query
    with asked as (
      select a.n::integer as n, a.stream, a.expected
      from unnest(streams, expected) with ordinality as a (stream, expected, n)
      where a.expected = coalesce(
        (select e.revision from events e where e.stream = a.stream order by e.revision desc limit 1), -1)
    ), numbered as (
      select row_number() over (order by w.n) as place, asked.n, asked.stream, asked.expected + 1 + w.off as revision,
        w.id, w.type, w.data, w.metadata
      from unnest(event_appends, event_offsets, ids, types, datas, metadatas)
        with ordinality as w (append, off, id, type, data, metadata, n)
      join asked on asked.n = w.append
    ), inserted as (
      insert into events (position, stream, revision, id, type, data, metadata, recorded_at)
      select start + place, stream, revision, id, type, data, metadata, stamp from numbered order by place
    )
    select n, max(revision), max(start + place) from numbered group by n;
    get diagnostics answered = row_count;

    select max(e.position) - start into added from events e where e.position > start;
    if added > 0 then
      update head set position = start + added;
      perform pg_notify('peygir_log', (start + added)::text);
    end if;

    if answered < cardinality(streams) then
      return query
      select w.append, max(e.revision), max(e.position)
      from unnest(event_appends, event_offsets, ids) as w (append, off, id)
      left join events e on e.stream = streams[w.append] and e.revision = expected[w.append] + 1 + w.off
        and e.id = w.id and e.position <= start
      group by w.append
      having count(*) = count(e.id);
    end if;
  end
  $$;
  revoke all on function log.append_batch from public;
  grant execute on function log.append_batch to ${APP_ROLE};
  grant select on all tables in schema log to ${APP_ROLE};
  `,
  `
  -- What sealed fields say (libs/kernel/sealed.ts), and which of it was erased. The application may destroy it, so it owns
  -- it; a schema of its own keeps it out of whatever copies the read models.
  create schema vault;
  create table vault.openings (
    commitment bytea primary key,
    event uuid not null,
    path text not null,
    salt bytea not null,
    value text not null
  );
  create table vault.erased (event uuid, path text, erasure text not null, at timestamptz not null default now(),
    primary key (event, path));
  -- Where read models are made anew beside the ones that are read.
  create schema rebuilding;
  grant usage, create on schema vault to ${APP_ROLE};
  grant usage, create on schema rebuilding to ${APP_ROLE};
  alter table vault.openings owner to ${APP_ROLE};
  alter table vault.erased owner to ${APP_ROLE};

  -- The same as append_batch, with what the sealed fields of these events say, in one transaction: there is no event
  -- without its openings. Of an append that stands already the openings stand, too, and what is brought again is dropped.
  create function log.append_sealed_batch(
    streams text[], expected integer[], event_appends integer[], event_offsets integer[],
    ids uuid[], types text[], datas json[], metadatas json[],
    opening_appends integer[], opening_events uuid[], paths text[], commitments bytea[], salts bytea[], sealed_values text[]
  ) returns table (append integer, revision integer, "position" bigint)
  language plpgsql security definer
  set search_path = log, pg_temp
  as $$
  #variable_conflict use_column
  declare
    start bigint;
    answer record;
    fresh integer[] := '{}';
  begin
    select head.position into start from head for update;
    for answer in
      select * from append_batch(streams, expected, event_appends, event_offsets, ids, types, datas, metadatas)
    loop
      append := answer.append;
      revision := answer.revision;
      "position" := answer.position;
      if answer.position > start then fresh := fresh || answer.append; end if;
      return next;
    end loop;
    insert into vault.openings (commitment, event, path, salt, value)
    select o.commitment, o.event, o.path, o.salt, o.value
    from unnest(opening_appends, opening_events, paths, commitments, salts, sealed_values)
      as o (append, event, path, commitment, salt, value)
    where o.append = any (fresh);
  end
  $$;
  revoke all on function log.append_sealed_batch from public;
  grant execute on function log.append_sealed_batch to ${APP_ROLE};
  `,
  // An opening that no event has is not one that an append is about to need.
  `alter table vault.openings add column at timestamptz not null default now();`,
  `
  -- What the time machine keeps (apps/api/keyframes.ts, log-days.ts). In schemas of its own it stays out of backups.
  create schema past;
  create schema past_as_of;
  create schema past_valid_at;
  grant usage, create on schema past, past_as_of, past_valid_at to ${APP_ROLE};
  create table past.pages (after text primary key, last text not null, days jsonb not null);
  create table past.keyframes (axis text, n integer, until text collate "C" not null, known text not null, primary key (axis, n));
  create table past.generation (id uuid not null default gen_random_uuid(), shape text not null);
  alter table past.pages owner to ${APP_ROLE};
  alter table past.keyframes owner to ${APP_ROLE};
  alter table past.generation owner to ${APP_ROLE};
  `,
];

const LOCK = 7_332_248;

/**
 * Brings the log's schema up to date. Safe with several starters: one works, the others wait and find it done.
 * @throws Error with what the database's administrator must run when the login may not create the role.
 */
export async function migrate(address: DatabaseAddress): Promise<void> {
  const pool = createOwnerPool(address);
  try {
    const client = await reached(pool.connect());
    try {
      if ((await doneSoFar(client)) >= MIGRATIONS.length) return;
      await client.query(`select pg_advisory_lock(${LOCK})`);
      await enterRole(client);
      await client.query(`
        create schema if not exists log;
        grant usage on schema log to ${APP_ROLE};
        create table if not exists log.migrations (number integer primary key, done_at timestamptz not null default now());
        grant select on log.migrations to ${APP_ROLE};`);
      const done = await doneSoFar(client);
      for (const [index, sql] of [...MIGRATIONS.entries()].slice(done)) {
        await client.query(`begin; ${sql}; insert into log.migrations (number) values (${index + 1}); commit`);
      }
    } finally {
      client.release(true); // and with the session goes the lock
    }
  } finally {
    await pool.end();
  }
}

async function doneSoFar(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ there: boolean }>(`select to_regclass('log.migrations') is not null as there`);
  if (!rows[0]!.there) return 0;
  const found = await client.query<{ done: number }>('select coalesce(max(number), 0) as done from log.migrations');
  return found.rows[0]!.done;
}

/** Roles belong to the whole server, so another database may have made it, even just now. */
async function enterRole(client: pg.PoolClient): Promise<void> {
  try {
    await client.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = '${APP_ROLE}') then create role ${APP_ROLE} nologin; end if;
      exception when duplicate_object or unique_violation then null;
      end $$;
      do $$ begin
        set local role ${APP_ROLE};
        reset role;
      exception when insufficient_privilege then grant ${APP_ROLE} to current_user;
      end $$;
      grant create, usage on schema public to ${APP_ROLE};`);
  } catch (error) {
    if ((error as { code?: string }).code !== '42501') throw error;
    throw new Error(
      `The database's login may not prepare the role ${APP_ROLE} (${(error as Error).message}). Let an administrator run: ` +
        `create role ${APP_ROLE} nologin; grant ${APP_ROLE} to LOGIN; grant create on schema public to ${APP_ROLE};`,
      { cause: error },
    );
  }
}
