import { IsInt, IsOptional, Max, Min, IsObject, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { Id, MAX_LONG_TEXT, Text } from '#kernel';

export class ChaseData {
  /** Asked again every so many working days, until answered. */
  @IsInt() @Min(1) @Max(750) workingDays!: number;
}

export class OpenReferralData {
  @Id() resolution!: string;
  @Id() obligation!: string;
  @Text(300) addressee!: string;
  @Text() basis!: string;
  @IsObject() @ValidateNested() @Type(() => ChaseData) chase!: ChaseData;
}

export class RecordAnswerData {
  @Text(MAX_LONG_TEXT) answer!: string;
  @IsOptional() @Text(200) letterNumber?: string;
}

export class CloseReferralData {
  @Text() outcome!: string;
}
