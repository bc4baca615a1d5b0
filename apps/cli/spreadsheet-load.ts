import { Failure } from './failure.js';
import { ownToken } from './load.js';
import { send, understand, type RefusedRow, type Understood } from './spreadsheet.js';

export interface SheetOptions {
  mapping: string;
  server: string;
  token?: string;
  dryRun?: true;
  yes?: true;
  strict?: true;
}

const SHOWN = 3;

/** `peygir load old.xlsx --mapping map.json`: shows what it understood; sends it only when told to. */
export async function loadSheet(file: string, options: SheetOptions): Promise<void> {
  if (options.dryRun && options.yes) throw new Failure('Give either --dry-run or --yes.');
  const understood = await understand(file, options.mapping);
  console.error(spoken(understood));
  for (const row of understood.refused) console.error(sentence(row));
  if (options.strict && understood.refused.length > 0) process.exitCode = 1;
  if (options.dryRun) {
    for (const line of understood.lines) console.log(JSON.stringify(line));
    return;
  }
  if (understood.lines.length === 0) throw new Failure('There is nothing to send.');
  if (!options.yes) {
    console.error('Nothing was sent. --yes sends it; --dry-run prints the commands.');
    return;
  }
  const token = options.token ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('registrar'));
  const refused = await send(understood, { server: options.server, token });
  for (const row of refused) console.error(sentence(row));
  console.error(`${understood.lines.length} commands sent, ${refused.length} refused.`);
  if (options.strict && refused.length > 0) process.exitCode = 1;
}

const sentence = ({ row, cell, reason }: RefusedRow): string => `row ${row}${cell ? `, cell ${cell}` : ''}: ${reason}`;

function spoken({ lines, rows, refused, read }: Understood): string {
  const counts = new Map<string, number>();
  for (const { command } of lines) counts.set(command, (counts.get(command) ?? 0) + 1);
  const examples = lines.flatMap(({ command, at, id, data }, index) =>
    command === 'IssueResolution' ? [`  row ${rows[index]}: ${id}, ${at.slice(0, 10)}, ${JSON.stringify(data)}`] : [],
  );
  return [
    `${read} rows read, ${new Set(rows).size} understood, ${new Set(refused.map(({ row }) => row)).size} refused.`,
    ...[...counts].map(([command, count]) => `  ${command}: ${count}`),
    ...(examples.length > 0 ? ['For instance:', ...examples.slice(0, SHOWN)] : []),
  ].join('\n');
}
