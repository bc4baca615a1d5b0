import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { ListOf, Sealed, Text } from '#kernel';

/** One way to a recipient: exactly one of `email`, `sms`, `webhook`. */
export class ChannelData {
  /** Mailboxes, all of which get each letter. */
  @IsOptional() @IsArray() @ArrayMaxSize(20) @IsString({ each: true }) @Sealed() email?: string[];
  /** An Iranian mobile number, in whatever form and digits it is usually written. */
  @IsOptional() @IsString() @Sealed() sms?: string;
  /** `https://…`, or `http://` to this machine. */
  @IsOptional() @IsString() webhook?: string;
  /** Which of the webhook's secrets signs (`peygir webhook-secret`): 1 unless told otherwise. The one before it signs too. */
  @IsOptional() @IsInt() @Min(1) @Max(10_000) key?: number;
}

/** In the order in which they are tried: what one of them cannot deliver goes by the next. Empty: nobody is told. */
export class SetContactsData {
  @ListOf(() => ChannelData, 10) channels!: ChannelData[];
}

/** The receiver has answered that it is gone (410). */
export class DisableWebhookData {
  @Text(2_000) webhook!: string;
}
