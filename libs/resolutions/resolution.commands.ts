import { Type } from 'class-transformer';
import { termFault } from '#calendar';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsMimeType,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  registerDecorator,
  ValidateNested,
} from 'class-validator';

const ID = /^[A-Za-z0-9._-]{1,100}$/;

export class TermData {
  /** Working days of the obligation's calendar, 1 to 750. */
  @IsOptional() @IsInt() workingDays?: number;
  /** ISO 8601 duration of weeks, days (24 h), hours, minutes, seconds. */
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

/**
 * A term in a command's body: `workingDays` (1 to 750) or `duration`, not both; with `optional`, neither will do.
 * Stands on `workingDays` and looks at its sibling.
 */
function IsTerm({ optional = false } = {}) {
  const fault = (object: object) => {
    const term = object as { workingDays?: unknown; duration?: unknown };
    return optional && term.workingDays === undefined && term.duration === undefined ? undefined : termFault(term);
  };
  return (target: object, propertyName: string) =>
    registerDecorator({
      name: 'isTerm',
      target: target.constructor,
      propertyName,
      validator: {
        validate: (_, args) => fault(args!.object) === undefined,
        defaultMessage: (args) => `the term ${fault(args!.object)}`,
      },
    });
}

/**
 * What ONE agency must do, by when, and what counts as done. Agency, acceptance and term are optional in the shape only:
 * an obligation without them is refused (422) with a sentence, because that is a rule of the field and not a typing error.
 */
export class ObligationData {
  @IsString() @Matches(ID) id!: string;
  @IsOptional() @IsString() @Matches(ID) agency?: string;
  @IsString() @Length(1, 4000) action!: string;
  @IsOptional() @IsString() @MaxLength(4000) acceptance?: string;
  @IsOptional() @ValidateNested() @Type(() => TermData) term?: TermData;
  /** Defaults to the agency's own. */
  @IsOptional() @IsString() @Matches(ID) calendar?: string;
  /** Defaults to `standard`. */
  @IsOptional() @IsString() @Matches(ID) ladder?: string;
}

export class IssueResolution {
  @IsString() @Matches(ID) session!: string;
  @IsOptional() @IsString() @Matches(ID) case?: string;
  @IsString() @Length(1, 100) number!: string;
  @IsString() @Length(1, 20_000) text!: string;
  @IsString() @Length(1, 4000) legalBasis!: string;
  @IsArray()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => ObligationData)
  obligations!: ObligationData[];
}

export class CommunicateResolution {
  @IsString() @Length(1, 100) letterNumber!: string;
}

class OnObligation {
  @IsString() @Matches(ID) obligation!: string;
}
class WithReason extends OnObligation {
  @IsString() @Length(1, 4000) reason!: string;
}

export class AcknowledgeObligation extends OnObligation {
  @IsOptional() @IsInt() @Min(0) @Max(100) percent?: number;
  @IsOptional() @IsString() @MaxLength(4000) note?: string;
}
export class ReportProgress extends AcknowledgeObligation {}
export class DisputeObligation extends WithReason {}

export class EvidenceData {
  @IsString() @Length(1, 255) name!: string;
  /** Lower-case hex SHA-256 of the file's bytes. */
  @Matches(/^[0-9a-f]{64}$/) sha256!: string;
  @IsMimeType() mediaType!: string;
  @IsInt() @Min(0) bytes!: number;
}
export class ReportCompliance extends OnObligation {
  @IsArray()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => EvidenceData)
  evidence!: EvidenceData[];
  @IsOptional() @IsString() @MaxLength(4000) note?: string;
}

export class JudgeCompliance extends OnObligation {
  @IsOptional() @IsString() @MaxLength(4000) note?: string;
}

class WithTerm extends WithReason {
  @IsTerm() workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}
export class ExtensionTerm extends WithTerm {}
export class RefuseExtension extends WithReason {
  @IsTerm({ optional: true }) workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

export class ReassignObligation extends OnObligation {
  @IsString() @Matches(ID) agency!: string;
  @IsTerm() workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
  @IsOptional() @IsString() @MaxLength(4000) reason?: string;
}

class OnGround extends OnObligation {
  @IsString() @Length(1, 4000) ground!: string;
  @IsString() @Length(1, 1000) document!: string;
}
export class SuspendDeadline extends OnGround {
  /** Working days after which the suspension must be reviewed, 1 to 60. */
  @IsInt() @Min(1) @Max(60) reviewAfter!: number;
}
export class ResumeDeadline extends OnGround {}

export class IssueDirective extends OnObligation {
  @IsString() @Length(1, 4000) text!: string;
  @IsTerm({ optional: true }) workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

export class Refer extends OnObligation {
  @IsString() @Length(1, 300) body!: string;
  @IsString() @Length(1, 4000) basis!: string;
}

export class RevokeObligation extends WithReason {}
export class RevokeResolution {
  @IsString() @Length(1, 4000) reason!: string;
}

/** The wake-ups of the engine say nothing: both mean "settle now". */
export class WakeUp {}
