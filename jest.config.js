/** ESM all the way: Nest 12 is ESM, and jest loads it only through vm modules (see the `test` script). */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#apps/(.*)$': '<rootDir>/apps/$1.ts',
    '^#test/(.*)$': '<rootDir>/test/$1.ts',
    '^#(\\w+)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  globalSetup: '<rootDir>/test/kit/postgres-setup.mjs',
  testSequencer: '<rootDir>/test/kit/sequencer.mjs',
  setupFiles: ['<rootDir>/test/setup.ts'],
  // Generous: a slow machine is no fault of the product, and a test that hangs is found all the same.
  testTimeout: 240_000,
  // Two more than the two cores: most of what takes long waits for a process, a browser or a database.
  maxWorkers: 4,
};
