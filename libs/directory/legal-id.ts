import { registerDecorator } from 'class-validator';
import { latinDigits } from '#kernel';

/** Factors of the ten digits before the check digit of a legal person's id (شناسهٔ ملی اشخاص حقوقی). */
const FACTORS = [29, 27, 23, 19, 17, 29, 27, 23, 19, 17];

/** A person's national id (کد ملی): ten digits, the last a check by weights 10 … 2, modulo 11. */
export function isNationalId(text: string): boolean {
  const id = latinDigits(text);
  if (!/^\d{10}$/.test(id) || /^(\d)\1{9}$/.test(id)) return false;
  const digits = [...id].map(Number);
  const rest = digits.slice(0, 9).reduce((sum, digit, index) => sum + digit * (10 - index), 0) % 11;
  return digits[9] === (rest < 2 ? rest : 11 - rest);
}

/** A legal person's id: eleven digits, the last a check in which the tenth digit takes part in every term. */
export function isLegalId(text: string): boolean {
  const id = latinDigits(text);
  if (!/^\d{11}$/.test(id) || /^(\d)\1{10}$/.test(id)) return false;
  const digits = [...id].map(Number);
  const decade = digits[9]! + 2;
  const rest = FACTORS.reduce((sum, factor, index) => sum + (digits[index]! + decade) * factor, 0) % 11;
  return digits[10] === rest % 10;
}

/** Of a company; a workshop that is one person's has the person's. In any of the three sets of digits. */
export const IsIdOfUnit = () => (target: object, propertyName: string) =>
  registerDecorator({
    name: 'isIdOfUnit',
    target: target.constructor,
    propertyName,
    validator: {
      validate: (value: unknown) => typeof value === 'string' && (isLegalId(value) || isNationalId(value)),
      defaultMessage: () =>
        `${propertyName} must be a legal id of 11 digits or a national id of 10; its check digit is wrong`,
    },
  });
