/** A number in the digits of a language. */
export const digits = (value: number | string, language: 'fa' | 'en'): string =>
  language === 'fa' ? String(value).replaceAll(/\d/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'[Number(digit)]!) : String(value);

/** Digits as people type them on a Persian or an Arabic keyboard, as the API takes them. */
export const plainDigits = (text: string): string =>
  text.replaceAll(/[۰-۹٠-٩]/g, (digit) => String((digit.charCodeAt(0) - (digit >= '۰' ? 0x6f0 : 0x660)) % 10));
