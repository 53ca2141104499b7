import type { SettingDeclarations } from '@docket/runtime';
import { migrateSettings } from '../../services/cli/src/program.ts';
import { settings as adminSettings } from '../../services/admin/src/config.ts';
import { settings as deliverySettings } from '../../services/delivery/src/config.ts';
import { settings as gatewaySettings } from '../../services/gateway/src/config.ts';
import { settings as ingestorSettings } from '../../services/ingestor/src/config.ts';
import { settings as querySettings } from '../../services/query/src/config.ts';

/** The settings of each command that an installation runs. */
export const settingsOf: Readonly<Record<string, SettingDeclarations>> = {
  migrate: migrateSettings,
  gateway: gatewaySettings,
  ingestor: ingestorSettings,
  query: querySettings,
  delivery: deliverySettings,
  admin: adminSettings,
};
