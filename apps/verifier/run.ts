import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { decimal, hashFromBase64, Malformed, parsePolicy, parseSignedCheckpoint, parseVkey } from '#audit';
import { folder } from './folder.js';
import { exitCode, sentences, STAGES } from './report.js';
import { verify, type Brought } from './verify.js';

export const HELP = `Verifies an export of a Peygir log, offline, with nothing but Node 20.   بررسی خروجی دفتر پیگیر، بدون شبکه

  node verify.mjs [FOLDER] [options]      (the folder that this file lies in, when none is named)
    --key VKEY                 the log's key, from paper: else the one in the folder is believed
    --policy FILE              your own policy of witnesses (c2sp.org/tlog-policy)
    --since FILE               the checkpoint that you took home last time
    --since-size N --since-root BASE64     the same, from paper
    --receipt FILE             a receipt (.tlog-proof) that somebody was given; may be repeated
    --save FILE                write the checkpoint for your next visit
    --json                     the report as one JSON object

Exit code 0: all ten stages hold; 10: the folder cannot be read; else 10 + the first stage that fails:
${STAGES.map(([name], index) => `  ${11 + index} ${name}`).join('\n')}
`;

/** `node verify.mjs …`. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      policy: { type: 'string' },
      since: { type: 'string' },
      'since-size': { type: 'string' },
      'since-root': { type: 'string' },
      receipt: { type: 'string', multiple: true },
      save: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return (console.log(HELP), 0);
  const text = (path: string) => readFileSync(path, 'utf8');
  // What the auditor brought is for the auditor to mend, and no verdict.
  const good = <T>(what: string, value: T, parse: (value: T) => unknown): T => {
    try {
      parse(value);
      return value;
    } catch (error) {
      throw error instanceof Malformed ? new Error(`${what} ${error.message}`) : error;
    }
  };
  const paper = (values['since-size'] ?? values['since-root']) !== undefined && {
    size: decimal(good('--since-size', values['since-size'] ?? '', decimal)),
    root: good('--since-root', values['since-root'] ?? '', hashFromBase64),
  };
  const brought: Brought = {
    key: values.key && good('--key', values.key, parseVkey),
    policy: values.policy && good('--policy', text(values.policy), parsePolicy),
    since: values.since === undefined ? paper || undefined : good('--since', text(values.since), parseSignedCheckpoint),
    receipts: values.receipt?.map((path) => ({ name: basename(path), text: text(path) })),
  };
  const root = positionals[0] ?? dirname(fileURLToPath(import.meta.url));
  const bar = (done: number, of: number) => process.stderr.write(`\r${Math.floor((done / of) * 100)} %`);
  const report = await verify(folder(root), brought, process.stderr.isTTY && !values.json ? bar : undefined);
  if (process.stderr.isTTY && !values.json) process.stderr.write('\r\u001b[K');
  const code = exitCode(report);
  if (values.json) console.log(JSON.stringify({ code, ...report }));
  else for (const line of sentences(report)) console.log(line);
  if (values.save && code === 0 && report.checkpoint) writeFileSync(values.save, report.checkpoint.note);
  if (!values.json && report.checkpoint) {
    console.log(
      `\nSize ${report.checkpoint.size}, root ${report.checkpoint.root}: write them down for your next visit.`,
    );
  }
  return code;
}
