import { IsInt, IsString } from 'class-validator';
import { MemoryEventStore } from '#stores';
import {
  Decide,
  DecideHandler,
  ENGINE,
  Loader,
  Refused,
  WrongRevision,
  type Actor,
  type AnyDecider,
  type EventStore,
  type Order,
} from '#kernel';

class Add {
  @IsInt() n!: number;
}
class Name {
  @IsString() name!: string;
}

/** A counter that wakes up: whatever reaches it first records the hours that have struck since the last event. */
const counter: AnyDecider<{ sum: number; hour: number }> = {
  aggregate: 'counter',
  initial: { sum: 0, hour: 0 },
  evolve: (state, { type, data, at }) => ({
    sum: state.sum + (type === 'Added' ? data.n : 0),
    hour: Math.max(state.hour, new Date(at).getUTCHours()),
  }),
  commands: {
    Add: {
      data: Add,
      roles: ['secretary'],
      decide({ data }) {
        if (data.n === 0) return [];
        if (data.n < 0) throw new Refused('negative', 'Only forwards.');
        return [{ type: 'Added', data: { n: data.n } }];
      },
    },
    Name: { data: Name, roles: ['secretary', 'engine'], decide: ({ data }) => [{ type: 'Named', data }] },
  },
  settle: ({ now }, { hour }, _, phase) => {
    if (phase === 'after' || hour === 0) return [];
    const struck = new Date(now).getUTCHours() - hour;
    return Array.from({ length: struck }, (_, i) => {
      const at = `2026-08-25T${String(hour + i + 1).padStart(2, '0')}:00:00.000Z`;
      return { type: 'Struck', data: {}, at, engine: ['Struck', at] };
    });
  },
};

const secretary: Actor = { id: 's', role: 'secretary' };

function engine(wrap: (store: EventStore) => EventStore = (store) => store) {
  const clock = { at: '2026-08-25T09:30:00.000Z', now: () => clock.at };
  const store = wrap(new MemoryEventStore({ clock }));
  const handler = new DecideHandler({
    store,
    loader: new Loader(store),
    clock,
    deciders: [counter],
    province: 'IR-03',
    key: 'a key',
    importOpen: async () => false,
  });
  const send = (name: string, data: object, more: Partial<Order> = {}) =>
    handler.execute(
      new Decide({
        aggregate: 'counter',
        id: 'c',
        name,
        data,
        actor: secretary,
        commandId: crypto.randomUUID(),
        ...more,
      }),
    );
  const code = async (answer: Promise<unknown>) =>
    answer.then(
      () => 'accepted',
      (error: Refused) => error.code ?? error,
    );
  return { clock, store, send, code, log: () => store.readStream('counter-c') };
}

