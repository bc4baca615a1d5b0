/** Commands through HTTP at 64 clients, beside what the same server answers when there is nothing to decide or to store. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { callers, inTurns, limitRate, quantile, rate, report, spread, together, withServer } from './kit.js';

const CLIENTS = 64;
const ROUNDS = 3;
const ROUND_MS = 4_000;

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

function send(url: string, method: string, token: string, body?: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
    };
    const asked = request(url, { method, agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
      answer.resume().on('end', resolve);
    });
    asked.on('error', reject).end(body && JSON.stringify(body));
  });
}

await withServer(async ({ url, token }) => {
  const secretary = await token('secretary');
  // A stream of its own for each: what is measured is the door, not a quarrel about one stream.
  const command = () =>
    send(`${url}/v1/unit/u-${randomUUID()}/RegisterUnit`, 'POST', secretary, {
      name: 'ریخته‌گری تبریز',
      size: 'medium',
      classes: ['supply-chain'],
      sector: 'metal',
    });
  await callers(CLIENTS, ROUND_MS, command);
  for (const clients of [1, CLIENTS]) {
    const found = await inTurns(ROUNDS, {
      product: () => callers(clients, ROUND_MS, command),
      limit: () => callers(clients, ROUND_MS, () => send(`${url}/health/live`, 'GET', secretary)),
    });
    const [product, limit] = [together(found.product), together(found.limit)];
    const beside = limitRate(
      `GET /health/live of the same server, ${clients} at a time`,
      limit.perSecond,
      product.perSecond,
    );
    report(
      `commands through HTTP, ${clients} at a time`,
      `${rate(product.perSecond)}, ${spread(product.ms)}`,
      { met: quantile(product.ms, 0.99) < 250, is: 'p99 under 250 ms' },
      beside,
    );
  }
});
agent.destroy();
