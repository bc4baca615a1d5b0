import { existsSync } from 'node:fs';
import type { Role } from '#kernel';
import { issueToken } from '#apps/api/auth';
import { readConfig } from '#apps/config';
import { Failure } from './failure.js';

export interface TokenOptions {
  role: Role;
  agency?: string;
  unit?: string;
  sub?: string;
  /** Seconds. */
  expires: number;
}

export async function printToken(options: TokenOptions): Promise<void> {
  const config = readConfig();
  if (config.oidcIssuer) throw new Failure(`OIDC_ISSUER is set: tokens come from ${config.oidcIssuer}.`);
  console.log(await tokenFor(config, options));
}

/** A token signed with the key in the deployment's data folder; made there when this is the first use. */
export async function tokenFor(
  { dataDir, province, secret }: { dataDir: string; province: string; secret?: string },
  options: TokenOptions,
): Promise<string> {
  const { role, agency, unit, sub, expires } = options;
  if (role === 'agency' && !agency) throw new Failure('A token of role agency needs --agency.');
  if (role === 'unit' && !unit) throw new Failure('A token of role unit needs --unit.');
  const claims = { sub: sub ?? [role, agency ?? unit].filter(Boolean).join('-'), role, agency, unit, province };
  return issueToken(dataDir, claims, expires, secret);
}

export const hasTokenKey = ({ dataDir, secret }: { dataDir: string; secret?: string }): boolean =>
  secret !== undefined || existsSync(`${dataDir}/token-key.json`);
