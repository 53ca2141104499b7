// unit needs no stack; contract and system run against the real one, which their global set-up starts; foreign needs Python and Go too.
const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'nodenext' },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironmentOptions: { customExportConditions: ['docket-source', 'node'] },
  modulePathIgnorePatterns: ['/dist/', '/\\.local/'],
};
const onStack = {
  globalSetup: '<rootDir>/test/setup/start-stack.ts',
  globalTeardown: '<rootDir>/test/setup/stop-stack.ts',
  setupFiles: ['<rootDir>/test/setup/check-answers.ts'],
};

const onServices = { ...onStack, globalSetup: '<rootDir>/test/setup/start-stack-and-build.ts' };

export default {
  // A test that waits has its own deadline; this one only ends what hangs, also on a busy machine.
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.(contract|system|foreign)\\.test\\.ts$'],
    },
    { ...shared, ...onStack, displayName: 'contract', testMatch: ['**/test/**/*.contract.test.ts'] },
    { ...shared, ...onServices, displayName: 'system', testMatch: ['**/test/**/*.system.test.ts'] },
    { ...shared, ...onServices, displayName: 'foreign', testMatch: ['**/test/**/*.foreign.test.ts'] },
  ],
};
