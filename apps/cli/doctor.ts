import { ERASER } from '#erasure';
import { StoreUnavailable } from '#kernel';
import { openJobs } from '#stores';
import { auditKey, policyFrom } from '#apps/audit';
import { BackupKeys } from '#apps/backup-keys';
import { logger } from '#apps/compose';
import { readConfig } from '#apps/config';
import { queueHome } from '#apps/homes';
import { followersOf, openDeployment } from '#apps/deployment';
import { examine, repair, type Diagnosis, type DoctorDeps } from '#apps/doctor';
import { Failure } from './failure.js';

/** `peygir doctor`: what it finds, in sentences; code 1 when something is off. */
export async function doctor({ repair: repairing, json }: { repair?: true; json?: true }): Promise<void> {
  const config = readConfig({ LOG_LEVEL: 'error', ...process.env });
  const log = logger(config);
  const deployment = await openDeployment(config, log).catch(unreachable);
  try {
    const jobs = await openJobs(queueHome(config, deployment.address), log);
    try {
      const deps: DoctorDeps = {
        ...deployment,
        jobs,
        keys: new BackupKeys(config.backupKeys),
        witnesses: policyFrom(await auditKey(config), config.witnessPolicy),
        projections: await followersOf(config),
        subscribers: ['policies', ERASER],
        log,
      };
      let found = await examine(deps);
      if (repairing && found.rebuild.length + found.orphans.length > 0) {
        if (!json) tell(found);
        if (found.rebuild.length > 0) {
          console.error(`Rebuilding ${[...new Set(found.rebuild.map(({ name }) => name))].join(', ')} from the log …`);
        }
        await repair(found, deps);
        found = await examine(deps);
      }
      const { faults, notes } = found;
      if (json) console.log(JSON.stringify({ well: faults.length === 0, faults, notes }));
      else tell(found);
      if (faults.length > 0) process.exitCode = 1;
    } finally {
      await jobs.close();
    }
  } finally {
    await deployment.close();
  }
}

function tell({ faults, notes, rebuild }: Diagnosis): void {
  for (const note of notes) console.log(note);
  for (const fault of faults) console.log(`OFF  ${fault}`);
  if (faults.length === 0) console.log('Well: nothing is missing, nothing is orphaned, everybody keeps up.');
  else if (rebuild.length > 0) console.log('peygir doctor --repair rebuilds from the log what is derived from it.');
}

function unreachable(error: unknown): never {
  if (error instanceof StoreUnavailable) throw new Failure(error.message);
  throw error;
}
