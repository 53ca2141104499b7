export { clientSettings } from './client/client-settings.ts';
export { migrateAll, type MigrateConfig } from './migrate.ts';
export { createProgram, migrateSettings, operatorSettings, serviceNames, type ProgramHost } from './program.ts';
export { reportLines } from './verify/report-mapper.ts';
export { verify, type VerifyReport } from './verify/verify.ts';
