import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';

import { isPublicAddress } from './address-policy.ts';

export const addressNotAllowedCode = 'ADDRESS_NOT_ALLOWED';

/** A name that resolves to an address which must not be connected to. Its message names no address: customers see it. */
class AddressNotAllowedError extends Error {
  override readonly name = 'AddressNotAllowedError';
  readonly code = addressNotAllowedCode;
}

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** All addresses of a name, as node:dns gives them. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * dns.lookup for sockets that only ever gives globally routable addresses, and none at all if a single one is not: a name that answers with both is
 * an attack or a mistake. The socket connects to exactly what was vetted here, so a second answer of the same name (DNS rebinding) changes nothing.
 */
export function createVettedLookup(resolve: Resolve = lookup) {
  return (hostname: string, options: LookupOptions, answer: Answer): void => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return answer(error, []);
      const [first] = addresses;
      if (first === undefined || addresses.some(({ address }) => !isPublicAddress(address))) {
        return answer(new AddressNotAllowedError('the name resolves to an address that is not allowed'), []);
      }
      if (options.all === true) answer(null, addresses);
      else answer(null, first.address, first.family);
    });
  };
}
