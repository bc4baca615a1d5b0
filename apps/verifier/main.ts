import { HELP, run } from './run.js';

run(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(`verify.mjs: ${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  },
);
