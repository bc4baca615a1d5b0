import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import type { DataClass } from './decider.js';
import { Refused, type FieldError } from './refused.js';

export const ID = /^[A-Za-z0-9._-]{1,100}$/;
/** CONTRACT section 2: the data of one event; larger things are evidence, referenced by SHA-256. */
export const MAX_DATA_BYTES = 48 * 1024;
const MAX_DEPTH = 32;

/**
 * The body of a command as an instance of its class, every fault of it reported at once.
 * @throws Refused `invalid` (400) with the path and the reason of every field.
 */
export function shaped<Data extends object>(type: DataClass<Data>, data: unknown): Data {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw Refused.invalid('The body must be a JSON object.', [{ path: '', reason: 'must be an object' }]);
  }
  const errors: FieldError[] = [];
  badText(data, '', errors, 0);
  if (errors.length === 0 && Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES) {
    errors.push({
      path: '',
      reason: `must be at most ${MAX_DATA_BYTES} bytes of JSON; put larger things into evidence`,
    });
  }
  if (errors.length > 0) throw invalid(errors);
  const instance = plainToInstance(type, data);
  flatten(
    validateSync(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false }),
    '',
    errors,
  );
  if (errors.length > 0) throw invalid(errors);
  return instance;
}

/** What of `data` belongs to the class: an event's data without what deciding added is what the command said. */
export function stripped<Data extends object>(type: DataClass<Data>, data: object): Data {
  const instance = plainToInstance(type, structuredClone(data));
  validateSync(instance, { whitelist: true, forbidUnknownValues: false });
  return JSON.parse(JSON.stringify(instance)) as Data;
}

export function checkId(id: string, path = 'id'): string {
  if (!ID.test(id)) {
    throw Refused.invalid(`"${path}" must be 1 to 100 letters, digits, "-", "_" or ".".`, [
      { path, reason: 'must be 1 to 100 letters, digits, "-", "_" or "."' },
    ]);
  }
  return id;
}

const invalid = (errors: FieldError[]): Refused =>
  Refused.invalid(errors.map(({ path, reason }) => (path ? `${path}: ${reason}` : reason)).join('; '), errors);

/** PostgreSQL cannot store NUL, and a lone surrogate has no UTF-8: neither could be shown again as it was signed. */
function badText(value: unknown, path: string, errors: FieldError[], depth: number): void {
  if (depth > MAX_DEPTH) {
    errors.push({ path, reason: `is nested deeper than ${MAX_DEPTH} levels` });
  } else if (typeof value === 'string') {
    if (value.includes('\u0000')) errors.push({ path, reason: 'must not contain a NUL character' });
    else if (!value.isWellFormed()) errors.push({ path, reason: 'must not contain half of a surrogate pair' });
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => badText(item, `${path}[${index}]`, errors, depth + 1));
  } else if (value !== null && typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      badText(key, `${path}{key}`, errors, depth + 1);
      badText(member, path ? `${path}.${key}` : key, errors, depth + 1);
    }
  }
}

function flatten(found: readonly ValidationError[], parent: string, errors: FieldError[]): void {
  for (const { property, constraints, children } of found) {
    const name = /^\d+$/.test(property) ? `[${property}]` : property;
    const path = parent && !name.startsWith('[') ? `${parent}.${name}` : parent + name;
    for (const reason of Object.values(constraints ?? {})) errors.push({ path, reason });
    flatten(children ?? [], path, errors);
  }
}
