import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Min,
} from 'class-validator';
import { Refused, Sealed, Text, Texts, type AnyDecider, type Asked } from '#kernel';

export const CHANNELS = ['email', 'sms', 'webhook'] as const;
export type ChannelName = (typeof CHANNELS)[number];

/**
 * Why somebody was not told. `no-channel`: nothing is configured by which it could be; `no-address`: the recipient has
 * none that can be used; `rejected`, `gone`, `unreachable` from the server; `undelivered`: it was taken, and a report says it did not arrive.
 */
export const FAILURES = ['no-channel', 'no-address', 'rejected', 'gone', 'unreachable', 'undelivered'] as const;
export type Failure = (typeof FAILURES)[number];

/** Ids of this many events stay well under the 48 KiB of one event's data. */
export const MAX_TOLD = 1_000;

class Told {
  /** An office (`governor`) or an agency (`agency:gas`). The address itself stays out of it. */
  @IsString() @Length(1, 120) recipient!: string;
  /** Ids of the events it tells of. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(MAX_TOLD) @IsUUID(undefined, { each: true }) events!: string[];
}

export class RecordNoticeSent extends Told {
  @IsIn(CHANNELS) channel!: ChannelName;
  @IsString() @Length(1, 200) messageId!: string;
  /** The templates it was written with, as `ObligationEscalated-sms/2`. */
  @IsOptional() @Texts(20, 100) templates?: string[];
  /** Of an SMS: what is paid for. */
  @IsOptional() @IsInt() @Min(1) segments?: number;
  /** That it was taken is that it has arrived: a receiver of webhooks has answered. */
  @IsOptional() @IsBoolean() delivered?: boolean;
}

export class RecordNoticeDelivered extends Told {}

export class RecordNoticeFailed extends Told {
  @IsIn(FAILURES) reason!: Failure;
  @IsOptional() @IsIn(CHANNELS) channel?: ChannelName;
  @IsInt() @Min(1) attempts!: number;
  /** True when it will not be tried again: nobody was told. */
  @IsBoolean() final!: boolean;
}

class AcknowledgeNotice {
  /** What was done instead: a call, a letter by hand. */
  @Text() @Sealed() note!: string;
}

class ResendNotice {}

export interface NoticeState {
  status: 'new' | 'failed' | 'sent' | 'delivered' | 'undelivered' | 'acknowledged';
  told?: Told;
  /** By which it was sent. */
  channel?: ChannelName;
  reason?: Failure;
  /** The channel that failed. */
  failing?: ChannelName;
  /** How often the secretary had it sent again. */
  resent: number;
}

/**
 * One message to one recipient, named by what it tells. Sending is at least once, recording exactly once: whoever
 * records a second time finds that it is already so. What could not be delivered is the secretary's, who has it sent
 * again or has told the recipient otherwise.
 */
export const noticeDecider: AnyDecider<NoticeState> = {
  aggregate: 'notice',
  initial: { status: 'new', resent: 0 },
  evolve(state, { type, data }) {
    switch (type) {
      case 'NoticeSent':
        return { ...state, status: 'sent', told: toldOf(data), channel: data.channel };
      case 'NoticeDelivered':
        return { ...state, status: 'delivered' };
      case 'NoticeFailed': {
        const { reason, channel: failing, final } = data;
        return { ...state, status: final ? 'undelivered' : 'failed', told: toldOf(data), reason, failing };
      }
      case 'NoticeResendAsked':
        return { status: 'new', told: state.told, resent: state.resent + 1 };
      case 'NoticeAcknowledged':
        return { ...state, status: 'acknowledged' };
      default:
        return state;
    }
  },
  commands: {
    RecordNoticeSent: {
      data: RecordNoticeSent,
      roles: ['engine'],
      decide({ data: { delivered, ...data } }: Asked<RecordNoticeSent>, { status }) {
        if (!isOpen(status)) return [];
        const arrived = { type: 'NoticeDelivered', data: { ...toldOf(data), channel: data.channel } };
        return [{ type: 'NoticeSent', data: { ...data } }, ...(delivered ? [arrived] : [])];
      },
    },
    RecordNoticeDelivered: {
      data: RecordNoticeDelivered,
      roles: ['engine'],
      decide: ({ data }, { status, channel }) =>
        status === 'sent' ? [{ type: 'NoticeDelivered', data: { ...data, channel } }] : [],
    },
    RecordNoticeFailed: {
      data: RecordNoticeFailed,
      roles: ['engine'],
      // A server that is down for a week is one fact, not one for every attempt.
      decide({ data }: Asked<RecordNoticeFailed>, { status, reason, failing }) {
        if (!isOpen(status) && !(status === 'sent' && data.reason === 'undelivered')) return [];
        if (status === 'failed' && !data.final && reason === data.reason && failing === data.channel) return [];
        return [{ type: 'NoticeFailed', data: { ...data } }];
      },
    },
    ResendNotice: {
      data: ResendNotice,
      roles: ['secretary'],
      decide: ({ id }, { status, told }) =>
        status === 'new' || status === 'failed'
          ? existing(id, told, [])
          : [{ type: 'NoticeResendAsked', data: { ...undelivered(id, status, told) } }],
    },
    AcknowledgeNotice: {
      data: AcknowledgeNotice,
      roles: ['secretary'],
      decide: ({ id, data }: Asked<AcknowledgeNotice>, { status, told }) =>
        status === 'acknowledged'
          ? []
          : [{ type: 'NoticeAcknowledged', data: { ...undelivered(id, status, told), note: data.note } }],
    },
  },
};

const isOpen = (status: NoticeState['status']): boolean => status === 'new' || status === 'failed';
const toldOf = ({ recipient, events }: Told): Told => ({ recipient, events });

function existing<T>(id: string, told: Told | undefined, answer: T): T {
  if (!told) throw Refused.notFound(`There is no notice "${id}".`);
  return answer;
}

function undelivered(id: string, status: NoticeState['status'], told: Told | undefined): Told {
  if (status === 'undelivered') return toldOf(told!);
  throw existing(id, told, new Refused('not-undelivered', `The notice "${id}" is ${status}, not undelivered.`));
}
