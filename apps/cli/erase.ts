import { setTimeout as sleep } from 'node:timers/promises';
import { derivedId } from '#kernel';
import { Failure } from './failure.js';
import { ownToken, Server } from './load.js';

interface Options {
  fields?: string[];
  ground: string;
  document: string;
  server: string;
  token?: string;
}

const PATIENCE_MS = 120_000;

/** `peygir erase STREAM`: orders it, and waits until it is destroyed. The same order again changes nothing. */
export async function erase(stream: string, { fields, ground, document, server: address, token }: Options) {
  const server = new Server({ server: address, token: token ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('admin')), patienceMs: 5_000 }); // prettier-ignore
  const order = { stream, ...(fields && { fields }), ground, document };
  const id = derivedId('erasure', JSON.stringify(order));
  const { status, body } = await server.post(`/v1/erasure/${id}/EraseData`, order);
  if (status !== 200) throw server.failure(`Nothing was erased (${status})`, body);
  for (const until = performance.now() + PATIENCE_MS; ;) {
    const found = await server.get(`/v1/erasures?stream=${encodeURIComponent(stream)}&limit=500`);
    const mine = found.body['items']?.find((each: { id: string }) => each.id === id);
    if (mine?.done) {
      for (const { event, type, paths } of mine.erased) console.log(`${type} ${event}: ${paths.join(', ')}`);
      console.error(
        `Erased on the ground "${ground}", as erasure ${id}. Proofs, numbers and clocks are what they were.`,
      );
      return;
    }
    if (performance.now() > until) {
      throw new Failure(`It is ordered (erasure ${id}) and not carried out yet; see peygir doctor: does a worker run?`);
    }
    await sleep(200);
  }
}
