import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { Id, MAX_LONG_TEXT, Sealed, Text, Texts } from '#kernel';
import { CATEGORIES, type Category } from '#directory';

export const CHANNELS = ['desk', 'phone', 'visit', 'portal', 'chamber', 'agency'] as const;

export class OpenCaseData {
  /** The unit in trouble; a sector's or an investor's matter has none. */
  @IsOptional() @Id() unit?: string;
  @IsIn(CHANNELS) channel!: (typeof CHANNELS)[number];
  @IsIn(CATEGORIES) category!: Category;
  /** The first words of the statement, mostly; so it is sealed as well. */
  @Text(300) @Sealed() title!: string;
  @Text(MAX_LONG_TEXT) @Sealed() statement!: string;
  /** Why the unit is in trouble: `sanctions`, `mismanagement`, … */
  @IsOptional() @Text(200) cause?: string;
  /** The visit whose findings opened it. */
  @IsOptional() @Id() visit?: string;
}

export class ReviewCaseData {
  @Text(MAX_LONG_TEXT) @Sealed() technicalNote!: string;
  @Text() @Sealed() recommendation!: string;
  @Texts() checklist!: string[];
}

export class TableCaseData {
  @Id() session!: string;
}

export class TransferCaseData {
  @Id() workingGroup!: string;
}

export class LinkResolutionData {
  @Id() resolution!: string;
}

export const ENDINGS = ['fulfilled', 'revoked'] as const;

export class EndResolutionData {
  @Id() resolution!: string;
  @IsIn(ENDINGS) outcome!: (typeof ENDINGS)[number];
}

/** What the unit says of the outcome. */
export class NoteData {
  @Text() @Sealed() note!: string;
}

export class CloseCaseData {
  @Text() outcome!: string;
  /** `false`: nothing was solved (it came twice, it was withdrawn), so that no outcome has to be checked later. */
  @IsOptional() @IsBoolean() solved?: boolean;
}

/** What has become of the unit, 90 days after its case was closed or later. */
export class RecordOutcomeCheckData {
  /** Whether it works. */
  @IsBoolean() unitOpen!: boolean;
  /** People who work there. */
  @IsOptional() @IsInt() @Min(0) @Max(1_000_000) jobs?: number;
  /** What it produces, in percent of what it could. */
  @IsOptional() @IsInt() @Min(0) @Max(1_000) output?: number;
  @IsOptional() @Text() @Sealed() note?: string;
}

export class ReopenCaseData {
  @Text() reason!: string;
}
