import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefineTemplateData } from '#templates';
import { projectRoot } from '#apps/config';
import { Failure } from './failure.js';
import { ownToken } from './load.js';

/** The measures that come with Peygir, to begin with; a province adopts them, or a file of its own, and changes them. */
export const OUR_TEMPLATES = join(projectRoot(), 'apps', 'cli', 'data', 'templates.json');

export type Template = DefineTemplateData & { id: string };

/** @throws Failure that names the file and what is wrong with it */
export function readTemplates(file: string): Template[] {
  const wrong = (reason: string) => new Failure(`${file}: ${reason}`);
  let all: unknown;
  try {
    all = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (!Array.isArray(all)) throw wrong('must be a list of templates, as `peygir templates` prints it.');
  all.forEach((one, index) => {
    if (typeof (one as Template | null)?.id !== 'string') throw wrong(`template ${index + 1} has no "id".`);
  });
  return all as Template[];
}

export interface Adopted {
  adopted: string[];
  /** Those that the province has already, perhaps in words of its own: they are left as they are. */
  kept: string[];
  refused: { id: string; code: string; detail: string }[];
}

/** Defines on a running server whatever it does not have yet. @throws Failure when it does not answer as it should */
export async function adoptTemplates(
  templates: readonly Template[],
  { server, token }: { server: string; token: string },
): Promise<Adopted> {
  const ask = async (path: string, body?: object): Promise<{ status: number; answer: any }> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = body && { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${server}/v1/${path}`, { headers, ...sent }).catch((error: Error) => {
      throw new Failure(`${server} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`);
    });
    return { status: response.status, answer: await response.json() };
  };
  const found: Adopted = { adopted: [], kept: [], refused: [] };
  for (const { id, ...template } of templates) {
    const known = await ask(`templates/${encodeURIComponent(id)}`);
    if (known.status !== 200 && known.status !== 404) throw new Failure(`${server}: ${known.answer.detail}`);
    if (known.status === 200) {
      found.kept.push(id);
      continue;
    }
    const { status, answer } = await ask(`template/${encodeURIComponent(id)}/DefineTemplate`, template);
    if (status === 200) found.adopted.push(id);
    else found.refused.push({ id, code: answer.code, detail: answer.detail });
  }
  return found;
}

/** Prints the templates, or has a server adopt them. */
export async function templates(options: {
  file?: string;
  adopt?: true;
  server: string;
  token?: string;
}): Promise<void> {
  const all = readTemplates(options.file ?? OUR_TEMPLATES);
  if (!options.adopt) return console.log(JSON.stringify(all, null, 2));
  const token = options.token ?? process.env['PEYGIR_TOKEN'] ?? (await ownToken('admin'));
  const { adopted, kept, refused } = await adoptTemplates(all, { server: options.server, token });
  for (const each of refused) console.error(JSON.stringify(each));
  console.error(`${adopted.length} templates adopted, ${kept.length} were there, ${refused.length} refused.`);
  if (refused.length > 0) process.exitCode = 1;
}
