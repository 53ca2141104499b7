import { promises as dns } from 'node:dns';
import type { LookupAddress, RecordWithTtl } from 'node:dns';
import { LRUCache } from 'lru-cache';

import { NameNotFoundError } from './vetted-lookup.ts';
import type { Resolve } from './vetted-lookup.ts';

/** The addresses of receivers' names, as the name servers of the machine say. */
export interface ReceiverNames {
  /** Rejects with a NameNotFoundError within 4 s. */
  readonly resolve: Resolve;
  /** I8: look-ups under way. */
  underWay(): number;
  /** Ends what is under way. */
  close(): void;
}

/** Below what connecting has (5 s): nothing is under way for a request that has ended. So as many look-ups are under way at most as requests. */
const deadlineMs = 4_000;
/** One lost packet costs as much. */
const tryMs = 1_000;
const tries = 3;
/** Once one kind of address is known, the other is waited for so long: there are name servers that never answer for one of them. */
const otherKindMs = 250;
/** What the owner of a name says is believed, but for no longer than a receiver that moves should be away. */
const ttlMaxMs = 60_000;
const ttlMinMs = 1_000;
/** Of what was not found, or of one kind only. */
const doubtfulTtlMs = 5_000;
/** I8: an answer may have thousands of addresses, and a tenant many names. */
const addressesMax = 8;
const namesMax = 10_000;

type Found = readonly LookupAddress[];

/**
 * Asks name servers without a thread of the process (c-ares). `dns.lookup` has two of libuv's four, which all look-ups of the process wait for, those of Kafka and
 * ClickHouse too: two names whose servers do not answer would stop them all (I7). Here each look-up has a socket of its own, and none waits for another.
 * Hosts files and search domains are not looked at.
 */
export function createReceiverNames(nameServers?: readonly string[]): ReceiverNames {
  const known = new LRUCache<string, Found>({ max: namesMax });
  const underWay = new Map<string, { readonly resolver: dns.Resolver; readonly found: Promise<Found> }>();

  const begin = (name: string): Promise<Found> => {
    const resolver = new dns.Resolver({ timeout: tryMs, tries });
    if (nameServers !== undefined) resolver.setServers(nameServers);
    const found = ask(resolver, name).then(({ addresses, ttlMs }) => {
      known.set(name, addresses, { ttl: ttlMs });
      underWay.delete(name);
      return addresses;
    });
    underWay.set(name, { resolver, found });
    return found;
  };

  return {
    resolve: async (name) => {
      const found = known.get(name) ?? (await (underWay.get(name)?.found ?? begin(name)));
      if (found.length === 0) throw new NameNotFoundError('no name server knows an address of the name');
      return found;
    },
    underWay: () => underWay.size,
    close: () => {
      for (const { resolver } of underWay.values()) resolver.cancel();
    },
  };
}

/** Never rejects. */
async function ask(
  resolver: dns.Resolver,
  name: string,
): Promise<{ readonly addresses: Found; readonly ttlMs: number }> {
  const timers = [setTimeout(() => resolver.cancel(), deadlineMs)];
  const kind = async (asked: Promise<RecordWithTtl[]>): Promise<RecordWithTtl[] | undefined> => {
    try {
      const records = await asked;
      timers.push(setTimeout(() => resolver.cancel(), otherKindMs));
      return records.slice(0, addressesMax);
    } catch (error) {
      // The name has none of this kind; anything else is no answer.
      return Reflect.get(Object(error), 'code') === dns.NODATA ? [] : undefined;
    }
  };
  const kinds = await Promise.all([
    kind(resolver.resolve4(name, { ttl: true })),
    kind(resolver.resolve6(name, { ttl: true })),
  ]);
  timers.forEach(clearTimeout);
  const addresses = kinds.flatMap((records, index) =>
    (records ?? []).map(({ address }) => ({ address, family: index === 0 ? 4 : 6 })),
  );
  const ttlsMs = kinds.flatMap((records) => (records ?? []).map(({ ttl }) => ttl * 1_000));
  const isWhole = addresses.length > 0 && kinds.every((records) => records !== undefined);
  const ttlMs = isWhole ? Math.max(ttlMinMs, Math.min(ttlMaxMs, ...ttlsMs)) : doubtfulTtlMs;
  return { addresses, ttlMs };
}
