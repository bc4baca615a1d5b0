import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsISO8601,
  IsObject,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import type { DataClass } from './decider.js';
import { SealedWithin } from './sealed.js';
import { ID } from './shape.js';

/** The kinds of fields that command classes share, so that one limit stands in one place. */

/** Titles, reasons, notes. In UTF-16 units. */
export const MAX_TEXT = 4_000;
/** Statements, findings, the wording of a resolution. */
export const MAX_LONG_TEXT = 20_000;
/** Members of a list, unless told otherwise. */
export const MAX_ITEMS = 100;

const all =
  (...decorators: PropertyDecorator[]): PropertyDecorator =>
  (target, key) =>
    decorators.forEach((decorate) => decorate(target, key));

/** Text that says something: not empty, not only blanks. */
export const Text = (max = MAX_TEXT, each = false): PropertyDecorator =>
  all(IsString({ each }), Matches(/\S/, { each, message: '$property must not be empty' }), MaxLength(max, { each }));

export const Texts = (maxItems = MAX_ITEMS, max = MAX_TEXT): PropertyDecorator =>
  all(IsArray(), ArrayMaxSize(maxItems), Text(max, true));

/** The id of a stream or of a part of one (CONTRACT section 2). */
export const Id = (each = false): PropertyDecorator =>
  Matches(ID, { each, message: '$property must be 1 to 100 letters, digits, "-", "_" or "."' });

/** A calendar date that exists, `YYYY-MM-DD`, Gregorian, local to the calendar that counts it. */
export const DateText = (each = false): PropertyDecorator =>
  all(
    Matches(/^\d{4}-\d\d-\d\d$/, { each, message: '$property must be a date like 2026-08-25' }),
    IsISO8601({ strict: true }, { each, message: '$property must be a date that exists' }),
  );

/** A list of objects, each of the given class. An element that is a list itself would slip past ValidateNested. */
export const ListOf = (type: () => DataClass, maxItems = MAX_ITEMS): PropertyDecorator =>
  all(
    IsArray(),
    ArrayMaxSize(maxItems),
    IsObject({ each: true }),
    ValidateNested({ each: true }),
    Type(type),
    SealedWithin(type),
  );
