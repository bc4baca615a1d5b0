import { derivedId } from '#kernel';

/**
 * What a unit is given to ask about its case: eleven digits derived from the case's id, and a check digit (Luhn), in
 * groups of four, so that it can be told by telephone in any language: `1234-5678-9015`.
 */
export function trackingCode(caseId: string): string {
  const number = Number.parseInt(derivedId('trackingCode', caseId).replaceAll('-', '').slice(0, 12), 16) % 1e11;
  const digits = String(number).padStart(11, '0');
  return `${digits}${checkDigit(digits)}`.replace(/(\d{4})(?=\d)/g, '$1-');
}

/** Luhn: every wrong digit and nearly every swap of neighbours shows. */
function checkDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const weighted = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return (10 - (sum % 10)) % 10;
}
