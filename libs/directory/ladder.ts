import { Type } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { durationMs, type Term } from '#calendar';
import { Id, ListOf, Refused, type AnyDecider, type Asked, type FieldError } from '#kernel';

/** How far from the due instant: working days of the recipient's calendar, or an exact duration. */
export type Offset = Term;
export type When = { before: Offset; after?: undefined } | { after: Offset; before?: undefined };

export interface Rung {
  id: string;
  when: When;
  action: 'remind' | 'escalate';
  /** `agency` or an office: `deputy`, `governor`, `inspection`, … */
  to: string;
  legalBasis?: string;
}

export interface Ladder {
  rungs: Rung[];
  /** After the last rung its escalation comes again, this many working days apart. */
  repeat?: { workingDays: number };
}

/** The built-in ladder `standard`, version 1 (CONTRACT section 5). */
export const STANDARD: Ladder = {
  rungs: [
    { id: 'remind', when: { before: { workingDays: 3 } }, action: 'remind', to: 'agency' },
    { id: 'deputy', when: { after: { workingDays: 2 } }, action: 'escalate', to: 'deputy' },
    {
      id: 'governor',
      when: { after: { workingDays: 5 } },
      action: 'escalate',
      to: 'governor',
      legalBasis: 'ماده ۶۱ قانون رفع موانع تولید رقابت‌پذیر',
    },
    {
      id: 'inspection',
      when: { after: { workingDays: 15 } },
      action: 'escalate',
      to: 'inspection',
      legalBasis: 'ماده ۶۱ قانون رفع موانع تولید رقابت‌پذیر',
    },
  ],
  repeat: { workingDays: 10 },
};

class OffsetData {
  @IsOptional() @IsInt() @Min(1) @Max(750) workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}
class WhenData {
  @IsOptional() @ValidateNested() @Type(() => OffsetData) before?: OffsetData;
  @IsOptional() @ValidateNested() @Type(() => OffsetData) after?: OffsetData;
}
class RungData {
  @IsString() @Matches(/^[A-Za-z0-9._+-]{1,100}$/) id!: string;
  @IsObject() @ValidateNested() @Type(() => WhenData) when!: WhenData;
  @IsIn(['remind', 'escalate']) action!: Rung['action'];
  @Id() to!: string;
  @IsOptional() @IsString() @MaxLength(1000) legalBasis?: string;
}
class RepeatData {
  @IsInt() @Min(1) @Max(750) workingDays!: number;
}
export class DefineLadder {
  @ListOf(() => RungData, 50) rungs!: RungData[];
  @IsOptional() @ValidateNested() @Type(() => RepeatData) repeat?: RepeatData;
}

export interface LadderState extends Ladder {
  version: number;
}

/** Versions count up from 1; what is running keeps the version pinned in its `ResolutionIssued`. */
export const ladderDecider: AnyDecider<LadderState | undefined> = {
  aggregate: 'ladder',
  initial: undefined,
  evolve: (_, { data }) => data as LadderState,
  commands: {
    DefineLadder: {
      data: DefineLadder,
      roles: ['admin', 'governor'],
      decide({ id, data }: Asked<DefineLadder>, state) {
        const errors = faultsOf(data);
        if (errors.length > 0) {
          const sentence = errors.map(({ path, reason }) => `${path} ${reason}`).join('; ');
          throw new Refused('invalid', sentence, 422, errors);
        }
        const version = (ladderInForce(id, state)?.version ?? 0) + 1;
        return [{ type: 'LadderDefined', data: { ...data, version } }];
      },
    },
  },
};

/** The ladder of this id as it stands, with the built-in `standard` version 1 behind it. */
export const ladderInForce = (id: string, state: LadderState | undefined): LadderState | undefined =>
  state ?? (id === 'standard' ? { ...STANDARD, version: 1 } : undefined);

function faultsOf({ rungs }: DefineLadder): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const last: Partial<Record<'before' | 'after', OffsetData>> = {};
  rungs.forEach((rung, index) => {
    const path = `rungs[${index}]`;
    if (rung.id === 'due')
      errors.push({ path: `${path}.id`, reason: 'must not be "due": that rung is in every ladder' });
    if (rung.id.includes('+'))
      errors.push({ path: `${path}.id`, reason: 'must not contain "+": repeats are named with it' });
    if (seen.has(rung.id)) errors.push({ path: `${path}.id`, reason: `must be unique; "${rung.id}" is there already` });
    seen.add(rung.id);
    const { before, after } = rung.when;
    const side = before ? 'before' : 'after';
    const offset = before ?? after;
    if (!offset || (before && after)) {
      errors.push({ path: `${path}.when`, reason: 'must be either before or after the due instant' });
      return;
    }
    const ms = offset.duration === undefined ? undefined : durationMs(offset.duration);
    if ((offset.workingDays === undefined) === (offset.duration === undefined)) {
      errors.push({ path: `${path}.when.${side}`, reason: 'must have either workingDays or duration' });
    } else if (offset.duration !== undefined && !ms) {
      errors.push({ path: `${path}.when.${side}.duration`, reason: 'must be an ISO 8601 duration such as PT72H' });
    }
    const previous = last[side];
    if (previous && (side === 'before' ? compare(offset, previous) > 0 : compare(offset, previous) < 0)) {
      errors.push({
        path: `${path}.when`,
        reason: 'is out of order: rungs are listed in the order in which they come',
      });
    }
    last[side] = offset;
  });
  if (errors.length === 0 && !last.after) {
    errors.push({ path: 'rungs', reason: 'must have a rung after the due instant, or a miss would be told to nobody' });
  }
  return errors;
}

/** Offsets of one kind by length; a working day and a duration cannot be compared, so their order is taken as given. */
function compare(a: OffsetData, b: OffsetData): number {
  if (a.workingDays !== undefined && b.workingDays !== undefined) return a.workingDays - b.workingDays;
  if (a.duration !== undefined && b.duration !== undefined) return durationMs(a.duration)! - durationMs(b.duration)!;
  return 0;
}
