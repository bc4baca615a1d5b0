import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsString,
  IsUUID,
  Length,
  Min,
} from 'class-validator';
import type { AnyDecider } from '#kernel';

/** Why somebody was not told. `no-channel`: no SMTP_URL; `no-address`: the recipient has none; the rest from the server. */
export const FAILURES = ['no-channel', 'no-address', 'rejected', 'unreachable'] as const;
export type Failure = (typeof FAILURES)[number];

/** Ids of this many events stay well under the 48 KiB of one event's data. */
export const MAX_TOLD = 1_000;

class Told {
  /** An office (`governor`) or an agency (`agency:gas`). The address itself stays out of the log. */
  @IsString() @Length(1, 120) recipient!: string;
  /** Ids of the events it tells of. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(MAX_TOLD) @IsUUID(undefined, { each: true }) events!: string[];
}

export class RecordNoticeSent extends Told {
  @IsIn(['email']) channel!: 'email';
  @IsString() @Length(1, 200) messageId!: string;
}

export class RecordNoticeFailed extends Told {
  @IsIn(FAILURES) reason!: Failure;
  @IsInt() @Min(1) attempts!: number;
  /** True when it will not be tried again: nobody was told. */
  @IsBoolean() final!: boolean;
}

export interface NoticeState {
  status: 'new' | 'failed' | 'sent' | 'given-up';
  reason?: Failure;
}

/**
 * One message to one recipient, named by what it tells. Sending is at least once, recording exactly once: whoever
 * records a second time finds that it is already so.
 */
export const noticeDecider: AnyDecider<NoticeState> = {
  aggregate: 'notice',
  initial: { status: 'new' },
  evolve(state, { type, data }) {
    if (type === 'NoticeSent') return { status: 'sent' };
    if (type === 'NoticeFailed') return { status: data.final ? 'given-up' : 'failed', reason: data.reason };
    return state;
  },
  commands: {
    RecordNoticeSent: {
      data: RecordNoticeSent,
      roles: ['engine'],
      decide: ({ data }, { status }) => (status === 'sent' ? [] : [{ type: 'NoticeSent', data: { ...data } }]),
    },
    RecordNoticeFailed: {
      data: RecordNoticeFailed,
      roles: ['engine'],
      // A server that is down for a week is one fact, not one for every attempt.
      decide({ data }, { status, reason }) {
        if (status === 'sent' || status === 'given-up') return [];
        if (status === 'failed' && !data.final && reason === data.reason) return [];
        return [{ type: 'NoticeFailed', data: { ...data } }];
      },
    },
  },
};
