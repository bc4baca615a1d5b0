import { IsIn, IsOptional } from 'class-validator';
import { DateText, Id, ListOf, MAX_LONG_TEXT, Sealed, Text } from '#kernel';
import { CATEGORIES, type Category } from '#directory';

export class PlanVisitData {
  @Id() unit!: string;
  /** The session it prepares; it need not be scheduled yet. */
  @IsOptional() @Id() session?: string;
  @DateText() date!: string;
  @Text() reason!: string;
}

export class NeedData {
  @IsIn(CATEGORIES) category!: Category;
  @Text(MAX_LONG_TEXT) @Sealed() statement!: string;
}

export class RecordFindingsData {
  @Text(MAX_LONG_TEXT) @Sealed() findings!: string;
  @ListOf(() => NeedData, 50) needs!: NeedData[];
}
