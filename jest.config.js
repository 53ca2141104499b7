// Three projects: unit needs no stack; contract and system run against the real one, which their global set-up starts.
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

export default {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.contract\\.test\\.ts$', '\\.system\\.test\\.ts$'],
    },
    { ...shared, ...onStack, displayName: 'contract', testMatch: ['**/test/**/*.contract.test.ts'] },
    {
      ...shared,
      ...onStack,
      globalSetup: '<rootDir>/test/setup/start-stack-and-build.ts',
      displayName: 'system',
      testMatch: ['**/test/**/*.system.test.ts'],
    },
  ],
};
