import type { QueryMetrics } from '../metrics.ts';

export interface WaitingRoom {
  /** Takes a place to wait in and gives what leaves it, to be called once; undefined when there is no place for this tenant. */
  enter(tenantId: string): (() => void) | undefined;
}

/** I8: bounds the requests that wait, of the process; I7: one tenant gets at most half of the places, so that the others may wait too. */
export function createWaitingRoom(placesMax: number, metrics: Pick<QueryMetrics, 'waiters'>): WaitingRoom {
  const tenantPlacesMax = Math.ceil(placesMax / 2);
  /** Tenants that hold nothing are forgotten. */
  const placesOf = new Map<string, number>();
  let places = 0;

  const add = (tenantId: string, change: 1 | -1): void => {
    const own = (placesOf.get(tenantId) ?? 0) + change;
    if (own === 0) placesOf.delete(tenantId);
    else placesOf.set(tenantId, own);
    places += change;
    metrics.waiters.set(places);
  };

  return {
    enter: (tenantId) => {
      if (places >= placesMax || (placesOf.get(tenantId) ?? 0) >= tenantPlacesMax) return undefined;
      add(tenantId, 1);
      return () => add(tenantId, -1);
    },
  };
}
