import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A wire that can be cut: clients connect to `host` (a folder with PostgreSQL's socket) and reach the real server. */
export async function postgresProxy(server: { host: string; port: number }) {
  const host = mkdtempSync(join(tmpdir(), 'peygir-wire-'));
  const target: NetConnectOpts = { path: join(server.host, `.s.PGSQL.${server.port}`) };
  const sockets = new Set<Socket>();
  let refuse = false;
  let refused = 0;
  let swallow = (_answer: Buffer) => false;
  const cut = () => sockets.forEach((socket) => socket.destroy());

  const proxy = createServer((client) => {
    if (refuse) {
      refused++;
      return client.destroy();
    }
    const upstream = connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => (swallow(chunk) ? cut() : client.write(chunk)));
  });
  proxy.listen(join(host, `.s.PGSQL.${server.port}`));
  await once(proxy, 'listening');

  return {
    host,
    /** Breaks every connection; new ones are taken. */
    cut,
    /** Breaks every connection and takes no new ones, until {@link restore}. */
    down() {
      refuse = true;
      cut();
    },
    /** How many tried to connect while it was down. */
    refused: () => refused,
    restore() {
      refuse = false;
    },
    /** The next answer of the server that `matches` is lost, and every connection with it: the work was done. */
    loseAnswer(matches: (answer: Buffer) => boolean) {
      swallow = (answer) => {
        if (!matches(answer)) return false;
        swallow = () => false;
        return true;
      };
    },
    async close() {
      cut();
      proxy.close();
      rmSync(host, { recursive: true, force: true });
    },
  };
}
