import { IsOptional } from 'class-validator';
import { Text } from '#kernel';

export class DefineNoticeTemplateData {
  /** With named placeholders: `مهلت مصوبهٔ {number} گذشت`. */
  @Text(4_000) text!: string;
  /** Of `Digest-email` only, and of it always: what stands in the letter's subject. */
  @IsOptional() @Text(200) subject?: string;
}
