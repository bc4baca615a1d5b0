import { readFileSync } from 'node:fs';
import { factOf, splitStream, type Instant, type RecordedEvent } from '#kernel';
import { alarmsAmong, differences, obligationsOf, type Difference, type Outcome } from '#resolutions';
import { Simulation } from '#apps/simulation';
import { LineError, parseLines, type CommandLine } from './lines.js';

/** Which lines of the timeline a change is about: one by its number, or all that have these fields. */
type Match = number | { command?: string; id?: string; obligation?: string };
type Change = { number: number } & (
  | { kind: 'add'; line: CommandLine }
  | { kind: 'omit'; match: Match }
  | { kind: 'replace'; match: Match; fields: Record<string, unknown> }
);

const MATCH_KEYS = ['command', 'id', 'obligation'];

/**
 * A file of changes, one JSON object a line:
 * - a command line: is added, after the timeline's own lines of its instant;
 * - `{ "omit": 17 }` or `{ "omit": { "command": "SuspendDeadline", "id": "facilitation-3-3" } }`: lines are left out;
 * - `{ "replace": 17, "with": { "data": { … } } }`: fields of lines are replaced; `data` is merged.
 * @throws LineError at the first line that is none of these, or that matches nothing
 */
function parseChanges(text: string, file: string): Change[] {
  return text.split('\n').flatMap((raw, index): Change[] => {
    const number = index + 1;
    if (raw.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(raw);
    } catch (cause) {
      throw new LineError(file, number, undefined, `is not JSON (${(cause as Error).message})`);
    }
    const said = value as Record<string, unknown>;
    const kind = ['omit', 'replace'].find((word) => said !== null && typeof said === 'object' && word in said);
    // Alone, so that the order of `at` is asked of the merged timeline and not of this file; blank lines keep its number.
    if (!kind) return [{ number, kind: 'add', line: parseLines('\n'.repeat(index) + raw, file)[0]! }];
    const match = said[kind] as Match;
    const object = typeof match === 'object' && match !== null && Object.keys(match).length > 0;
    if (!Number.isInteger(match) && !(object && Object.keys(match).every((key) => MATCH_KEYS.includes(key)))) {
      throw new LineError(file, number, kind, `must be a line's number or an object of ${MATCH_KEYS.join(', ')}`);
    }
    if (kind === 'omit') return [{ number, kind, match }];
    const fields = said['with'];
    if (fields === null || typeof fields !== 'object') throw new LineError(file, number, 'with', 'must be an object');
    return [{ number, kind: 'replace', match, fields: fields as Record<string, unknown> }];
  });
}

const matches = (line: CommandLine, match: Match): boolean =>
  typeof match === 'number'
    ? line.line === match
    : (match.command === undefined || line.command === match.command) &&
      (match.id === undefined || line.id === match.id) &&
      (match.obligation === undefined || (line.data as { obligation?: string }).obligation === match.obligation);

/** The timeline with the changes made, in order of `at`. */
export function changed(lines: readonly CommandLine[], text: string, file: string): CommandLine[] {
  let result = [...lines];
  for (const change of parseChanges(text, file)) {
    if (change.kind === 'add') {
      result.push(change.line);
      continue;
    }
    const hit = result.filter((line) => matches(line, change.match));
    if (hit.length === 0)
      throw new LineError(file, change.number, change.kind, `${JSON.stringify(change.match)} matches no line`);
    result = result.flatMap((line) => {
      if (!matches(line, change.match)) return [line];
      if (change.kind === 'omit') return [];
      const data = { ...line.data, ...(change.fields['data'] as object | undefined) };
      // Through the parser, so that what was replaced is checked like any other line.
      const { line: number, ...rest } = { ...line, ...change.fields, data };
      return parseLines('\n'.repeat(number - 1) + JSON.stringify(rest), `${file}, changing line`);
    });
  }
  return result.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Runs a timeline to its end and says what became of it. */
async function outcome(lines: readonly CommandLine[], until?: Instant): Promise<Outcome & { refused: number }> {
  const events: RecordedEvent[] = [];
  const simulation = new Simulation((event) => events.push(event));
  let refused = 0;
  for (const line of lines) if (await simulation.send(line)) refused++;
  if (until) await simulation.advance(until);
  return {
    refused,
    alarms: events.flatMap((event) => alarmsAmong(splitStream(event.stream)[1], [factOf(event)])),
    obligations: [...simulation.resolutions].flatMap(([stream, { state }]) =>
      obligationsOf(splitStream(stream)[1], state),
    ),
  };
}

/** Both courses to the same instant, or the longer one would only seem to have more alarms. */
export async function compared(lines: readonly CommandLine[], other: readonly CommandLine[], until?: Instant) {
  const ends = [lines.at(-1)?.at, other.at(-1)?.at].filter((at) => at !== undefined).sort();
  const [before, after] = [await outcome(lines, until ?? ends.at(-1)), await outcome(other, until ?? ends.at(-1))];
  return { before, after, found: differences(before, after) };
}

/** `peygir simulate FILE --change CHANGES`: every difference as a JSON line on stdout, a summary on stderr. */
export async function whatIf(file: string, changes: string, until?: Instant): Promise<void> {
  const lines = parseLines(readFileSync(file, 'utf8'), file);
  const { before, after, found } = await compared(lines, changed(lines, readFileSync(changes, 'utf8'), changes), until);
  for (const difference of found) process.stdout.write(`${JSON.stringify(difference)}\n`);
  const count = (kind: Difference['difference']) => found.filter(({ difference }) => difference === kind).length;
  console.error(
    `${count('deadline')} deadlines differ, ${count('status')} verdicts; of the alarms ${count('appears')} appear, ` +
      `${count('vanishes')} vanish, ${count('moves')} move. Refused: ${before.refused} before, ${after.refused} after.`,
  );
}
