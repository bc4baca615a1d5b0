import { ArrayMinSize, IsIn, IsInt, IsISO8601, IsObject, IsOptional, Min, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { DateText, ListOf, ROLES, Text, type AnyDecider, type Projection, type Role } from '#kernel';

/** Entries of one event: with the longest addresses and purposes they stay under the 48 KiB of one event's data. */
export const MAX_READS = 40;
export const MAX_WHAT = 300;
export const MAX_PURPOSE = 200;

class Reader {
  @Text(200) id!: string;
  @IsIn(ROLES) role!: Role;
}

/** The same question, asked once or often. */
class Read {
  /** What was asked for, as `GET /v1/audit/case-c-17?asOf=…`; a follower's place in the log is left out. */
  @Text(MAX_WHAT) what!: string;
  /** As the reader gave it; absent when none was given. */
  @IsOptional() @Text(MAX_PURPOSE) purpose?: string;
  @IsInt() @Min(1) count!: number;
  @IsISO8601() first!: string;
  @IsISO8601() last!: string;
}

export class RecordReads {
  @IsObject() @ValidateNested() @Type(() => Reader) reader!: Reader;
  /** The local day of the reads. */
  @DateText() day!: string;
  @ArrayMinSize(1) @ListOf(() => Read, MAX_READS) reads!: Read[];
}

/** What one reader read of the audit interface on one day: a stream that the engine alone writes. */
export const readingDecider: AnyDecider<{ reads: number }> = {
  aggregate: 'reading',
  initial: { reads: 0 },
  evolve: ({ reads }, { data }) => ({
    reads: reads + (data.reads as Read[]).reduce((sum, { count }) => sum + count, 0),
  }),
  commands: {
    RecordReads: {
      data: RecordReads,
      roles: ['engine'],
      decide: ({ data }) => [{ type: 'ReadsRecorded', data: structuredClone({ ...data }) }],
    },
  },
};

/** Left out of what readers are answered and of live events, so that whoever follows the log does not follow himself. */
export const isReading = ({ stream }: { stream: string }): boolean => stream.startsWith(`${readingDecider.aggregate}-`);

/** Who read what, as it stands in the log; and, in a table that outlives every rebuild, what is only noted yet. */
export const readingsProjection: Projection = {
  name: 'readings',
  version: 1,
  tables: ['audit_readings'],
  schema: `
    create table if not exists audit_readings (
      position bigint not null, n integer not null, reader text not null, role text not null, day text not null,
      what text not null, purpose text, count integer not null, first text not null, last text not null,
      primary key (position, n));
    create index if not exists audit_readings_reader on audit_readings (reader, day);
    create table if not exists audit_reads (
      id bigint generated always as identity primary key, batch uuid,
      reader text not null, role text not null, day text not null, what text not null, purpose text not null,
      count integer not null, first text not null, last text not null);
    create unique index if not exists audit_reads_open on audit_reads (reader, role, day, what, purpose)
      where batch is null;
    create index if not exists audit_reads_batch on audit_reads (batch);`,
  on: ['ReadsRecorded'],
  async apply(events, sql) {
    for (const { position, data, metadata } of events) {
      await sql.query('delete from audit_reads where batch = $1', [metadata.commandId]);
      await sql.query(
        `insert into audit_readings
         select $1, n, $2, $3, $4, r->>'what', r->>'purpose', (r->>'count')::int, r->>'first', r->>'last'
         from jsonb_array_elements($5::jsonb) with ordinality as t(r, n)`,
        [position, data.reader.id, data.reader.role, data.day, JSON.stringify(data.reads)],
      );
    }
  },
};
