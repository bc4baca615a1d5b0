#!/usr/bin/env node
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { COSIGNATURE, fromBase64, base64, parsePolicy, signerKey, vkey } from '#audit';
import { answered, serve } from './serve.js';
import { Witness } from './witness.js';

const HELP = `A witness of transparency logs (c2sp.org/tlog-witness).

  node witness/main.js --name witness.example.ir/w1 --dir DIR --policy FILE [--port 8090] [--host 127.0.0.1]
      serves POST /add-checkpoint
  node witness/main.js --name … --dir DIR --policy FILE --file REQUEST
      reads one request from a file (- for stdin) and prints the cosignature: for a witness without a network

The policy's "log" lines say whose checkpoints are taken. The key is made in DIR at first start, with memory and all.
`;

/** Until it serves, whatever fails was asked for amiss: a sentence, and no stack. */
const amiss = (error: Error) => {
  console.error(`witness: ${error.message}`);
  process.exit(2);
};
process.on('uncaughtException', amiss);

const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    dir: { type: 'string' },
    policy: { type: 'string' },
    port: { type: 'string', default: '8090' },
    host: { type: 'string', default: '127.0.0.1' },
    file: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help || !values.name || !values.dir || !values.policy) {
  console.error(HELP);
  process.exit(values.help ? 0 : 2);
}

mkdirSync(values.dir, { recursive: true, mode: 0o700 });
const keyFile = join(values.dir, 'witness.key');
if (!existsSync(keyFile)) {
  // Whole or not at all: half a key would be another one, or none.
  writeFileSync(`${keyFile}.new`, base64(randomBytes(32)), { mode: 0o600, flush: true });
  renameSync(`${keyFile}.new`, keyFile);
}
const key = signerKey(values.name, fromBase64(readFileSync(keyFile, 'utf8').trim()), COSIGNATURE);
const logs = parsePolicy(readFileSync(values.policy, 'utf8')).logs.map((log) => log.key);
if (logs.length === 0) throw new Error(`${values.policy} has no "log" line: nobody's checkpoints could be taken`);
const witness = new Witness(key, logs, values.dir);

if (values.file !== undefined) {
  const { status, body } = await answered(witness, readFileSync(values.file === '-' ? 0 : values.file));
  (status === 200 ? process.stdout : process.stderr).write(body);
  process.exitCode = status === 200 ? 0 : 1;
} else {
  const server = serve(witness);
  server.listen(Number(values.port), values.host, () => {
    process.off('uncaughtException', amiss);
    const { port } = server.address() as AddressInfo;
    console.log(`${vkey(key)} on http://${values.host}:${port}`);
  });
  process.once('SIGTERM', () => server.close());
}
