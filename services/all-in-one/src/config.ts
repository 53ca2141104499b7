import { settings as adminSettings } from '@docket/admin';
import { deliverySettings } from '@docket/delivery';
import { ingestSettings } from '@docket/gateway';
import { ingestorSettings } from '@docket/ingestor';
import { settings as querySettings } from '@docket/query';
import { httpSettingsWithPort } from '@docket/runtime';
import type { SettingsOf } from '@docket/runtime';

/** All that the services need, but for QUERY_URL, ADMIN_URL and DELIVERY_URL: their routes are in this process. */
export const settings = {
  ...ingestorSettings,
  ...deliverySettings,
  ...querySettings,
  ...adminSettings,
  ...ingestSettings,
  ...httpSettingsWithPort(8080),
};

export type Config = SettingsOf<typeof settings>;
