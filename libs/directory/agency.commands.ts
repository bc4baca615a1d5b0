import { IsOptional } from 'class-validator';
import { Id, Text } from '#kernel';

export class RegisterAgencyData {
  @Text(300) name!: string;
  /** `bank`, `utility`, `office`, … */
  @Text(100) kind!: string;
  /** The calendar its working days are counted on; `offices` unless told otherwise. */
  @IsOptional() @Id() calendar?: string;
}