describe('the one door', () => {
  it('writes the metadata of the contract', async () => {
    const { send, log } = engine();
    await send('Add', { n: 1 }, { commandId: 'k', correlationId: 'corr', causationId: 'cause' });
    expect((await log())[0]!.metadata).toEqual({
      commandId: 'k',
      command: 'Add',
      commandHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      correlationId: 'corr',
      causationId: 'cause',
      actor: secretary,
      province: 'IR-03',
      schemaVersion: 1,
      occurredAt: '2026-08-25T09:30:00.000Z',
    });
  });

  it('answers a repeat as the first time, also after others came, and refuses the key with another body', async () => {
    const { send, code, log } = engine();
    const first = await send('Add', { n: 1 }, { commandId: 'k' });
    await send('Add', { n: 2 });
    expect(await send('Add', { n: 1 }, { commandId: 'k' })).toEqual(first);
    expect(await code(send('Add', { n: 5 }, { commandId: 'k' }))).toBe('idempotency-key-reused');
    expect(await log()).toHaveLength(2);
  });

  it('decides afresh what appended nothing', async () => {
    const { send, code } = engine();
    expect(await code(send('Add', { n: -1 }, { commandId: 'k' }))).toBe('negative');
    expect((await send('Add', { n: 0 }, { commandId: 'k' })).events).toEqual([]);
    expect((await send('Add', { n: 3 }, { commandId: 'k' })).events).toHaveLength(1);
  });

  it('records what was due in the same append, before the command, also when the command is refused', async () => {
    const { clock, send, code, log } = engine();
    await send('Add', { n: 1 });
    clock.at = '2026-08-25T11:10:00.000Z';
    expect(await code(send('Add', { n: -1 }))).toBe('negative');
    const events = await log();
    expect(
      events.map(({ type, metadata }) => `${metadata.occurredAt.slice(11, 16)} ${type} ${metadata.actor.role}`),
    ).toEqual(['09:30 Added secretary', '10:00 Struck engine', '11:00 Struck engine']);
    expect(await code(send('Add', { n: -1 }))).toBe('negative');
    expect(await log()).toHaveLength(3);
  });

  it('decides again when somebody was faster, and gives up with a conflict in the end', async () => {
    let busy = 3;
    const { send, code } = engine((inner) =>
      Object.assign(Object.create(inner) as EventStore, {
        async append(stream: string, revision: number, events: never) {
          if (busy-- > 0) throw new WrongRevision(stream, revision);
          return inner.append(stream, revision, events);
        },
      }),
    );
    expect((await send('Add', { n: 1 })).revision).toBe(0);
    busy = Infinity;
    expect(await code(send('Add', { n: 1 }))).toBe('conflict');
  });

  it('holds to an expected revision', async () => {
    const { send, code } = engine();
    await send('Add', { n: 1 }, { expectedRevision: -1 });
    expect(await code(send('Add', { n: 1 }, { expectedRevision: 3 }))).toBe('revision-mismatch');
    expect((await send('Add', { n: 1 }, { expectedRevision: 0 })).revision).toBe(1);
  });

  it('never dates an event before the stream’s latest, however skewed a node’s clock is', async () => {
    const { clock, send, log } = engine();
    await send('Add', { n: 1 });
    clock.at = '2026-08-25T08:00:00.000Z';
    await send('Add', { n: 1 });
    expect((await log())[1]!.metadata.occurredAt).toBe('2026-08-25T09:30:00.000Z');
  });

  it('keeps what the engine derives apart from what callers choose, so that nobody can sit in its place', async () => {
    const { clock, send, log } = engine();
    const derived = 'the id that a policy will derive';
    await send('Name', { name: 'squatter' }, { commandId: derived });
    await send('Name', { name: 'fact' }, { commandId: derived, actor: ENGINE });
    expect((await log()).map(({ data }) => data.name)).toEqual(['squatter', 'fact']);
    // Nor does a chosen key ever make an event id that settling would want.
    await send('Name', { name: 'x' }, { commandId: 'Struck' });
    clock.at = '2026-08-25T10:00:00.000Z';
    await send('Name', { name: 'y' });
    expect(new Set((await log()).map(({ id }) => id)).size).toBe(5);
  });

  it('checks in this order: the command exists, shape, role', async () => {
    const { send, code } = engine();
    expect(await code(send('Subtract', {}))).toBe('unknown-command');
    expect(await code(send('toString', {}))).toBe('unknown-command');
    expect(await code(send('Add', { n: 'x' }, { actor: { id: 'g', role: 'governor' } }))).toBe('invalid');
    expect(await code(send('Add', { n: 1 }, { actor: { id: 'g', role: 'governor' } }))).toBe('forbidden');
    expect(await code(send('Add', { n: 1 }, { id: 'no/slash' }))).toBe('invalid');
  });

  it('reports every fault of a body at once, with its path', async () => {
    const { send } = engine();
    const refused = await send('Add', { n: 1.5, extra: true, more: 'x' }).catch((error: Refused) => error);
    expect((refused as Refused).errors.map(({ path }) => path).sort()).toEqual(['extra', 'more', 'n']);
    const text = await send('Name', { name: 'a\u0000b' }).catch((error: Refused) => error);
    expect((text as Refused).errors).toEqual([{ path: 'name', reason: 'must not contain a NUL character' }]);
  });
});
