/**
 * JSON in the one spelling of RFC 8785: keys sorted by UTF-16 code units, numbers and strings as ECMAScript writes them,
 * no space. Equal values give equal bytes. Undefined members are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  // Written for speed: a log of a million events goes through here twice.
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += (text && ',') + canonicalJson(item ?? null);
    return `[${text}]`;
  }
  for (const key of sortedKeys(value)) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) text += `${text && ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** What was read from canonical JSON is in order already. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i += 1) if (keys[i - 1]! > keys[i]!) return keys.sort();
  return keys;
}

/** Whether `text`, of which `value` was parsed, is {@link canonicalJson} of it. */
export const isCanonical = (value: unknown, text: string): boolean =>
  // The engine's own writer is the fastest, and keeps the order in which it has read; but for keys that look like numbers.
  (JSON.stringify(value) === text && inOrder(value)) || canonicalJson(value) === text;

function inOrder(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(inOrder);
  let last = '';
  for (const key in value) {
    if (key < last || !inOrder((value as Record<string, unknown>)[key])) return false;
    last = key;
  }
  return true;
}

/** Whether two values say the same as JSON: a registration sent again is no second fact. */
export const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
