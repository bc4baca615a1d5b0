import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  connect,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type NetConnectOpts,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A wire to PostgreSQL: clients connect to `host` (a folder with its socket) and reach the real server. */
export async function postgresProxy(server: { host: string; port: number }) {
  const host = mkdtempSync(join(tmpdir(), 'peygir-wire-'));
  const socket = `.s.PGSQL.${server.port}`;
  const wire = await proxy({ path: join(host, socket) }, () => ({ path: join(server.host, socket) }));
  return {
    ...wire,
    host,
    async close() {
      await wire.close();
      rmSync(host, { recursive: true, force: true });
    },
  };
}

/** A wire on a free port of the loopback to whatever `target` says at the time. */
export async function tcpProxy(target: () => NetConnectOpts) {
  return proxy({ port: 0, host: '127.0.0.1' }, target);
}

/** A wire that can be cut. */
async function proxy(at: ListenOptions, target: () => NetConnectOpts) {
  const sockets = new Set<Socket>();
  let refuse = false;
  let refused = 0;
  let swallow = (_answer: Buffer) => false;
  const cut = () => sockets.forEach((socket) => socket.destroy());

  const server = createServer((client) => {
    if (refuse) {
      refused++;
      return client.destroy();
    }
    const upstream = connect(target());
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
  server.listen(at);
  await once(server, 'listening');

  return {
    /** Of a TCP proxy. */
    port: (server.address() as AddressInfo).port,
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
      server.close();
    },
  };
}
