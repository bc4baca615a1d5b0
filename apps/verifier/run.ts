import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
  const paper = values['since-size'] !== undefined && {
    size: Number(values['since-size']),
    root: values['since-root'] ?? '',
  };
  const brought: Brought = {
    key: values.key,
    policy: values.policy && text(values.policy),
    since: values.since === undefined ? paper || undefined : text(values.since),
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
