/** I8: what the bodies of requests under way take, by tenant. */
export interface BytesUnderWay {
  hasRoom(tenantId: string, bytes: number): boolean;
  add(tenantId: string, bytes: number): void;
}

/** A tenant has at most half of what the others leave of `bytesMax`, so that there is room for whoever comes; one request of each always goes. */
export function createBytesUnderWay(bytesMax: number): BytesUnderWay {
  const byTenant = new Map<string, number>();
  let all = 0;
  return {
    hasRoom: (tenantId, bytes) => {
      const ofTenant = byTenant.get(tenantId) ?? 0;
      return ofTenant === 0 || ofTenant + bytes <= (bytesMax - (all - ofTenant)) / 2;
    },
    add: (tenantId, bytes) => {
      all += bytes;
      const ofTenant = (byTenant.get(tenantId) ?? 0) + bytes;
      if (ofTenant === 0) byTenant.delete(tenantId);
      else byTenant.set(tenantId, ofTenant);
    },
  };
}
