#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseInstant, ROLES } from '#kernel';
import { ConfigError } from '#apps/config';
import { registerAudit } from './audit-commands.js';
import { Failure } from './failure.js';
import { LineError } from './lines.js';

// Each command's code is loaded when it runs, so that --help answers at once.

const program = new Command('peygir')
  .description(
    'Peygir (پیگیر) sees to it that what was resolved is done: an event-sourced engine that enforces resolutions.',
  )
  .showHelpAfterError('(peygir --help shows what there is)')
  .addHelpText(
    'after',
    `
Examples (in a checkout: npm run -s peygir -- …):
  $ peygir demo                                   the nine Economic Tuesdays, loaded and served
  $ peygir start                                  api and worker in one process, on http://127.0.0.1:3000
  $ peygir token --role secretary                 a token to try the API with
  $ peygir load tuesdays.ndjson                   send a file of commands to the running server
  $ peygir simulate tuesdays.ndjson --until 2026-11-22T08:30:00Z

Settings come from environment variables; README has the table.`,
  );

program
  .command('start')
  .description('start api and worker in one process; without DATABASE_URL also an embedded PostgreSQL')
  .addHelpText('after', '\nExample:\n  $ PORT=8080 peygir start')
  .action(async () => (await import('./start.js')).start());

program
  .command('token')
  .description('print a bearer token of this deployment')
  .addOption(
    new Option('--role <role>', 'who it speaks for')
      .choices(ROLES.filter((role) => role !== 'engine'))
      .makeOptionMandatory(),
  )
  .option('--agency <id>', 'the agency this person belongs to (needed for role agency)')
  .option('--unit <id>', 'the production unit (needed for role unit)')
  .option('--sub <id>', "the person's id (default: the role, and the agency or unit)")
  .option('--expires <time>', 'how long it is good for: 30m, 12h, 7d', seconds, 12 * 3600)
  .addHelpText(
    'after',
    '\nExamples:\n  $ peygir token --role secretary\n  $ peygir token --role agency --agency gas --expires 7d',
  )
  .action(async (options) => (await import('./token.js')).printToken(options));

program
  .command('load')
  .description('send a file of command lines, or a table of old resolutions, to a running server as an import')
  .argument('<file>', 'NDJSON: { "at", "as", "command", "id", "data" } on each line, in order of "at"; or XLSX, CSV')
  .option('--mapping <file>', 'for a table: which column means what (JSON)')
  .option('--dry-run', 'for a table: print the commands that it means, and send nothing')
  .option('--yes', 'for a table: send what was understood')
  .option('--server <url>', 'where the server is', 'http://127.0.0.1:3000')
  .option('--token <token>', 'a token of role registrar (default: PEYGIR_TOKEN, else one of this deployment)')
  .option('--strict', 'end with code 1 when a command was refused')
  .addHelpText(
    'after',
    `
Loading the same file again changes nothing, so what broke off is simply started again.
Refused commands are listed on stderr and stop nothing. Nothing is sent from a file with a malformed line.

A table (XLSX, CSV) needs a mapping, and is sent only with --yes; dates may be Persian, digits too:
  { "workingGroup": "archive",
    "columns": { "session": "جلسه", "number": "شماره", "date": "تاریخ ابلاغ", "text": "مصوبه", "agency": "دستگاه",
                 "workingDays": "مهلت", "done": "تاریخ انجام" },
    "constants": { "legalBasis": "ماده ۶۱", "acceptance": "گزارش دستگاه" },
    "values": { "agency": { "شرکت گاز": "gas" } } }`,
  )
  .action(async (file, options) =>
    options.mapping === undefined
      ? (await import('./load.js')).loadFile(file, options)
      : (await import('./spreadsheet-load.js')).loadSheet(file, options),
  );

program
  .command('templates')
  .description('print templates of measures, by category, or have a running server adopt those that it lacks')
  .option('--adopt', 'define them on the server; what it has already stays as it is')
  .option('--file <file>', 'other templates (JSON, as this command prints them)')
  .option('--server <url>', 'where the server is', 'http://127.0.0.1:3000')
  .option('--token <token>', 'a token of role admin (default: PEYGIR_TOKEN, else one of this deployment)')
  .addHelpText(
    'after',
    `
Terms and acceptance are a beginning: put in your agencies and what your province demands, then adopt.
One that names an agency which is not registered is refused, and stops no other.

Example:
  $ peygir templates > ours.json
  $ peygir templates --adopt --file ours.json`,
  )
  .action(async (options) => (await import('./templates.js')).templates(options));

program
  .command('simulate')
  .description('decide a file of command lines on a virtual clock, with nothing but memory, and print every event')
  .argument('<file>', 'NDJSON: { "at", "as", "command", "id", "data" } on each line, in order of "at"')
  .option('--until <instant>', 'run the clock on until then (default: the last command)', instant)
  .option('--strict', 'end with code 1 when a command was refused')
  .option('--change <changes>', 'compare with the same timeline after these changes, and print what would differ')
  .addHelpText(
    'after',
    `
Events go to stdout and refused commands to stderr, one JSON object a line. The same file gives the same bytes.

A file of changes has one JSON object a line: a command line to add, { "omit": 17 } to leave line 17 out,
{ "replace": 17, "with": { "data": { … } } } to change it; instead of a number { "command": …, "id": … } names lines.

Examples:
  $ peygir simulate tuesdays.ndjson --until 2026-11-22T08:30:00Z > events.ndjson
  $ echo '{ "omit": { "command": "SuspendDeadline" } }' > changes.ndjson
  $ peygir simulate tuesdays.ndjson --change changes.ndjson`,
  )
  .action(async (file, { change, ...options }) =>
    change === undefined
      ? (await import('./simulate.js')).simulate(file, options)
      : (await import('./what-if.js')).whatIf(file, change, options.until),
  );

