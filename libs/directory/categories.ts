/** What a case can be about (CONTRACT section 3); each category has its usual agency. */
export const CATEGORIES = [
  'bank-credit',
  'gas',
  'electricity',
  'expansion-plan',
  'licensing',
  'social-insurance',
  'land',
  'technology',
  'export',
  'revival',
  'investment',
  'renewable-energy',
] as const;
export type Category = (typeof CATEGORIES)[number];
