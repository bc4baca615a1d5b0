import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Of all nodes of a test, so that `issueToken('', claims, 60, SECRET)` is good on each. */
export const SECRET = 'the secret that all nodes of a test share';

interface LogLine extends Record<string, unknown> {
  msg: string;
  url?: string;
}

export interface Node {
  part: 'api' | 'worker';
  child: ChildProcess;
  /** Of an api. */
  url: string;
  /** Messages of its log, oldest first. */
  said: string[];
  /** Its log, line by line. */
  log: LogLine[];
  /** Sends it and waits for the end. @returns the exit code, or the signal that ended it */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | NodeJS.Signals>;
}

/**
 * A real process of the distributed shape, on a free port. `ready` rejects when it ends first. `program`: in place of
 * main.ts.
 */
export function launchNode(
  part: Node['part'],
  env: NodeJS.ProcessEnv,
  program = `apps/${part}/main.ts`,
): Node & { ready: Promise<void> } {
  const child = spawn(process.execPath, ['--import', './test/kit/ts.mjs', program, part], {
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'info', PEYGIR_SECRET: SECRET, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const said: string[] = [];
  const log: LogLine[] = [];
  const lines = createInterface(child.stderr!);
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const entry = logLine(line);
      const { msg, url } = entry;
      log.push(entry);
      said.push(msg);
      if (msg !== `${part} is ready`) return;
      node.url = url ?? '';
      resolve();
    });
    void ended.then((code) => reject(new Error(`the ${part} ended with ${code}: ${said.slice(-5).join('\n')}`)));
  });
  ready.catch(() => {});
  const node = {
    part,
    child,
    url: '',
    said,
    log,
    ready,
    end: (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal);
      return ended;
    },
  };
  return node;
}

/** What is no line of the log is what somebody shouted on stderr: it is a message of its own. */
function logLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}
