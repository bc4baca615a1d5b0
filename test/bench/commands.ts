/** Commands through HTTP at 64 clients, beside what the same server answers when there is nothing to decide or to store. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { median, report, spread, withServer } from './kit.js';

const CLIENTS = 64;
const ROUNDS = 3;
const ROUND_MS = 4_000;

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

function send(url: string, method: string, token: string, body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
    };
    const asked = request(url, { method, agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode!));
    });
    asked.on('error', reject).end(body && JSON.stringify(body));
  });
}

async function round(work: () => Promise<number>): Promise<{ perSecond: number; ms: number[] }> {
  const ms: number[] = [];
  const begin = performance.now();
  const client = async () => {
    while (performance.now() - begin < ROUND_MS) {
      const asked = performance.now();
      const status = await work();
      if (status !== 200) throw new Error(`answered ${status}`);
      ms.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { perSecond: (ms.length * 1_000) / (performance.now() - begin), ms };
}

await withServer(async ({ url, token }) => {
  const secretary = await token('secretary');
  const nothing = () => send(`${url}/health/live`, 'GET', secretary);
  // A stream of its own for each: what is measured is the door, not a quarrel about one stream.
  const command = () =>
    send(`${url}/v1/unit/u-${randomUUID()}/RegisterUnit`, 'POST', secretary, {
      name: 'ریخته‌گری تبریز',
      size: 'medium',
      classes: ['supply-chain'],
      sector: 'metal',
    });
  await round(command);
  const limits: number[] = [];
  const figures: number[] = [];
  const ms: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    limits.push((await round(nothing)).perSecond);
    const { perSecond, ms: took } = await round(command);
    figures.push(perSecond);
    ms.push(...took);
  }
  report('GET /health/live, 64 clients', `${median(limits).toFixed(0)}/s`);
  report('commands through HTTP, 64 clients', `${median(figures).toFixed(0)}/s, ${spread(ms)}`);
  report('ratio', (median(figures) / median(limits)).toFixed(2));
});
agent.destroy();
