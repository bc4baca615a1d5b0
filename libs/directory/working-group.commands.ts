import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsObject, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import { DateText, Sealed, Text } from '#kernel';

/** How many must be present at a session. */
export class QuorumData {
  @IsInt() @Min(1) @Max(200) members!: number;
  /** A session without it is refused; else it is opened and warned of. */
  @IsOptional() @IsBoolean() required?: boolean;
}

export class EstablishWorkingGroupData {
  @Text(300) name!: string;
  /** The offices that chair it and keep its minutes. */
  @Text(200) chair!: string;
  @Text(200) secretary!: string;
  /** Cases on one agenda; a larger agenda warns and is never refused. 14 unless told otherwise. */
  @IsOptional() @IsInt() @Min(1) @Max(1_000) capacity?: number;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => QuorumData) quorum?: QuorumData;
}

export class ScheduleSessionData {
  @DateText() date!: string;
}

export class RescheduleSessionData {
  @IsInt() @Min(1) number!: number;
  @DateText() date!: string;
  @IsOptional() @Text() reason?: string;
}

/** `to` is the last day; without it, until further notice. */
export class AppointData {
  @Text(200) office!: string;
  @Text(200) @Sealed() person!: string;
  @DateText() from!: string;
  @IsOptional() @DateText() to?: string;
}
