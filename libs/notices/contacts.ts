/** E-mail addresses that a deployment is configured with, for recipients whose contacts no command has set. */
export type Contacts = ReadonlyMap<string, readonly string[]>;

export const agencyKey = (agency: string): string => `agency:${agency}`;

/** One mailbox, no display name: nothing in it can end a header line and begin another. */
const ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[A-Za-z0-9.-]{1,190}$/;
const KEY = /^[A-Za-z0-9._-]{1,100}$/;

/** Why it is no e-mail address, as the end of a sentence. */
export function addressFault(address: unknown): string | undefined {
  if (typeof address === 'string' && /[\r\n]/.test(address)) return 'must not contain a line break';
  if (typeof address === 'string' && ADDRESS.test(address)) return undefined;
  return `${JSON.stringify(address)} is not an e-mail address`;
}

/**
 * Reads `{ "offices": { "governor": ["a@b"] }, "agencies": { "gas": ["c@d"] } }`.
 * @param name names the source in errors, such as the file's path.
 * @throws Error that lists everything that is wrong, each with its place.
 */
export function contactsFrom(value: unknown, name: string): Contacts {
  const wrong: string[] = [];
  const contacts = new Map<string, readonly string[]>();
  const members = (of: unknown, at: string): [string, unknown][] => {
    if (of !== null && typeof of === 'object' && !Array.isArray(of)) return Object.entries(of);
    wrong.push(`${at}: must be an object`);
    return [];
  };
  const take = (group: unknown, at: string, key: (id: string) => string) => {
    for (const [id, addresses] of members(group, at)) {
      const bad = !KEY.test(id) || !Array.isArray(addresses) || addresses.length === 0;
      if (bad) wrong.push(`${at}.${JSON.stringify(id)}: must be an id with a list of e-mail addresses`);
      else
        contacts.set(
          key(id),
          addresses.filter((each, index) => isAddress(each, `${at}.${id}[${index}]`)),
        );
    }
  };
  const isAddress = (address: unknown, at: string): address is string => {
    const fault = addressFault(address);
    if (fault) wrong.push(`${at}: ${fault}`);
    return fault === undefined;
  };
  for (const [key, group] of members(value, 'contacts')) {
    if (key === 'offices') take(group, key, (id) => id);
    else if (key === 'agencies') take(group, key, agencyKey);
    else wrong.push(`${key}: is not known here; known are offices, agencies`);
  }
  if (wrong.length > 0) throw new Error(`${name}: ${wrong.join('; ')}`);
  return contacts;
}
