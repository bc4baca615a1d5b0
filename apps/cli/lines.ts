import { createReadStream } from 'node:fs';
import { canonicalJson, derivedId, parseInstant, ROLES, type Actor, type Instant, type Role } from '#kernel';

/** One line of a timeline: who asked what, when (CONTRACT section 6). */
export interface CommandLine {
  /** Counts from 1. */
  line: number;
  at: Instant;
  as: Actor;
  command: string;
  id: string;
  data: object;
  commandId?: string;
  occurredAt?: Instant;
  document?: string;
}

/** A file that cannot be read as command lines. Says which file, line and field, so that it can be mended. */
export class LineError extends Error {
  override readonly name = 'LineError';

  constructor(
    readonly file: string,
    readonly line: number,
    readonly field: string | undefined,
    readonly reason: string,
  ) {
    super(`${file}, line ${line}${field ? `, field "${field}"` : ''}: ${reason}`);
  }
}

/** One command; the server takes no larger body either. */
const MAX_LINE_BYTES = 1024 * 1024;
const KEYS = ['at', 'as', 'command', 'id', 'data', 'commandId', 'occurredAt', 'document'];
const ACTOR_KEYS = ['id', 'role', 'agency', 'unit'];

/**
 * The command lines of a file, one by one, so that a file may be larger than memory. Blank lines are skipped.
 * @throws LineError at the first line that is malformed; nothing after it is read.
 */
export async function* readLines(file: string): AsyncIterable<CommandLine> {
  const parse = parser(file);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let end: number; (end = bytes.indexOf('\n', from)) >= 0; from = end + 1) {
      const line = parse(bytes.subarray(from, end));
      if (line) yield line;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) parse(rest);
  }
  const last = parse(rest);
  if (last) yield last;
}

/** The same over text that is already in memory. `file` only names it in errors. */
export function parseLines(text: string, file: string): CommandLine[] {
  const parse = parser(file);
  return text.split('\n').flatMap((line) => parse(line) ?? []);
}

/**
 * The ids by which lines without a `commandId` are recognised when the same file is loaded again: made from what the
 * line says and from how many equal lines came before it, so that two equal lines are two commands, and lines inserted
 * or left out elsewhere change nothing.
 */
export function commandIds(): (line: CommandLine) => string {
  const seen = new Map<string, number>();
  return (line) => {
    if (line.commandId !== undefined) return line.commandId;
    const text = canonicalJson({ ...line, line: undefined });
    const key = derivedId(text);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return derivedId('line', text, before);
  };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parser(file: string): (line: string | Uint8Array) => CommandLine | undefined {
  let number = 0;
  let latest = '';
  const error = (reason: string, field?: string) => new LineError(file, number, field, reason);

  const parse = (raw: string | Uint8Array): CommandLine | undefined => {
    number += 1;
    if (Buffer.byteLength(raw) > MAX_LINE_BYTES) throw error(`is longer than ${MAX_LINE_BYTES} bytes`);
    let text = typeof raw === 'string' ? raw : decoded(raw);
    if (number === 1) text = text.replace(/^\uFEFF/, '');
    if (text.trim() === '') return undefined;
    const value = object(json(text), undefined, KEYS);
    const at = instant(value['at'], 'at');
    if (at < latest) throw error(`${at} is earlier than the line before it (${latest}); lines must be in order`, 'at');
    latest = at;
    const as = object(value['as'], 'as', ACTOR_KEYS);
    const role = string(as['role'], 'as.role') as Role;
    if (!ROLES.includes(role)) throw error(`"${role}" is no role; roles are ${ROLES.join(', ')}`, 'as.role');
    const optional = <T>(key: string, read: (value: unknown, field: string) => T) =>
      value[key] === undefined ? {} : { [key]: read(value[key], key) };
    return {
      line: number,
      at,
      as: {
        id: string(as['id'], 'as.id'),
        role,
        ...(as['agency'] !== undefined && { agency: string(as['agency'], 'as.agency') }),
        ...(as['unit'] !== undefined && { unit: string(as['unit'], 'as.unit') }),
      },
      command: string(value['command'], 'command'),
      id: string(value['id'], 'id'),
      data: value['data'] === undefined ? {} : object(value['data'], 'data'),
      ...optional('commandId', string),
      ...optional('occurredAt', instant),
      ...optional('document', string),
    };
  };

  const decoded = (bytes: Uint8Array): string => {
    try {
      return UTF8.decode(bytes);
    } catch {
      throw error('is not UTF-8 text');
    }
  };
  const json = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw error(`is not JSON (${(cause as Error).message})`);
    }
  };
  const object = (value: unknown, field?: string, keys?: readonly string[]): Record<string, unknown> => {
    if (value === undefined) throw error('is missing', field);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw error('must be an object', field);
    const unknown = keys && Object.keys(value).find((key) => !keys.includes(key));
    if (unknown !== undefined) {
      throw error(`is not known here; known are ${keys!.join(', ')}`, field ? `${field}.${unknown}` : unknown);
    }
    return value as Record<string, unknown>;
  };
  const string = (value: unknown, field: string): string => {
    if (value === undefined) throw error('is missing', field);
    if (typeof value !== 'string' || value === '') throw error('must be a text that is not empty', field);
    return value;
  };
  const instant = (value: unknown, field: string): Instant => {
    const text = string(value, field);
    const found = parseInstant(text);
    if (!found) throw error(`"${text}" must be an instant with its offset, such as 2026-08-25T09:00:00+03:30`, field);
    return found;
  };

  return parse;
}
