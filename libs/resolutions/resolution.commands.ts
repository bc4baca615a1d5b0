import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsInt, IsMimeType, IsOptional, IsString, Matches, Max, MaxLength, Min, registerDecorator, ValidateIf, ValidateNested } from 'class-validator'; // prettier-ignore
import { termFault } from '#calendar';
import { Id, ListOf, MAX_LONG_TEXT, MAX_TEXT, Sealed, Text } from '#kernel';

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
  return (target: object, propertyName: string) => {
    // Always looked at, and yet not a required field: the API's description tells the two apart by this.
    ValidateIf(() => true)(target, propertyName);
    registerDecorator({
      name: 'isTerm',
      target: target.constructor,
      propertyName,
      validator: {
        validate: (_, args) => fault(args!.object) === undefined,
        defaultMessage: (args) => `the term ${fault(args!.object)}`,
      },
    });
  };
}

const MAX_OBLIGATIONS = 50;

/**
 * What ONE agency must do, by when, and what counts as done. Agency, acceptance and term are optional in the shape only:
 * an obligation without them is refused (422) with a sentence, because that is a rule of the field and not a typing error.
 */
export class ObligationData {
  @Id() id!: string;
  @IsOptional() @Id() agency?: string;
  @Text() action!: string;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) acceptance?: string;
  @IsOptional() @ValidateNested() @Type(() => TermData) term?: TermData;
  /** Defaults to the agency's own. */
  @IsOptional() @Id() calendar?: string;
  /** Defaults to `standard`. */
  @IsOptional() @Id() ladder?: string;
  /** Obligations of the same resolution (one id or several) that have to be met before this one's clock starts. */
  @IsOptional()
  @Transform(({ value }) => (typeof value === 'string' ? [value] : value))
  @IsArray()
  @ArrayUnique()
  @ArrayMaxSize(MAX_OBLIGATIONS)
  @Id(true)
  dependsOn?: string[];
}

export class IssueResolution {
  @Id() session!: string;
  @IsOptional() @Id() case?: string;
  @Text(100) number!: string;
  @Text(MAX_LONG_TEXT) text!: string;
  @Text() legalBasis!: string;
  @ListOf(() => ObligationData, MAX_OBLIGATIONS) obligations!: ObligationData[];
}

export class CommunicateResolution {
  @Text(100) letterNumber!: string;
}

class OnObligation {
  @Id() obligation!: string;
}
class WithNote extends OnObligation {
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) @Sealed() note?: string;
}
class WithReason extends OnObligation {
  @Text() reason!: string;
}

export class ReportProgress extends WithNote {
  @IsOptional() @IsInt() @Min(0) @Max(100) percent?: number;
}
export class AcknowledgeObligation extends ReportProgress {}
export class DisputeObligation extends WithReason {}

export class EvidenceData {
  @Text(255) name!: string;
  /** Lower-case hex SHA-256 of the file's bytes. */
  @Matches(/^[0-9a-f]{64}$/) sha256!: string;
  @IsMimeType() mediaType!: string;
  @IsInt() @Min(0) bytes!: number;
}
export class ReportCompliance extends WithNote {
  /** Each piece has to be there already (`PUT /v1/evidence/{sha256}`); none at all is a claim by word alone. */
  @ListOf(() => EvidenceData, 50) evidence!: EvidenceData[];
}
export class JudgeCompliance extends WithNote {}

export class ExtensionTerm extends WithReason {
  @IsTerm() workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}
export class RefuseExtension extends WithReason {
  @IsTerm({ optional: true }) workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

export class ReassignObligation extends OnObligation {
  @Id() agency!: string;
  @IsTerm() workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
  @IsOptional() @IsString() @MaxLength(MAX_TEXT) reason?: string;
}

class OnGround extends OnObligation {
  @Text() ground!: string;
  @Text(1000) document!: string;
}
export class SuspendDeadline extends OnGround {
  /** Working days after which the suspension must be reviewed, 1 to 60. */
  @IsInt() @Min(1) @Max(60) reviewAfter!: number;
}
export class ResumeDeadline extends OnGround {}

export class IssueDirective extends OnObligation {
  @Text() text!: string;
  @IsTerm({ optional: true }) workingDays?: number;
  @IsOptional() @IsString() @MaxLength(40) duration?: string;
}

export class Refer extends OnObligation {
  @Text(300) body!: string;
  @Text() basis!: string;
}

export class RevokeObligation extends WithReason {}
export class RevokeResolution {
  @Text() reason!: string;
}

/** The wake-ups of the engine say nothing: both mean "settle now". */
export class WakeUp {}
