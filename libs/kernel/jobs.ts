export interface Job<Data = any> {
  /** Derived from what the job is about and its attempt: adding the same one twice is adding it once. */
  id: string;
  data: Data;
}

/** How many jobs stand where. `failed` gave up after their retries and are kept for whoever looks. */
export interface JobCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

/**
 * A queue of immediate jobs: at least once, retried with back-off, then kept for inspection. It may lose everything it
 * holds: what must not be lost is in the log, and a later pass adds it again under a new id.
 */
export interface Jobs {
  /** @throws when the queue cannot be reached; then some of the jobs may have been added. */
  addBulk(jobs: readonly Job[]): Promise<void>;
  /** Runs `handler` for every job until {@link close}; a job whose handler throws is retried. Call it once. */
  process(handler: (data: any) => Promise<void>): void;
  /** For doctor and metrics; absent where nothing is counted. @throws StoreUnavailable */
  counts?(): Promise<JobCounts>;
  /** Waits for the jobs in hand. */
  close(): Promise<void>;
}
