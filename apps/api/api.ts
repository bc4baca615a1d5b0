import type { Checkpoints, Database, DecideDeps, Position, Query } from '#kernel';
import type { Readers, SignerKey } from '#audit';
import type { WitnessPolicy } from '#apps/audit';
import type { Evidence } from '#evidence';
import type { Vault } from '#stores';
import type { Auth } from './auth.js';
import type { Imports } from './imports.js';
import type { Past } from './past.js';
import type { WayIn } from './sign-in.js';

/** The token under which Nest hands {@link ApiDeps} to the controllers. */
export const API = Symbol('api');

/** What the HTTP side needs; whoever composes the process (the CLI, a test) hands it in. */
export interface ApiDeps {
  decide: DecideDeps;
  auth: Auth;
  /** How people sign in with a browser; absent: bearer tokens only. */
  signIn?: WayIn;
  imports: Imports;
  database: Database;
  checkpoints: Checkpoints;
  reads: readonly Query[];
  /** The province as it was; without it there are only present reads. */
  past?: Past;
  /** The key of the Merkle log, and who cosigns it; without them nothing of the log is proven here. */
  proof?: { key: SignerKey; policy: WitnessPolicy };
  /** What sealed fields say; without it an export discloses nothing of them. */
  vault?: Pick<Vault, 'open'>;
  /** Where evidence is kept; without it there are no routes for it. */
  evidence?: Evidence;
  /** Who notes who reads the audit interface; without it nobody does. */
  readers?: Readers;
  /** How an import waits for the facts that policies bring to other streams. */
  policies?: {
    /** Event types that some policy listens to. */
    on: ReadonlySet<string>;
    /** Waits until the policies have handled the log up to `position`; false when `timeoutMs` passed first. */
    passed(position: Position, timeoutMs: number): Promise<boolean>;
  };
  /** What else must be well for `/health/ready` (subscribers, mail): each throws when it is not. */
  ready?: Readonly<Record<string, () => Promise<unknown>>>;
  /** What `/health/ready` tells of besides, and serves on without: the queue. */
  watched?: Readonly<Record<string, () => Promise<unknown>>>;
  /** How often live connections hear that nothing is lost; 15 s when not given. */
  beatMs?: number;
  /** What `/metrics` answers. */
  metrics?(): Promise<{ type: string; text: string }>;
}
