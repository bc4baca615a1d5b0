export interface LiveEvent {
  /** `message` when none was given. */
  event: string;
  id: string;
  data: any;
}

export interface Listener {
  status: number;
  headers: Headers;
  /** What was heard so far. */
  heard: LiveEvent[];
  /** The next event for which `good` holds, of those heard already or to come. Fails when the connection ends first. */
  until(good: (event: LiveEvent) => boolean): Promise<LiveEvent>;
  /** Resolves when the server ends it. */
  ended: Promise<void>;
  close(): void;
}

/** A reader of `/v1/live`, as a client without a browser writes one. */
export async function listen(url: string, headers: Record<string, string>): Promise<Listener> {
  const stop = new AbortController();
  const response = await fetch(`${url}/v1/live`, { headers, signal: stop.signal });
  const heard: LiveEvent[] = [];
  const waiting = new Set<() => void>();
  const tell = () => [...waiting].forEach((look) => look());
  let over = false;
  const read = async () => {
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop()!;
      heard.push(...blocks.flatMap(parsed));
      tell();
    }
  };
  const ended = read()
    .catch(() => {}) // closed by us
    .finally(() => ((over = true), tell()));
  return {
    status: response.status,
    headers: response.headers,
    heard,
    ended,
    close: () => stop.abort(),
    until: (good) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = heard.find(good);
          if (!found && !over) return;
          waiting.delete(look);
          if (found) resolve(found);
          else reject(new Error(`the connection ended after ${JSON.stringify(heard)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

function parsed(block: string): LiveEvent[] {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  if (fields['data'] === undefined) return [];
  return [{ event: fields['event'] ?? 'message', id: fields['id'] ?? '', data: JSON.parse(fields['data']) }];
}
