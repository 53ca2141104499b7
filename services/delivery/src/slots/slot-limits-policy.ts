import type { SlotLimits } from './slot-policy.ts';

/**
 * How many requests may be under way, from DELIVERY_IN_FLIGHT_MAX, which is that of the pool live. The pools of those who may be bad are small: what is slow leaves
 * them soon, and everything else in them ends at once.
 */
export function slotLimitsOf(inFlightMax: number): SlotLimits {
  return {
    perPool: {
      live: inFlightMax,
      catch_up: Math.ceil(inFlightMax / 4),
      unproven: Math.ceil(inFlightMax / 4),
      doubtful: Math.ceil(inFlightMax / 4),
      failing: Math.ceil(inFlightMax / 4),
      slow: inFlightMax * 32,
    },
    // Far below the pools: a tenant with many dead receivers cannot fill one, nor one receiver take all that its tenant has.
    perTenant: 16,
    perHost: 8,
    perTenantSlow: 64,
    perHostSlow: 32,
    // A quarter of a pod's gigabyte; what TLS holds of a receiver that does not read comes on top.
    bytesMax: 256 * 1024 * 1024,
    // Some four milliseconds of the process: fifteen single events, or three batches of a hundred. Answers and fetches are looked at in between.
    atOnceBytes: 256 * 1024,
    // Many times what a receiver near by takes.
    slowAfterMs: 50,
    // Together some tenth of a processor. Of fewer than some hundred dead receivers each is tried as often as its own delays say.
    failuresPerSecond: 100,
  };
}
