import { allImports, breach, importsOf } from './kit/arrows.js';

describe('the house', () => {
  it('has only the arrows of DESIGN: apps → features → kernel, apps → stores → kernel', () => {
    const imports = allImports('.');
    expect(imports.length).toBeGreaterThan(50);
    const breaches = imports.map(breach).filter((sentence) => sentence !== undefined);
    if (breaches.length > 0) throw new Error(`\n\n${breaches.join('\n\n')}\n`);
  });
});

describe('the one who checks it', () => {
  it('sees every kind of import statement', () => {
    const text = [
      `import a, { type B } from './a.js';`,
      `import type { C } from '#cases';`,
      `import {\n  d,\n  e,\n} from "pg";`,
      `export * from './f.js';`,
      `export type { G } from './g.js';`,
      `import 'reflect-metadata';`,
      `const h = await import('#stores');`,
      `export const from = 'nowhere';`,
      `// import x from 'comment';`,
    ].join('\n');
    expect(importsOf('f', text).map(({ from, typeOnly }) => [from, typeOnly])).toEqual([
      ['./a.js', false],
      ['#cases', true],
      ['pg', false],
      ['./f.js', false],
      ['./g.js', true],
      ['reflect-metadata', false],
      ['#stores', false],
    ]);
  });

  const verdict = (file: string, statement: string) => breach(importsOf(file, statement)[0]!);

  it.each([
    ['libs/kernel/a.ts', `import { x } from '#stores';`, 'kernel imports nothing of ours'],
    ['libs/cases/case.ts', `import pg from 'pg';`, 'drivers stay behind ports'],
    ['apps/api/main.ts', `import { Queue } from 'bullmq';`, 'drivers stay behind ports'],
    ['libs/cases/case.ts', `import { Injectable } from '@nestjs/common';`, 'knows no framework'],
    ['libs/cases/case.ts', `import { x } from '#resolutions';`, 'message types'],
    ['libs/cases/case.ts', `import { x } from '../resolutions/state.js';`, 'entered by its door'],
    ['libs/calendar/a.ts', `import { x } from '#directory';`, 'message types'],
    ['libs/cases/case.ts', `import { x } from '#stores';`, 'does not choose where'],
    ['libs/stores/a.ts', `import type { X } from '#cases';`, 'never what is stored'],
    ['libs/cases/case.spec.ts', `import { x } from '../resolutions/state.js';`, 'entered by its door'],
    ['apps/cli/main.ts', `import { x } from '../api/auth.js';`, 'entered by its door'],
    ['libs/cases/case.ts', `import { x } from '#apps/config';`, 'do not know the apps'],
    ['libs/cases/case.ts', `import { x } from '#apps/api/app';`, 'do not know the apps'],
    ['libs/cases/case.ts', `const x = await import('#test/kit/given');`, 'only specs'],
  ])('refuses in %s: %s', (file, statement, why) => {
    const sentence = verdict(file, statement);
    expect(sentence).toContain(why);
    expect(sentence).toMatch(new RegExp(`^${file} imports ".*", but .*\\. Instead: .+\\.$`));
  });

  it.each([
    ['libs/cases/case.ts', `import type { Resolution } from '#resolutions';`],
    ['libs/cases/case.commands.ts', `import { ApiProperty } from '@nestjs/swagger';`],
    ['libs/resolutions/state.ts', `import { dueOf } from '#calendar';`],
    ['libs/directory/calendar.ts', `import { workingDays } from '#calendar';`],
    ['libs/sessions/session.ts', `import { checkObligations } from '#resolutions';`],
    ['libs/stores/log.ts', `import pg from 'pg';`],
    ['libs/cases/case.spec.ts', `import { given } from '#test/kit/given';`],
    ['libs/kernel/decide.spec.ts', `import { MemoryEventStore } from '#stores';`],
    ['libs/kernel/decide.ts', `import { CommandHandler } from '@nestjs/cqrs';`],
    ['apps/cli/main.ts', `import { start } from '#stores';`],
    ['apps/cli/main.ts', `import { readConfig } from '#apps/config';`],
    ['apps/compose.ts', `import { readConfig } from './config.js';`],
    ['apps/compose.ts', `import { createApi } from '#apps/api/api.module';`],
    ['test/e2e/a.spec.ts', `import pg from 'pg';`],
  ])('allows in %s: %s', (file, statement) => {
    expect(verdict(file, statement)).toBeUndefined();
  });
});
