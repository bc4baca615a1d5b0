import { IsIn, IsOptional } from 'class-validator';
import { Sealed, Text, Texts } from '#kernel';
import { IsIdOfUnit } from './legal-id.js';

export const UNIT_SIZES = ['small', 'medium', 'large'] as const;

export class RegisterUnitData {
  @Text(300) name!: string;
  /** Of the company (11 digits), or of the person whose workshop it is (10). */
  @IsOptional() @IsIdOfUnit() @Sealed() legalId?: string;
  @IsIn(UNIT_SIZES) size!: (typeof UNIT_SIZES)[number];
  /** `knowledge-based`, `brand-revival`, `supply-chain`, …; may be empty. */
  @Texts(20, 100) classes!: string[];
  @Text(200) sector!: string;
}
