import { backpressure } from './cases/backpressure.ts';
import { crowd } from './cases/crowd.ts';
import { killIngestor } from './cases/kill-ingestor.ts';
import { killServers } from './cases/kill-servers.ts';
import { rebalance } from './cases/rebalance.ts';
import { schemas } from './cases/schemas.ts';
import { sdk } from './cases/sdk.ts';
import { sdkDisk } from './cases/sdk-disk.ts';
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
  sdk,
  sdkDisk,
];
