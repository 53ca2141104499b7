import type { LookupAddress, LookupOptions } from 'node:dns';

import { isPublicAddress } from './address-policy.ts';

export const addressNotAllowedCode = 'ADDRESS_NOT_ALLOWED';
export const nameNotFoundCode = 'NAME_NOT_FOUND';

/** A name that resolves to an address which must not be connected to. Its message names no address: customers see it. */
class AddressNotAllowedError extends Error {
  override readonly name = 'AddressNotAllowedError';
  readonly code = addressNotAllowedCode;
}

/** A name of which no address is known, for now or for good. */
export class NameNotFoundError extends Error {
  override readonly name = 'NameNotFoundError';
  readonly code = nameNotFoundCode;
}

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/**
 * dns.lookup for sockets that only ever gives globally routable addresses, and none at all if a single one is not: a name that answers with both is
 * an attack or a mistake. The socket connects to exactly what was vetted here, so a second answer of the same name (DNS rebinding) changes nothing.
 */
export function createVettedLookup(resolve: Resolve) {
  const vetted = async (hostname: string): Promise<readonly LookupAddress[] | Error> => {
    try {
      const addresses = await resolve(hostname);
      const isAllowed = addresses.length > 0 && addresses.every(({ address }) => isPublicAddress(address));
      return isAllowed ? addresses : new AddressNotAllowedError('the name resolves to an address that is not allowed');
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
  const look = async (hostname: string, options: LookupOptions, answer: Answer): Promise<void> => {
    const found = await vetted(hostname);
    if (found instanceof Error) answer(found, []);
    else if (options.all === true) answer(null, [...found]);
    else answer(null, found[0]?.address ?? '', found[0]?.family);
  };
  return (hostname: string, options: LookupOptions, answer: Answer): void => void look(hostname, options, answer);
}
