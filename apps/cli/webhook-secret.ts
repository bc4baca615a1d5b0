import { webhookSecret } from '#apps/api/auth';
import { readConfig } from '#apps/config';
import { agencyKey } from '#notices';
import { Failure } from './failure.js';

/** `peygir webhook-secret --agency gas`: to be handed to the receiver, who checks by it that a call is ours. */
export async function printWebhookSecret({
  agency,
  office,
  key,
}: {
  agency?: string;
  office?: string;
  key: number;
}): Promise<void> {
  if ((agency === undefined) === (office === undefined)) throw new Failure('Name one recipient: --agency or --office.');
  const { dataDir, secret } = readConfig();
  console.log(await webhookSecret(dataDir, agency === undefined ? office! : agencyKey(agency), key, secret));
}
