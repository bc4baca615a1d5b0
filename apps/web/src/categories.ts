import type { Category } from '#directory';

/** What a case can be about, in the words of the office. */
export const CATEGORIES: Readonly<Record<Category, [string, string]>> = {
  'bank-credit': ['تسهیلات بانکی', 'Bank credit'],
  gas: ['گاز', 'Gas'],
  electricity: ['برق', 'Electricity'],
  'expansion-plan': ['طرح توسعه', 'Expansion plan'],
  licensing: ['صدور پروانه', 'Licensing'],
  'social-insurance': ['بیمهٔ تأمین اجتماعی', 'Social insurance'],
  land: ['زمین', 'Land'],
  technology: ['فناوری', 'Technology'],
  export: ['صادرات', 'Export'],
  revival: ['احیای واحد', 'Revival'],
  investment: ['سرمایه‌گذاری', 'Investment'],
  'renewable-energy': ['انرژی تجدیدپذیر', 'Renewable energy'],
};
