import {
  rebuildBeside,
  type Batch,
  type Checkpoints,
  type EventStore,
  type Projection,
  type Subscriber,
} from '#kernel';
import { ERASER, type ErasureEvent } from '#erasure';
import type { Vault } from '#stores';
import type { BackupKeys } from '#apps/backup-keys';

export interface EraserDeps {
  vault: Vault;
  store: EventStore;
  checkpoints: Checkpoints;
  /** Read models, which are made anew without what was erased. */
  projections: readonly Projection[];
  /** What may not come back out of old backups. */
  keys: Pick<BackupKeys, 'remember'>;
  /** What is kept in memory is read again. */
  forget(): void;
  /** What the time machine keeps. */
  forgetKept(): Promise<void>;
}

/**
 * Carries out what `DataErased` orders. The order stands in the log first, so that nothing is destroyed without its
 * ground; and the checkpoint moves last, so that whoever dies in between leaves the rest to the next.
 *
 * Read models are made anew from the log and not searched for the text: what they have derived from it (titles, folded
 * copies, runs of characters) is gone for certain, and so is what a projection of tomorrow derives.
 */
export const eraser = ({ vault, projections, keys, forget, forgetKept, ...log }: EraserDeps): Subscriber => ({
  name: ERASER,
  async handle({ events }: Batch) {
    const orders = events.filter(({ type }) => type === 'DataErased');
    if (orders.length === 0) return;
    const types = new Set<string>();
    for (const { stream, data } of orders) {
      const { erased } = data as ErasureEvent['data'];
      const places = erased.flatMap(({ event, paths }) => paths.map((path) => ({ event, path })));
      await vault.erase(places, stream);
      for (const { type } of erased) types.add(type);
    }
    forget();
    await forgetKept();
    await keys.remember(await vault.erased());
    await vault.tidy();
    const derived = projections.filter(({ on }) => on === '*' || on.some((type) => types.has(type)));
    await rebuildBeside(derived, log);
  },
});
