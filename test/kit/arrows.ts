import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** One import statement of one file, paths from the project's root. */
export interface Import {
  file: string;
  /** As written: `#kernel`, `./order.js`, `pg`. */
  from: string;
  typeOnly: boolean;
}

/** Where each driver may be imported: whoever else needs it asks for the port in front of it. */
const DRIVERS: Record<string, string> = {
  pg: 'libs/stores',
  bullmq: 'libs/stores',
  '@nestjs/bullmq': 'libs/stores',
  ioredis: 'libs/stores',
  '@eventstore/db-client': 'libs/stores',
  nodemailer: 'libs/notices',
  pdfkit: 'libs/documents',
  fontkit: 'libs/documents',
  aws4fetch: 'libs/evidence',
};
/** Reference data and pure functions that every feature may call; they know no other feature. */
const GROUND = ['calendar', 'directory'];
/** A session adopts what a resolution is made of, checked by the resolution's own rules; nothing else leans this way. */
const ALLIED: Record<string, string> = { 'libs/sessions': 'libs/resolutions' };
/** Files of a feature that Nest itself reads; the rest of it is plain TypeScript. */
const NEST_FILES = /\.(commands|queries|module|controller)\.ts$/;

const STATEMENT =
  /^[ \t]*(?:(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|.*?\bimport\(\s*['"]([^'"]+)['"])/gm;

export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(STATEMENT)].map(([, type, from, dynamic]) => ({
    file,
    from: (from ?? dynamic)!,
    typeOnly: type !== undefined,
  }));
}

export function allImports(root: string): Import[] {
  return ['apps', 'libs', 'test'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter(
        (name) => name.endsWith('.ts') && !name.includes('node_modules') && !join(top, name).startsWith('apps/web'),
      )
      .flatMap((name) => importsOf(join(top, name), readFileSync(join(root, top, name), 'utf8'))),
  );
}

/** `libs/cases`, `apps/api`, `test`; `apps` for what lies in it directly. */
function houseOf(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders[0] === 'test' ? 'test' : folders.slice(0, 2).join('/');
}

function targetOf({ file, from }: Import): string | undefined {
  if (from.startsWith('.')) return houseOf(relative('.', normalize(join(dirname(file), from))));
  if (from.startsWith('#apps/')) return houseOf(from.slice(1));
  if (from.startsWith('#test/')) return 'test';
  return from.startsWith('#') ? `libs/${from.slice(1)}` : undefined;
}

/** Why this import may not stand, and what to do instead; undefined when it may. */
export function breach(statement: Import): string | undefined {
  const { file, from, typeOnly } = statement;
  const home = houseOf(file);
  const spec = file.endsWith('.spec.ts');
  const no = (why: string, instead: string) => `${file} imports "${from}", but ${why}. Instead: ${instead}.`;

  if (home === 'test') return undefined;
  const driver = Object.keys(DRIVERS).find((name) => from === name || from.startsWith(`${name}/`));
  if (driver && home !== DRIVERS[driver] && !spec) {
    return no(
      `drivers stay behind ports, and ${driver} is imported only in ${DRIVERS[driver]}`,
      'use the port of #kernel and let the composition root hand in what implements it',
    );
  }
  const feature = home.startsWith('libs/') && home !== 'libs/kernel' && home !== 'libs/stores';
  if (from.startsWith('@nestjs/') && feature && !spec && !NEST_FILES.test(file)) {
    return no(
      'the domain knows no framework: a rule must run in a simulation, a test and a verifier without one',
      'keep the rule a pure function, and put what Nest needs into apps/ or into *.commands.ts',
    );
  }
  const target = targetOf(statement);
  if (target === undefined || target === home) return undefined;
  if (target === 'test') {
    return spec
      ? undefined
      : no('only specs may use the test kit', 'move what both need into the library that owns it');
  }
  if (from.startsWith('.')) {
    return no('a folder is entered by its door', `import it as "#${target.replace('libs/', '')}" and export it there`);
  }
  // A spec may put real parts together, as long as it enters by their doors.
  if (spec || home.startsWith('apps')) return undefined;
  if (target.startsWith('apps')) return no('libraries do not know the apps that use them', 'hand it in as a parameter');
  if (home === 'libs/kernel') {
    return no('the kernel imports nothing of ours, so that everything can rest on it', 'define a port in the kernel');
  }
  if (target === 'libs/kernel') return undefined;
  if (home === 'libs/stores') {
    return no('stores know only the kernel’s ports, never what is stored', 'pass what is needed through a port');
  }
  if (target === 'libs/stores') {
    return no('a feature does not choose where things are stored', 'take EventStore, Sql or Database of #kernel');
  }
  const ground = GROUND.includes(target.replace('libs/', ''));
  const below = GROUND.indexOf(target.replace('libs/', '')) < GROUND.indexOf(home.replace('libs/', ''));
  if (ground && (below || !GROUND.includes(home.replace('libs/', '')))) return undefined;
  if (typeOnly || ALLIED[home] === target) return undefined;
  return no(
    'features meet only through each other’s message types',
    'use `import type`, or let a policy send a command to the other feature',
  );
}
