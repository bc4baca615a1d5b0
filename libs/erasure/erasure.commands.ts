import { ArrayNotEmpty, IsOptional, Matches } from 'class-validator';
import { Text, Texts } from '#kernel';

export class EraseData {
  /** Whose sealed fields are to be erased: `unit-u-17`. */
  @Matches(/^[A-Za-z]{1,40}-[A-Za-z0-9._-]{1,100}$/, { message: 'stream must be like "unit-u-17"' }) stream!: string;
  /** `legalId`, `needs[].statement`, or one place, `needs[0].statement`; everything that is sealed when not given. */
  @IsOptional() @ArrayNotEmpty() @Texts(50, 200) fields?: string[];
  /** The law that demands it. It stays in the log for ever, so it must not name what is erased; nor may the document. */
  @Text() ground!: string;
  @Text(1000) document!: string;
}
