import { backpressure } from './cases/backpressure.ts';
import { behindRetention } from './cases/behind-retention.ts';
import { chaos } from './cases/chaos.ts';
import { crowd } from './cases/crowd.ts';
import { deliveryServers } from './cases/delivery-servers.ts';
import { gatewayOutage } from './cases/gateway-outage.ts';
import { killDelivery } from './cases/kill-delivery.ts';
import { killIngestor } from './cases/kill-ingestor.ts';
import { killServers } from './cases/kill-servers.ts';
import { rebalance } from './cases/rebalance.ts';
import { receiverOutage } from './cases/receiver-outage.ts';
import { schemas } from './cases/schemas.ts';
import { sdk } from './cases/sdk.ts';
import { sdkDisk } from './cases/sdk-disk.ts';
import { shareDelivery } from './cases/share-delivery.ts';
import { trail } from './cases/trail.ts';
import { zombie } from './cases/zombie.ts';
import type { FaultCase } from './fault-case.ts';

/** In the order in which they run. */
export const allCases: readonly FaultCase[] = [
  killIngestor,
  killServers,
  zombie,
  rebalance,
  crowd,
  backpressure,
  schemas,
  trail,
  gatewayOutage,
  sdk,
  sdkDisk,
  killDelivery,
  shareDelivery,
  deliveryServers,
  receiverOutage,
  behindRetention,
  chaos,
];
