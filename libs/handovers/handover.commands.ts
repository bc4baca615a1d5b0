import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { DateText, Id, Sealed, Text, Texts } from '#kernel';

/** So many things are on a list at most, together; how many more there were is said beside it. */
export const MAX_LISTED = 1_000;

/** What is open for an office. Each is named as it is found: `verify facilitation-9-3/o1`, `facilitation-9-3/o1`. */
export class OpenMatters {
  /** What the office owes to the process itself. */
  @Texts(MAX_LISTED, 220) duties!: string[];
  /** Obligations that were escalated to it. */
  @Texts(MAX_LISTED, 220) escalations!: string[];
  /** Referrals that nobody has closed, by their stream. */
  @Texts(MAX_LISTED, 220) referrals!: string[];
  /** Sessions whose minutes wait for a signature. */
  @Texts(MAX_LISTED, 220) sessions!: string[];
  /** What is open besides and found no room. */
  @IsInt() @Min(0) @Max(1_000_000) omitted!: number;
}

export class DrawHandoverData extends OpenMatters {
  @Id() workingGroup!: string;
  @Text(200) office!: string;
  @Text(200) @Sealed() outgoing!: string;
  @Text(200) @Sealed() incoming!: string;
  /** The first day of the new holder. */
  @DateText() from!: string;
  /** The position of the log that the list was read at. */
  @Matches(/^\d{1,18}$/) asOf!: string;
}

export const PARTIES = ['outgoing', 'incoming'] as const;

export class SignHandoverData {
  /** Who signs: the one who leaves the office or the one who takes it. */
  @IsIn(PARTIES) party!: (typeof PARTIES)[number];
  /** Of the list: what is signed is what was seen. */
  @Matches(/^[0-9a-f]{64}$/, { message: 'sha256 must be 64 lower-case hexadecimal digits' }) sha256!: string;
}
