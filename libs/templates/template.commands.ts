import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, MaxLength, IsString, ValidateNested } from 'class-validator';
import { CATEGORIES, type Category } from '#directory';
import { Id, Text } from '#kernel';

class TemplateTermData {
  /** Working days of the agency's calendar, 1 to 750. */
  @IsOptional() @IsInt() workingDays?: number;
  /** ISO 8601 duration of weeks, days (24 h), hours, minutes, seconds. */
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

/** A measure that is decided again and again, ready to be put into a resolution. */
export class DefineTemplateData {
  @IsIn(CATEGORIES) category!: Category;
  @Text(300) title!: string;
  /** Whom it obliges; or `agencyKind`, where every time it is another of its kind (the bank of the unit's loan). */
  @IsOptional() @Id() agency?: string;
  @IsOptional() @Id() agencyKind?: string;
  @Text() action!: string;
  @Text() acceptance!: string;
  @IsObject() @ValidateNested() @Type(() => TemplateTermData) term!: TemplateTermData;
  /** `standard` unless told otherwise. */
  @IsOptional() @Id() ladder?: string;
  @Text() legalBasis!: string;
}

export class RetireTemplateData {
  @Text() reason!: string;
}
