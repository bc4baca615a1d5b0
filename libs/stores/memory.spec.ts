import { systemClock } from '#kernel';
import { eventStoreContract } from '#test/contract/event-store.contract';
import { MemoryEventStore } from './memory.js';

for (const step of [1, 7]) {
  eventStoreContract(`memory, positions ${step} apart`, async () => {
    const log = new MemoryEventStore({ clock: systemClock, step });
    return { open: async () => log, close: async () => {} };
  });
}