program
  .command('why')
  .description('tell day by day why an obligation is due when it is')
  .argument('<resolution>', 'such as facilitation-9-3')
  .argument('<obligation>', 'such as o1')
  .option('--server <url>', 'where the server is', 'http://127.0.0.1:3000')
  .option('--token <token>', 'a token (default: PEYGIR_TOKEN, else one of this deployment, role oversight)')
  .addOption(new Option('--language <language>', 'the language of the story').choices(['fa', 'en']).default('fa'))
  .option('--json', 'print the whole account as one JSON object')
  .addHelpText('after', '\nExample:\n  $ peygir why facilitation-3-3 o2 --language en')
  .action(async (resolution, obligation, options) =>
    (await import('./why.js')).tellWhy(resolution, obligation, options),
  );

program
  .command('check-upgrade')
  .description(
    "decide the recorded log's own commands again with this release and list every verdict that would differ",
  )
  .option('--log <file>', 'a log saved from /v1/events (NDJSON) instead of asking a server')
  .option('--server <url>', 'where the server is', 'http://127.0.0.1:3000')
  .option('--token <token>', 'a token of role oversight (default: PEYGIR_TOKEN, else one of this deployment)')
  .addHelpText(
    'after',
    '\nEnds with code 1 when a verdict would differ.\n\nExample:\n  $ peygir check-upgrade --log yesterday.ndjson',
  ) // prettier-ignore
  .action(async (options) => (await import('./check-upgrade.js')).checkUpgrade(options));

program
  .command('doctor')
  .description('say what is off: clocks without alarms, subscribers that lag, refused policies, queue and database')
  .option('--repair', 'rebuild from the log what is derived from it and was found wrong')
  .option('--json', 'print one JSON object: { well, faults, notes }')
  .addHelpText('after', '\nEnds with code 1 when something is off. It works beside a running server, and without one.')
  .action(async (options) => (await import('./doctor.js')).doctor(options));

program
  .command('erase')
  .description('destroy what is personal or confidential in a stream, for good, on a legal ground; proofs stay valid')
  .argument('<stream>', 'such as unit-u-17 or case-c-17')
  .option('--fields <fields>', 'only these, such as legalId,needs[].statement', (text: string) => text.split(','))
  .requiredOption('--ground <text>', 'the law that demands it; it stays in the log, so it must not name what is erased')
  .requiredOption('--document <text>', 'the letter or judgment')
  .option('--server <url>', 'where the server is', 'http://127.0.0.1:3000')
  .option('--token <token>', 'a token of role admin (default: PEYGIR_TOKEN, else one of this deployment)')
  .addHelpText(
    'after',
    '\nThe same text may stand in other streams: the statement of a visit in its cases.\n\nExample:\n  $ peygir erase unit-u-17 --fields legalId --ground "ماده ۵۸" --document 1405/88',
  ) // prettier-ignore
  .action(async (stream, options) => (await import('./erase.js')).erase(stream, options));

program
  .command('webhook-secret')
  .description('print the secret that signs the webhooks of a recipient, to be handed to the receiver')
  .option('--agency <id>', 'of an agency')
  .option('--office <name>', 'of an office, such as governor')
  .option('--key <number>', 'which secret, as the contact says (1 unless it was changed)', wholeNumber, 1)
  .action(async (options) => (await import('./webhook-secret.js')).printWebhookSecret(options));

program
  .command('backup')
  .description('save the whole deployment as it is at one moment into a file; the server may run meanwhile')
  .argument('<file>', 'a new file; whoever has it has the log, keys and evidence')
  .option('--keep <days>', 'after so many days what is personal in it can be opened no more (default: 90)', wholeNumber)
  .action(async (file, options) => (await import('./backup.js')).save(file, options));

program
  .command('restore')
  .description('put a backup into an empty deployment, all of it or nothing; the server must not run')
  .argument('<file>', 'a file made by peygir backup')
  .option('--without-sealed', 'although the key of what is personal is gone: it stays unreadable for good')
  .addHelpText(
    'after',
    '\nWhat had fired does not fire again. Example:\n  $ PEYGIR_DATA=/srv/new peygir restore monday.peygir',
  )
  .action(async (file, options) => (await import('./backup.js')).fetchBack(file, options));

program
  .command('demo')
  .description('start everything on the embedded default, load nine Economic Tuesdays, show what became of them')
  .option('--file <file>', "another province's Tuesdays (NDJSON, as for load)")
  .option('--json', 'print the picture as one JSON object on stdout')
  .option('--exit', 'end after the picture instead of serving on')
  .addHelpText('after', '\nExamples:\n  $ npm run demo\n  $ npm run -s demo -- --json --exit')
  .action(async (options) => (await import('./demo.js')).demo(options));

registerAudit(program, instant);

function instant(text: string): string {
  const found = parseInstant(text);
  if (!found) throw new InvalidArgumentError('It must be an instant with its offset, such as 2026-11-22T08:30:00Z.');
  return found;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

/** `12h` → seconds. */
function seconds(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (!count || Number(count) === 0) throw new InvalidArgumentError('It must be like 30m, 12h or 7d.');
  return Number(count) * { s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's' | 'm' | 'h' | 'd'];
}

try {
  await program.parseAsync();
} catch (error) {
  // What the user can mend is a sentence; anything else is ours and keeps its stack.
  const expected =
    error instanceof Failure ||
    error instanceof ConfigError ||
    error instanceof LineError ||
    'syscall' in (error as object);
  console.error(expected ? `peygir: ${(error as Error).message}` : error);
  process.exitCode = 1;
}
