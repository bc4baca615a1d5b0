import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { DateText, Sealed, Text } from '#kernel';

export class EstablishWorkingGroupData {
  @Text(300) name!: string;
  /** The offices that chair it and keep its minutes. */
  @Text(200) chair!: string;
  @Text(200) secretary!: string;
  /** Cases on one agenda; a larger agenda warns and is never refused. 14 unless told otherwise. */
  @IsOptional() @IsInt() @Min(1) @Max(1_000) capacity?: number;
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
