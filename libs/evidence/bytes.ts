import type { FileHandle } from 'node:fs/promises';
import type { Database, Sql } from '#kernel';

/** Where the bytes of evidence lie. What there is, whose, and who may read it is a matter of the database alone. */
export interface EvidenceBytes {
  /** Names it in the row of each piece, so that what was kept elsewhere before is still found there. */
  place: 'postgres' | 's3';
  /** Creates what is missing. */
  prepare(sql: Sql): Promise<void>;
  /**
   * Keeps the bytes and makes them known by `known` only when all of them are there. Doing it twice is doing it once:
   * the name says what the bytes are.
   * @throws StoreUnavailable
   */
  keep<T>(piece: Piece, known: (sql: Sql) => Promise<T>): Promise<T>;
  /** Answers when the first of them can be had. @throws StoreUnavailable */
  open(sha256: string): Promise<AsyncIterable<Uint8Array>>;
}

/** What was received, checked, and lies in a file. */
export interface Piece {
  /** Lower-case hex. */
  sha256: string;
  bytes: number;
  file: FileHandle;
}

/** One row; a reader holds one of them in memory at a time. */
const CHUNK_BYTES = 512 * 1024;

/** In rows, in one transaction with what makes them known. */
export const postgresBytes = (database: Database): EvidenceBytes => ({
  place: 'postgres',
  async prepare(sql) {
    await sql.query(`
      create table if not exists evidence_chunks (
        sha256 text not null references evidence on delete cascade, n integer not null, data bytea not null,
        primary key (sha256, n));
      -- Compressing what is compressed already only costs time.
      alter table evidence_chunks alter column data set storage external;`);
  },
  keep: ({ sha256, bytes, file }, known) =>
    database.transaction(async (sql) => {
      const result = await known(sql);
      for (let n = 0, at = 0; at < bytes; n++) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
        const { rowCount } = await sql.query(
          'insert into evidence_chunks (sha256, n, data) values ($1, $2, $3) on conflict do nothing',
          [sha256, n, buffer.subarray(0, bytesRead)],
        );
        if (rowCount === 0) break; // somebody else was faster, and kept all of them
        at += bytesRead;
      }
      return result;
    }),
  async open(sha256) {
    const chunk = async (n: number) => {
      const { rows } = await database.query<{ data: Buffer }>(
        'select data from evidence_chunks where sha256 = $1 and n = $2',
        [sha256, n],
      );
      return rows[0]?.data;
    };
    const first = await chunk(0);
    return (async function* () {
      for (let n = 0, data = first; data; data = await chunk(++n)) yield data;
    })();
  },
});
