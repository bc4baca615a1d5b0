import { IsOptional } from 'class-validator';
import { Id, ListOf, MAX_LONG_TEXT, Sealed, Text, Texts } from '#kernel';
import { ObligationData } from '#resolutions';

export class OpenSessionData {
  /** The offices and agencies that are present. */
  @Texts(200, 200) @Sealed() attendance!: string[];
}

export class AdoptResolutionData {
  /** A sector's matter may have no case. */
  @IsOptional() @Id() case?: string;
  @Text(MAX_LONG_TEXT) text!: string;
  @Text() legalBasis!: string;
  @ListOf(() => ObligationData, 50) obligations!: ObligationData[];
}

/** The minutes are what was adopted: there is nothing to add to a signature. */
export class SignMinutesData {}
